"""`request-headers` and `response-headers`: what servers and clients get of a changed head."""

import pytest

from harness import answer, fixed
from harness.client import encode_chunks
from harness.data import whole
from harness.http2 import H2Client
from harness.setups import LOGGED, Seen

CHANGED = {
    "remove": ["x-debug", "via"],
    "set": {
        "x-set": "{method} {host}{uri}",
        "X-Client": "{client.address}",
        "x-mark": "{route} {pool} {cookie.name} {header.x-one}",
        "x-none": "{tls.subject}",
    },
    "add": {"x-more": "last", "X-Id": "{request.id}"},
}


def changing(server, request=None, response=None, pool=None, **more):
    """One route to one server that changes heads; h2 in the clear is spoken too."""
    route = {"name": "all", "pool": "main"}
    if request is not None:
        route["request-headers"] = request
    if response is not None:
        route["response-headers"] = response
    address = server if isinstance(server, str) else server.address
    return {
        "listeners": [{"address": "127.0.0.1:0", "http2": "cleartext"}],
        "routes": [route],
        "pools": {"main": {"servers": [address], **(pool or {})}},
        **more,
    }


@pytest.fixture(params=["1.1", "2"])
def ask(request):
    """`ask(proxy, …)` asks by one version or the other."""

    def one(proxy, method="GET", target="/", fields=(), **options):
        if request.param == "1.1":
            return proxy.client().ask(method, target, fields=fields, **options)
        fields = [(name.lower(), value) for name, value in fields]
        return H2Client(proxy).ask(method, target, fields=fields, **options)

    return one


def test_a_request(weir, backend, ask):
    proxy = weir(changing(backend(), CHANGED, **LOGGED))
    fields = [("X-DEBUG", "1"), ("x-SET", "forged"), ("x-set", "forged"), ("X-Client", "forged")]
    fields += [("x-mark", "forged"), ("X-None", "forged"), ("x-more", "first"), ("X-One", " 1 ")]
    fields += [("Cookie", "a=b; name=value"), ("x_client", "other"), ("x-stays", "s")]
    seen = Seen(ask(proxy, target="/p?q=1", fields=fields))
    assert seen.get("x-set") == "GET example.test/p?q=1"
    assert seen.get("x-client") == "127.0.0.1" and seen.get("x_client") == "other"
    assert seen.get("x-mark") == "all main value 1" and seen.get("x-stays") == "s"
    assert not seen.all("x-debug") and not seen.all("via") and not seen.all("x-none")
    assert seen.all("x-more") == ["first", "last"]
    assert seen.get("x-id") == seen.get("x-request-id")
    line = proxy.access()[0]
    assert line["host"] == "example.test" and line["path"] == "/p?q=1"
    assert line["request-id"] == seen.get("x-id")


def test_a_body_follows_its_changed_head(weir, backend, ask):
    """One that comes with its head, and one that is too large to be kept."""
    proxy = weir(changing(backend(), CHANGED))
    for size in (10, 30_000, 3_000_000):
        seen = Seen(ask(proxy, "POST", body=whole(size)))
        found = seen["body"] if size > 4096 else len(seen["body"])
        assert found == size and seen.get("x-client") == "127.0.0.1"
        assert seen.get("content-length") == str(size)


def test_trailers_bring_no_field_back(weir, backend):
    """A server may join trailers to the fields of the head."""
    proxy = weir(changing(backend(), CHANGED))
    client = proxy.client()
    client.send_request("POST", fields=[("Transfer-Encoding", "chunked")])
    client.send(encode_chunks([b"x"], [("X-Client", "forged"), ("x-debug", "1"), ("x-sum", "2")]))
    seen = Seen(client.response())
    assert [tuple(one) for one in seen["trailers"]] == [("x-sum", "2")]


def test_every_try_has_the_changed_head(weir, backend):
    def closing(connection):
        connection.request()

    first, second = backend(closing), backend()
    config = changing(first, CHANGED, pool={"servers": [first.address, second.address]})
    proxy = weir(config)
    for _ in range(8):
        seen = Seen(proxy.client().ask(fields=[("x-client", "forged")]))
        assert seen.get("x-client") == "127.0.0.1"
    assert first.requests, "no request was tried at the server that fails"
    assert all(one.get("x-client") == "127.0.0.1" for one in first.requests)


def test_a_head_that_grows_too_large(weir, backend, ask):
    server = backend()
    long = {"set": {f"x-{number}": "{header.x-long}" * 5 for number in range(5)}}
    proxy = weir(changing(server, long, **LOGGED))
    assert ask(proxy, fields=[("x-long", "a" * 4000)]).status == 431
    assert ask(proxy, fields=[("x-long", "a" * 400)]).status == 200
    assert len(server.requests) == 1
    # Workers hand their lines over in no order.
    assert sorted(line["outcome"] for line in proxy.access(2)) == ["head-too-large", "ok"]


ANSWER = {
    "remove": ["X-Powered-By", "set-cookie"],
    "set": {"server": "{server}", "x-request": "{method} {host}{uri} {request.id}", "x-c": "{header.x-c}"},
    "add": {"vary": "{route}", "link": "<{scheme}://{host}/>"},
}


def test_an_answer(weir, backend, ask):
    fields = [("x-powered-by", "z"), ("Server", "s"), ("Set-Cookie", "a=b"), ("Vary", "Origin"), ("X-C", "s")]
    server = backend(fixed(answer(body="hi", fields=fields)))
    proxy = weir(changing(server, response=ANSWER))
    found = ask(proxy, target="/p?q")
    assert found.body == b"hi" and found.all("set-cookie") == [] == found.all("x-powered-by")
    assert found.get("server") == server.address and found.all("x-c") == []
    request = found.get("x-request").split()
    assert request[:2] == ["GET", "example.test/p?q"] and len(request[2]) == 32
    assert found.all("vary") == ["Origin", "all"]
    assert found.get("link") == "<http://example.test/>"
    assert ask(proxy, fields=[("x-c", "mine")]).get("x-c") == "mine"


@pytest.mark.parametrize("framing", ["length", "chunked", "close", "head"])
def test_bodies_behind_a_changed_head(weir, backend, ask, framing):
    body = whole(200_000)

    def script(connection):
        while connection.request() is not None:
            if framing == "chunked":
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.send(encode_chunks([body]))
            elif framing == "length":
                connection.answer(body=body)
            elif framing == "head":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            else:
                connection.send("HTTP/1.1 200 OK\r\n\r\n", body)
                return

    proxy = weir(changing(backend(script), response=ANSWER))
    found = ask(proxy, "HEAD" if framing == "head" else "GET")
    assert found.status == 200 and found.get("link") == "<http://example.test/>"
    assert found.body == (b"" if framing == "head" else body)


def test_answers_of_weirs_own(weir, refused, ask):
    """Those to requests of the route, be they of the file, of a fallback or about a failure."""
    proxy = weir({
        "listeners": [{"address": "127.0.0.1:0", "http2": "cleartext"}],
        "limits": {"body-size": "10B"},
        "routes": [
            {"match": "/fixed", "respond": {"body": "b", "headers": {"x-a": "1"}},
             "response-headers": {"set": {"x-a": "2", "x-uri": "{uri}"}}},
            {"match": "/moved", "redirect": "https://a.test", "response-headers": {"set": {"x-a": "2"}}},
            {"match": "/spare", "pool": "main", "fallback": {"respond": 503},
             "response-headers": {"set": {"x-a": "2", "x-server": "{server}"}}},
            {"match": "/dead", "pool": "main",
             "response-headers": {"remove": ["cache-control"], "set": {"x-a": "2"}}},
        ],
        "pools": {"main": {"servers": [refused], "panic-threshold": "0%"}},
    })
    found = ask(proxy, target="/fixed?x")
    assert (found.status, found.body, found.get("x-uri")) == (200, b"b", "/fixed?x")
    assert found.all("x-a") == ["2"]
    for target, status in [("/moved", 302), ("/spare", 503), ("/dead", 503)]:
        found = ask(proxy, target=target)
        assert found.all("x-a") == ["2"], target
        assert found.status == status or (target, found.status) == ("/dead", 502), found
    assert found.get("cache-control") is None and found.get("x-weir-outcome")
    assert b"outcome: " in found.body
    found = ask(proxy, "POST", "/dead", body=b"x" * 11)
    assert (found.status, found.all("x-a")) == (413, ["2"])
    assert ask(proxy, target="/unknown").all("x-a") == []


def test_weirs_own_cookie_stays(weir, backend):
    server = backend(fixed(answer(body="hi", fields=[("Set-Cookie", "a=b")])))
    proxy = weir(changing(server, response={"remove": ["set-cookie"]}, pool={"sticky": True}))
    found = proxy.client().ask()
    assert len(found.all("set-cookie")) == 1 and found.get("set-cookie").startswith("weir=")


def test_an_answer_that_grows_too_large(weir, backend, ask):
    long = {"set": {f"x-{number}": "{header.x-long}" * 5 for number in range(5)}}
    proxy = weir(changing(backend(), response=long, **LOGGED))
    found = ask(proxy, fields=[("x-long", "a" * 4000)])
    assert found.status == 502 and found.get("x-weir-outcome") == "bad-answer"
    assert ask(proxy, fields=[("x-long", "a" * 400)]).status == 200


def test_the_scheme_is_what_a_trusted_proxy_says(weir, backend):
    server = backend()
    config = changing(server, {"set": {"x-scheme": "{scheme}"}})
    for trusted, expected in [(["loopback"], "https"), ([], "http")]:
        proxy = weir({**config, **({"trusted-proxies": trusted} if trusted else {})})
        seen = Seen(proxy.client().ask(fields=[("X-Forwarded-Proto", "https")]))
        assert seen.get("x-scheme") == expected
