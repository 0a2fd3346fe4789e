"""What Weir answers by itself over HTTP/2: refusals, limits, routes without a server."""

import pytest
from hyperframe.frame import DataFrame, RstStreamFrame

from harness.http2 import NO_ERROR, PROTOCOL_ERROR, Frames, H2Client, frame
from harness.secure import client_context, secure_listener
from harness.setups import LOGGED
from harness.websocket import StreamSide


def expect(found, status, outcome):
    assert found.status == status, found
    assert found.get("x-weir-outcome") == outcome and found.get("x-request-id"), found
    assert found.get("content-type").startswith("text/plain")
    assert outcome in found.text and found.get("x-request-id") in found.text
    assert found.get("connection") is None


def test_limits(weir, backend, over):
    server = backend()
    limits = {"head-size": "2KiB", "fields": 20, "target-size": "256B", "body-size": "1KiB"}
    proxy = weir(over(server, limits=limits, **LOGGED))
    client = H2Client(proxy)
    expect(client.ask(target="/" + "a" * 256), 414, "target-too-long")
    expect(client.ask(fields=[("x-large", "y" * 3000)]), 431, "head-too-large")
    expect(client.ask(fields=[(f"x-{n}", "y") for n in range(30)]), 431, "head-too-large")
    found = client.open("POST", fields=[("content-length", "1025")], end=False)
    expect(client.finish(found), 413, "body-too-large")
    assert not server.requests
    # At each limit all is well, and on the same connection.
    assert client.ask(target="/" + "a" * 255).status == 200
    assert client.ask("POST", body=b"x" * 1024).status == 200
    assert client.ask("POST", body=b"x" * 1024, length=False).status == 200
    outcomes = [line["outcome"] for line in proxy.access(7)]
    assert outcomes.count("head-too-large") == 2 and outcomes.count("ok") == 3


def test_lines_of_weirs_own_count_for_no_limit(weir, backend, over):
    """`:authority` counts as Host does; what stands for a body's framing does not."""
    server = backend()
    client = H2Client(weir(over(server, limits={"fields": 20})))
    fields = [(f"x-{n}", "y") for n in range(20)]
    for ask in [
        {}, {"method": "POST", "body": b"x", "length": False}, {"method": "POST", "body": b""},
    ]:
        least = 1 if ask.get("body") == b"" else 0
        expect(client.ask(fields=fields[least:], **ask), 431, "head-too-large")
        assert client.ask(fields=fields[least + 1 :], **ask).status == 200
    cookie = [("cookie", "a=1")]
    for more in ([], cookie):
        expect(client.finish(StreamSide(client, fields=fields[1:] + more).answer), 431, "head-too-large")
        answer = client.finish(StreamSide(client, fields=fields[2:] + more).answer)
        assert answer.get("x-weir-outcome") != "head-too-large", answer


def test_refusals_of_head_have_no_body(weir, over):
    limits = {"fields": 20, "target-size": "256B"}
    client = H2Client(weir(over(routes=[{"respond": {"body": "hi"}}], limits=limits)))
    for status, asked in [
        (431, {"fields": [(f"x-{n}", "y") for n in range(30)]}),
        (414, {"target": "/" + "a" * 256}),
        (400, {"target": "/%00"}),
        (200, {}),
    ]:
        found = client.ask("HEAD", **asked)
        assert (found.status, found.body, found.ended) == (status, b"", True)
        assert int(found.get("content-length")) > 0


def test_body_without_length_beyond_the_limit(weir, backend, over):
    def script(connection):
        try:
            while connection.request() is not None:
                connection.answer()
        except AssertionError:
            pass

    client = H2Client(weir(over(backend(script), limits={"body-size": "1KiB"})))
    found = client.open("POST", end=False)
    client.write(found, b"x" * 1025)
    expect(client.finish(found), 413, "body-too-large")
    assert client.ask().status == 200


def test_no_route(weir, backend, over):
    proxy = weir(over(backend(), routes=[{"match": "/there", "pool": "main"}]))
    client = H2Client(proxy)
    expect(client.ask(target="/elsewhere"), 404, "no-route")
    assert client.ask(target="/there").status == 200


def test_no_server(weir, refused, over):
    client = H2Client(weir(over(refused)))
    expect(client.ask(), 503, "connect-failed")
    expect(client.ask("POST", body=b"x" * 1000), 503, "connect-failed")


def test_bad_answer(weir, backend, over):
    def script(connection):
        connection.request()
        connection.send("nonsense\r\n\r\n")

    client = H2Client(weir(over(backend(script))))
    expect(client.ask(), 502, "bad-answer")


def test_connect_is_refused(weir, over):
    frames = Frames(weir(over(routes=[{"respond": 200}])))
    block = frames.block([(":method", "CONNECT"), (":authority", "example.test:443")])
    frames.send(frame(1, 5, 1, block))
    assert frames.outcome(1) == ("status", 405)
    frames.serves(3)


def test_paths_that_hide_something(weir, backend, over):
    server = backend()
    client = H2Client(weir(over(server)))
    for target in ("/a%00", "/a/..%2fb", "/a%2F../b", "/a/..%5cb"):
        expect(client.ask(target=target), 400, "bad-request")
    assert not server.requests


def test_own_answers_to_head_and_redirects(weir, over):
    routes = [{"match": "/go", "redirect": "https://other.test"}, {"respond": {"body": "hello"}}]
    client = H2Client(weir(over(routes=routes)))
    found = client.ask("HEAD")
    assert found.status == 200 and found.body == b"" and found.get("content-length") == "5"
    found = client.ask(target="/go/on?x=y")
    assert (found.status, found.get("location")) == (302, "https://other.test/go/on?x=y")


def test_large_own_answer(weir, over, tmp_path):
    page = tmp_path / "page"
    page.write_bytes(b"z" * 4_000_000)
    client = H2Client(weir(over(routes=[{"respond": {"file": str(page)}}])))
    found = client.ask()
    assert found.ended and found.body == b"z" * 4_000_000


@pytest.mark.parametrize("keys", [{"unknown-name": "refuse"}, {"client-authority": None}])
def test_misdirected(weir, backend, certificates, keys):
    """RFC 9110 §15.5.20: a connection may not be used for names that it does not cover."""
    if "client-authority" in keys:
        keys = {"client-authority": str(certificates.authority.file)}
    server = backend()
    listener = secure_listener(certificates.site, certificates.other, **keys)
    proxy = weir({"listeners": [listener], "servers": [server.address]})
    context = client_context(certificates.authority, alpn=["h2"], pair=certificates.client)
    client = H2Client(proxy, context=context)
    assert client.ask().status == 200
    found = client.finish(client.open(authority="nowhere.test"))
    assert found.status == 421
    assert client.ask().status == 200
    assert len(server.requests) == 2


def test_one_connection_for_many_names(weir, backend, certificates):
    """Without such demands every name is served on every connection."""
    server = backend()
    proxy = weir({"listeners": [secure_listener(certificates.site)], "servers": [server.address]})
    client = H2Client(proxy)
    assert client.finish(client.open(authority="nowhere.test")).status == 200


RESPOND = {"routes": [{"respond": {"body": "hi"}}]}


def test_answer_ends_with_its_request(weir, over):
    """Weir's own answer comes at once and ends when the request does, without a reset."""
    client = H2Client(weir(over(**RESPOND)))
    found = client.open("POST", end=False)
    client.until(lambda: found.body == b"hi", "the answer")
    client.write(found, b"x" * 100_000)
    client.settle()
    assert not found.over
    client.write(found, b"last", end=True)
    client.finish(found)
    client.settle()
    assert found.ended and found.code is None
    assert client.ask().body == b"hi"


def test_answer_to_a_body_that_is_too_large_to_wait_for(weir, over):
    client = H2Client(weir(over(**RESPOND)))
    found = client.open("POST", end=False)
    client.write(found, b"x" * 400_000)
    client.until(lambda: found.code is not None, "a word that no more is wanted")
    assert (found.ended, found.code, found.body) == (True, NO_ERROR, b"hi")
    assert client.ask().body == b"hi"


def test_answer_to_a_body_that_never_ends(weir, over):
    client = H2Client(weir(over(timeouts={"body": "500ms"}, **RESPOND)))
    found = client.open("POST", end=False)
    client.until(lambda: found.code is not None, "a word that no more is wanted")
    assert (found.ended, found.code, found.body) == (True, NO_ERROR, b"hi")
    assert client.ask().body == b"hi"


def test_fault_behind_the_answer(weir, over):
    """A body that belies its length is told of, answered or not."""
    frames = Frames(weir(over(**RESPOND)))
    frames.send(frames.request(1, "POST", fields=[("content-length", "5")], end=False))
    frames.until(DataFrame, 1)
    frames.send(frame(0, 1, 1, b"hello world"))
    assert frames.until(RstStreamFrame, 1).error_code == PROTOCOL_ERROR
    frames.serves(3)
