"""240 bytes a second: what clients have to send and to read on average, after a grace of 30 s.

One test with all of them at once, since each takes that long.
"""

import time

from harness import Closed, eventually
from harness.checks import assert_own_answer
from harness.setups import LOGGED, pooled

GRACE = 30
# Bytes a second: too few, and enough.
SLOW, QUICK = 100, 400
# More than the kernels' buffers hold.
LARGE = 24 << 20


def serve(connection):
    """Answers uploads with what came, everything else with more than buffers hold, or with little.

    `/chunked` and `/length` are the two ways in which large answers go through Weir.
    """
    while (head := connection.request_head()) is not None:
        connection.note(head)
        if head.method == "POST":
            connection.body(head)
            connection.answer(body=str(len(head.body)))
        elif head.target == "/events":
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
            for _ in range(40):
                time.sleep(1)
                connection.send("e")
        elif head.target == "/length":
            connection.answer(body=b"x" * LARGE)
        else:
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(LARGE // 65_536):
                connection.send(b"10000\r\n", b"x" * 65_536, b"\r\n")
            connection.send("0\r\n\r\n")


def upload(proxy, size):
    client = proxy.client()
    client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
    return client


def download(proxy, target, buffer):
    client = proxy.client(receive_buffer=buffer)
    client.keeps = False
    client.send_request(target=target)
    return client


def test_a_client_has_to_keep_the_least_rate(weir, backend):
    """The slow ones are cut once the grace is over, the others, slow as they are, are served."""
    server = backend(serve)
    timeouts = {"body": "10s", "send": "1m"}
    proxy = weir({**pooled(server, {}, **LOGGED), "workers": 1, "timeouts": timeouts})
    seconds = GRACE + 3
    slow, quick = upload(proxy, SLOW * 100), upload(proxy, QUICK * seconds)
    # Those that read nothing, and those that read far less than what makes the kernel take more.
    still = [download(proxy, target, 4096) for target in ("/chunked", "/length")]
    steady = [download(proxy, target, 65_536) for target in ("/chunked", "/length")]
    events = proxy.client()
    events.send_request(target="/events")
    server.saw(7)
    start = time.monotonic()
    ended = None
    for second in range(seconds):
        # Whoever sends nothing at all for ten seconds would be cut by `body`, not by the rate.
        time.sleep(max(0, start + second - time.monotonic()))
        quick.send(b"q" * QUICK)
        for client in steady:
            assert client.sock.recv(8192), "cut while it read"
        if ended is None:
            try:
                slow.send(b"s" * SLOW)
            except OSError:
                ended = second
    assert quick.response().text == str(QUICK * seconds)
    assert ended is None or ended >= GRACE
    assert_own_answer(slow.response(), 408, "body-timeout", closes=True)

    def cut():
        lines = [line for line in proxy.access() if line["outcome"] != "ok"]
        return lines if len(lines) == 3 else None

    # Clients that read are looked at four times within `timeouts.send`.
    lines = eventually(cut, "three to be cut off", within=20)
    outcomes = sorted((line["outcome"], line["path"]) for line in lines)
    assert outcomes == [("body-timeout", "/"), ("send-timeout", "/chunked"), ("send-timeout", "/length")]
    for line in lines:
        assert GRACE <= line["duration"] < GRACE + 20
    for client in still:
        try:
            assert len(client.rest()) < LARGE
        except Closed:
            pass
    for client in steady:
        client.sock.setblocking(False)
        assert client.sock.recv(1)
    assert events.response().body == b"e" * 40
