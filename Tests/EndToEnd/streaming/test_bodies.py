"""Bodies of all sizes, many at once, are what was sent, to the last bit."""

import hashlib
import http.client
import random
import re
import subprocess
import threading

import pytest

from harness import answer, scaled
from harness.data import PIECE, Hashing, digest, pieces, whole
from harness.setups import pooled, single


def sized(connection):
    """Answers /N with N bytes, /chunked/N with as many in chunks of odd sizes."""
    while (request := connection.request()) is not None:
        *framing, size = request.target.strip("/").split("/")
        body = whole(int(size))
        if framing:
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            start, chunk = 0, 1
            while start < len(body):
                part = body[start : start + chunk]
                connection.send(b"%x\r\n%s\r\n" % (len(part), part))
                start, chunk = start + chunk, chunk * 3 % 100_003
            connection.send("0\r\n\r\n")
        else:
            connection.send(answer(body=body))


def fetch(client, target, size):
    response = client.ask(target=target)
    assert response.status == 200
    assert len(response.body) == size
    assert hashlib.sha256(response.body).hexdigest() == digest(size)
    client.received.clear()


def together(jobs):
    """Runs every job in a thread and passes on the first failure."""
    failures = []

    def guarded(job):
        try:
            job()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(60))
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "some never ended"


@pytest.mark.parametrize("kind", ["", "/chunked"])
@pytest.mark.parametrize(
    "size", [1, 16383, 16384, 65535, 65536, 65537, PIECE - 1, PIECE, PIECE + 1, 5_000_000]
)
def test_sizes_around_every_buffer(weir, backend, size, kind):
    client = weir({"workers": 1, **single(backend(sized))}).client()
    for _ in range(3):
        fetch(client, f"{kind}/{size}", size)


def test_large_answers_at_once_mixed_with_small_ones(weir, backend):
    """More streams than one worker keeps pipes; each kept connection sees both kinds in turn."""
    servers = [backend(sized) for _ in range(2)]
    proxy = weir(pooled(servers, {}))

    def job(number):
        choose = random.Random(number)
        client = proxy.client(timeout=scaled(60))
        for _ in range(12):
            size = choose.choice([0, 100, 10_000, PIECE, PIECE, PIECE + 77])
            fetch(client, f"{choose.choice(['', '', '/chunked'])}/{size}", size)

    together([lambda number=number: job(number) for number in range(40)])


def test_pipes_are_clean_after_clients_that_left(weir, backend):
    """What a client did not take of its answer must not reach the next one."""
    proxy = weir({"workers": 1, **single(backend(sized))})
    for round_number in range(10):
        for _ in range(5):
            leaver = proxy.client(receive_buffer=4096)
            leaver.send_request(target="/5000000")
            assert leaver.exactly(1000)
            leaver.reset()
        fetch(proxy.client(), f"/{PIECE + round_number}", PIECE + round_number)


def chunked_mirror(connection):
    while (request := connection.request()) is not None:
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(request.body), 7919):
            part = request.body[start : start + 7919]
            connection.send(b"%x;x=y\r\n%s\r\n" % (len(part), part))
        connection.send("0\r\n\r\n")


def test_chunked_both_ways_many_at_once(weir, backend):
    proxy = weir(single(backend(chunked_mirror)))

    def job(number):
        client = proxy.client(timeout=scaled(60))
        choose = random.Random(number)
        for _ in range(10):
            body = whole(choose.choice([0, 1, 5000, 200_000, PIECE]))
            step = choose.choice([1000, 65536, 70_001])
            chunks = [body[start : start + step] for start in range(0, len(body), step)]
            response = client.ask("POST", body=chunks)
            assert response.status == 200 and response.body == body

    together([lambda number=number: job(number) for number in range(16)])


def test_http_client_sends_chunks(weir, backend):
    proxy = weir(single(backend(chunked_mirror)))
    client = http.client.HTTPConnection(*proxy.address, timeout=scaled(20))
    for size in [0, 100, 3_000_000]:
        client.request(
            "PUT",
            "/",
            body=pieces(size),
            headers={"Transfer-Encoding": "chunked"},
            encode_chunked=True,
        )
        body = Hashing()
        response = client.getresponse()
        assert response.status == 200
        while data := response.read(100_000):
            body.take(data)
        assert (body.count, body.hex) == (size, digest(size))
    client.close()


@pytest.mark.parametrize("target", ["/100", "/1048576", "/chunked/100000"])
def test_wrk_sees_no_error(weir, backend, target):
    proxy = weir(single(backend(sized)))
    command = ["wrk", "-t1", "-c16", "-d2s", "--timeout", "20s", f"{proxy.url}{target}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    assert int(re.search(r"(\d+) requests in", done.stdout).group(1)) > 0, done.stdout
