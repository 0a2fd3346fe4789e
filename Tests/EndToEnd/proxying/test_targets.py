"""Request targets and Host, in every form that is allowed."""

import pytest

from harness.setups import Seen, single


@pytest.fixture(scope="module")
def client_of(shared_weir, shared_backend):
    proxy = shared_weir(single(shared_backend()))
    return proxy.client


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?",
        "/a/b?c=d&e=%20",
        "//a//b/./c/../d",
        "/a%2fb",
        "/%7Euser/%41",
        "/a;b=c,d/e:f@g!$&'()*+,=-._~",
        "/?a=/../b",
        "/?http://x.test/",
        "/" + "a" * 4000,
    ],
    ids=lambda target: target[:20],
)
def test_target_is_forwarded_as_sent(client_of, target):
    assert Seen(client_of().ask(target=target))["target"] == target


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://example.test/a?b", "/a?b"),
        ("http://example.test", "/"),
        ("http://example.test?b", "/?b"),
        ("HTTP://EXAMPLE.test:80/a", "/a"),
    ],
)
def test_absolute_form(client_of, target, path):
    """The server gets the origin form; the target's host goes before the Host field."""
    seen = Seen(client_of().ask(target=target, host="other.test"))
    assert seen["target"] == path
    assert seen.get("host").lower().removesuffix(":80") == "example.test"


def test_asterisk_form(client_of):
    seen = Seen(client_of().ask("OPTIONS", "*"))
    assert (seen["method"], seen["target"]) == ("OPTIONS", "*")


@pytest.mark.parametrize("rest", ["", "{uri}", "{path}"])
def test_asterisk_form_is_sent_elsewhere_as_the_root(weir, rest):
    """`https://host*` would be another host."""
    redirect = {"to": "https://www.example.test" + rest}
    listeners = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "https-redirect": 8443}]
    proxy = weir({"listeners": listeners, "routes": [{"redirect": redirect}]}, listeners=2)
    places = [
        proxy.client(listener).ask("OPTIONS", "*", host="example.test").get("location")
        for listener in range(2)
    ]
    assert places == ["https://www.example.test/", "https://example.test:8443/"]


@pytest.mark.parametrize(
    "host",
    ["example.test", "EXAMPLE.test", "example.test:8080", "example.test.", "127.0.0.1:1", "[::1]:80",
     "[2001:db8::1]", "xn--bcher-kva.example", "a_b.test", "x"],
)
def test_host_is_passed_as_sent(client_of, host):
    assert Seen(client_of().ask(host=host)).get("host") == host


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH", "get", "X!#$%&'*+-.^_`|~"])
def test_methods_are_passed_as_sent(client_of, method):
    seen = Seen(client_of().ask(method, "/x"))
    assert (seen["method"], seen["target"]) == (method, "/x")


def test_empty_lines_before_a_request_are_skipped(client_of):
    client = client_of()
    client.send("\r\n")
    client.send_request()
    assert client.response().status == 200
    client.send("\r\n")
    client.send_request()
    assert client.response().status == 200


@pytest.mark.parametrize("place", range(1, 30))
def test_request_in_two_pieces(client_of, place):
    client = client_of()
    data = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    cut = place * len(data) // 30
    client.send(data[:cut])
    client.send(data[cut:])
    assert Seen(client.response())["body"] == "hello"


def test_request_byte_by_byte(client_of):
    client = client_of()
    for byte in b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":
        client.send(bytes([byte]))
    assert Seen(client.response())["body"] == "hello"
