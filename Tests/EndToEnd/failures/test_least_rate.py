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


def serve(connection):
    """Answers uploads with what came, everything else with more than buffers hold, or little."""
    while (head := connection.request_head()) is not None:
        if head.method == "POST":
            connection.body(head)
            connection.answer(body=str(len(head.body)))
        elif head.target == "/events":
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
            for _ in range(40):
                time.sleep(1)
                connection.send("e")
        else:
            connection.answer(body=b"x" * (8 << 20))


def upload(proxy, size):
    client = proxy.client()
    client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
    return client


def test_a_client_has_to_keep_the_least_rate(weir, backend):
    server = backend(serve)
    timeouts = {"body": "10s", "send": "1m"}
    proxy = weir({**pooled(server, {}, **LOGGED), "workers": 1, "timeouts": timeouts})
    seconds = GRACE + 2
    slow = upload(proxy, SLOW * 100)
    quick = upload(proxy, QUICK * seconds)
    reader = proxy.client(receive_buffer=4096)
    reader.send_request(target="/large")
    events = proxy.client()
    events.send_request(target="/events")
    # Reading a little would have the kernel's buffers grow, and what they take counts as read.
    server.saw(2)
    start = time.monotonic()
    ended = None
    for second in range(seconds):
        # Whoever sends nothing at all for ten seconds would be cut by `body`, not by the rate.
        time.sleep(max(0, start + second - time.monotonic()))
        quick.send(b"q" * QUICK)
        if ended is None:
            try:
                slow.send(b"s" * SLOW)
            except OSError:
                ended = second
    assert quick.response().text == str(QUICK * seconds)
    assert ended is None or ended >= GRACE
    assert_own_answer(slow.response(), 408, "body-timeout", closes=True)
    lines = {}

    def both():
        lines.update({line["outcome"]: line for line in proxy.access(1)})
        return {"body-timeout", "send-timeout"} <= set(lines)

    eventually(both, "both to be cut off")
    for outcome in ["body-timeout", "send-timeout"]:
        assert GRACE <= lines[outcome]["duration"] < GRACE + 6
    # The one that reads nothing was cut, and the one that gets little was not.
    try:
        assert len(reader.rest()) < 8 << 20
    except Closed:
        pass
    assert events.response().body == b"e" * 40
