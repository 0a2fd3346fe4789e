"""Requests and answers of every shape by HTTP/2, with servers that speak HTTP/1."""

import hashlib
import threading

import pytest

from harness import answer, fixed
from harness.client import Client, encode_chunks
from harness.data import digest, whole
from harness.http2 import NO_ERROR, H2Client
from harness.setups import LOGGED, Seen


def sized(connection):
    """Answers /N with N bytes, /chunked/N with as many in chunks."""
    while (request := connection.request()) is not None:
        *framing, size = request.target.strip("/").split("/")
        body = whole(int(size))
        if framing:
            chunks = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(encode_chunks(chunks))
        else:
            connection.send(answer(body=body))


def hashed(connection):
    """Answers with the count and the hash of the request's body."""
    while (request := connection.request()) is not None:
        connection.answer(body=f"{len(request.body)} {hashlib.sha256(request.body).hexdigest()}")


def test_get(weir, backend, over):
    server = backend()
    client = H2Client(weir(over(server)))
    found = client.ask(target="/a/b?c=d", fields=[("x-one", "1"), ("accept", "*/*")])
    seen = Seen(found)
    assert (seen["method"], seen["target"], seen["version"]) == ("GET", "/a/b?c=d", "1.1")
    assert seen.get("host") == "example.test" and seen.get("x-one") == "1"
    assert seen.get("x-forwarded-proto") == client.scheme
    assert seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("content-length") is None and seen.get("transfer-encoding") is None
    assert found.get("content-type") == "application/json"
    assert found.get("content-length") == str(len(found.body))


def test_connection_fields_of_an_answer_stay_behind(weir, backend, over):
    lines = [("Connection", "X-Hop, keep-alive"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5")]
    lines += [("Upgrade", "h2c"), ("X-Stays", "2"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    client = H2Client(weir(over(backend(fixed(answer(body="hi", fields=lines))))))
    found = client.ask()
    names = [name for name, _ in found.fields]
    assert names == [name.lower() for name in names]
    assert not {"connection", "x-hop", "keep-alive", "upgrade", "transfer-encoding"} & set(names)
    assert found.get("x-stays") == "2" and found.all("set-cookie") == ["a=1", "b=2"]


def test_head(weir, backend, over):
    def script(connection):
        while connection.request() is not None:
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")

    client = H2Client(weir(over(backend(script))))
    for _ in range(2):
        found = client.ask("HEAD")
        assert found.status == 200 and found.body == b"" and found.get("content-length") == "12345"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(weir, backend, over, status):
    client = H2Client(weir(over(backend(fixed(f"HTTP/1.1 {status} X\r\n\r\n")))))
    for _ in range(2):
        found = client.ask()
        assert found.status == status and found.body == b"" and found.ended


def test_lengths_of_answers_that_have_none(weir, backend, over):
    """RFC 9110 §8.6: neither 1xx nor 204 has a Content-Length, over HTTP/1 as little."""
    text = "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\n"
    text += "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nX-Stays: 1\r\n\r\n"
    proxy = weir(over(backend(fixed(text))))
    client = H2Client(proxy)
    http1 = Client(proxy.address) if client.scheme == "http" else None
    for found in [client.ask(), client.ask()] + ([http1.ask()] if http1 else []):
        assert found.status == 204 and found.get("x-stays") == "1"
        assert found.get("content-length") is None
        (early,) = found.informational
        early = dict(early) if isinstance(early, list) else early
        assert early.get("link") == "</a>" and early.get("content-length") is None


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 100_000])
@pytest.mark.parametrize("length", [True, False])
def test_post(weir, backend, over, size, length):
    server = backend(hashed)
    client = H2Client(weir(over(server)))
    for _ in range(2):
        found = client.ask("POST", body=whole(size), length=length)
        assert found.status == 200 and found.text == f"{size} {digest(size)}"
    request = server.requests[-1]
    if length:
        assert request.get("content-length") == str(size) and not request.chunked
    elif size:
        assert request.chunked


def test_large_post(weir, backend, over):
    client = H2Client(weir(over(backend(hashed))))
    for length in (True, False):
        found = client.ask("POST", body=whole(20_000_000), length=length)
        assert found.text == f"20000000 {digest(20_000_000)}"


@pytest.mark.parametrize("kind", ["", "/chunked"])
@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 65537, 1 << 20, 20_000_000])
def test_answers_of_all_sizes(weir, backend, over, size, kind):
    client = H2Client(weir(over(backend(sized), **LOGGED)))
    found = client.ask(target=f"{kind}/{size}")
    assert found.status == 200 and found.ended
    assert len(found.body) == size and hashlib.sha256(found.body).hexdigest() == digest(size)
    assert client.ask(target="/1").body == whole(1)


def test_answer_that_ends_with_its_connection(weir, backend, over):
    pieces = b"HTTP/1.1 200 OK\r\n\r\n" + whole(300_000)
    client = H2Client(weir(over(backend(fixed(pieces, close=True)))))
    found = client.ask()
    assert found.ended and found.body == whole(300_000)


def test_trailers_both_ways(weir, backend, over):
    def script(connection):
        while (request := connection.request()) is not None:
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            fields = [("X-Sum", "77"), *[(name, value) for name, value in request.trailers]]
            connection.send(encode_chunks([request.body], fields))

    client = H2Client(weir(over(backend(script))))
    for _ in range(2):
        trailers = [("x-up", "5"), ("x-more", "6")]
        found = client.ask("POST", body=b"body", length=False, trailers=trailers)
        assert found.body == b"body" and found.ended
        assert found.trailers == [("x-sum", "77"), ("x-up", "5"), ("x-more", "6")]


def test_trailers_behind_a_body_of_known_length(weir, backend, over):
    server = backend()
    client = H2Client(weir(over(server)))
    found = client.ask("POST", body=b"body", trailers=[("x-up", "5")])
    assert Seen(found)["body"] == "body"
    assert client.ask().status == 200


def test_interim_answers(weir, backend, over):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    script = fixed(hints, b"HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n", answer(body="done"))
    client = H2Client(weir(over(backend(script))))
    found = client.ask()
    assert found.body == b"done"
    assert [dict(one)["link"] for one in found.informational] == ["</a>", "</b>"]
    assert {dict(one)[":status"] for one in found.informational} == {"103"}


def test_expect_continue(weir, backend, over):
    going = threading.Event()

    def script(connection):
        while (head := connection.request_head()) is not None:
            assert head.get("expect") == "100-continue"
            going.wait(10)
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            connection.body(head)
            connection.answer(body=head.body)

    client = H2Client(weir(over(backend(script))))
    fields = [("expect", "100-continue"), ("content-length", "5")]
    found = client.open("POST", fields=fields, end=False)
    going.set()
    client.until(lambda: found.informational, "100 Continue")
    client.finish(client.write(found, b"hello", end=True))
    assert found.status == 200 and found.body == b"hello"


def test_cookies_come_in_crumbs(weir, backend, over):
    server = backend()
    client = H2Client(weir(over(server)))
    client.ask(fields=[("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2"), ("cookie", "c=3")])
    assert server.requests[0].all("cookie") == ["a=1; b=2; c=3"]


def test_early_answer_to_an_unfinished_body(weir, backend, over):
    """The answer is whole; what remains of the body is not wanted, and others go on."""

    def script(connection):
        head = connection.request_head()
        if head is not None and head.method == "POST":
            connection.answer(401, body="no", fields=[("Connection", "close")], reason="No")
            connection.sock.shutdown(1)
            connection.rest()
        elif head is not None:
            connection.answer(body="well")

    client = H2Client(weir(over(backend(script))))
    fields = [("content-length", "10000000")]
    found = client.open("POST", fields=fields, end=False)
    client.finish(found)
    assert found.status == 401 and found.body == b"no" and found.ended
    if found.code is None:
        client.write(found, b"x" * 100_000)
    assert found.code in (None, NO_ERROR)
    assert client.ask().body == b"well"


def test_many_fields(weir, backend, over):
    server = backend()
    client = H2Client(weir(over(server)))
    fields = [(f"x-{number}", f"value {number} " + "y" * 100) for number in range(80)]
    for _ in range(3):
        seen = Seen(client.ask(fields=fields))
        assert [seen.get(name) for name, _ in fields] == [value for _, value in fields]


def test_access_log(weir, backend, over):
    proxy = weir(over(backend(fixed(answer(201, b"hello"))), **LOGGED))
    H2Client(proxy).ask("POST", "/x?y", body=b"12345")
    line = proxy.access()[0]
    assert (line["method"], line["path"], line["host"]) == ("POST", "/x?y", "example.test")
    assert (line["status"], line["outcome"], line["tries"]) == (201, "ok", 1)
    assert line["bytes-in"] > 5 and line["bytes-out"] >= 5


def test_http1_on_the_same_port(weir, backend, over, certificates):
    from harness.secure import secure

    proxy = weir(over(backend()))
    if proxy.url.startswith("https"):
        client = secure(proxy)
        assert client.tls.selected_alpn_protocol() == "http/1.1"
    else:
        client = proxy.client()
    assert Seen(client.ask(target="/one"))["target"] == "/one"
    assert Seen(client.ask("POST", body=b"two"))["body"] == "two"
