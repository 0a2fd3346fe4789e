"""Which fields are passed on, which end here, which are added."""

import re
import time
from email.utils import parsedate_to_datetime

import pytest

from harness import answer
from harness.checks import assert_own_answer, assert_refused
from harness.client import connect
from harness.setups import LOGGED, Seen, single
from harness.wire import Stream

HOP_BY_HOP = [
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("TE", "trailers"),
    ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ("Upgrade", "h2c"),
]


@pytest.fixture(scope="module")
def client_of(shared_weir, shared_backend):
    return shared_weir(single(shared_backend())).client


def test_end_to_end_fields_are_passed_on_in_order(client_of):
    fields = [("X-A", "1"), ("Cookie", "a=b"), ("X-B", ""), ("x-a", "2"), ("Authorization", "Basic eA==")]
    fields += [("Accept", "*/*"), ("X-Obs", "\xe4\xff"), ("X-Inner", 'a  b\t"c"'), ("Max-Forwards", "3")]
    seen = Seen(client_of().ask(fields=fields))
    names = {name.lower() for name, _ in fields}
    got = [(name.lower(), value) for name, value in seen["fields"] if name.lower() in names]
    assert got == [(name.lower(), value) for name, value in fields]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_counts_down(client_of, method):
    """RFC 9110 §7.6.2; for other methods, above, it means nothing."""
    client = client_of()
    for sent, kept in [("3", "2"), ("1", "0"), ("100", "099")]:
        seen = Seen(client.ask(method, fields=[("X-A", "1"), ("Max-Forwards", sent), ("X-B", "2")]))
        assert seen.get("max-forwards") == kept
        assert (seen.get("x-a"), seen.get("x-b")) == ("1", "2")


def test_max_forwards_at_its_end(weir, backend):
    server = backend()
    proxy = weir(single(server))
    client = proxy.client()
    found = client.ask("OPTIONS", "*", fields=[("Max-Forwards", "0")])
    assert (found.status, found.body) == (204, b"") and "OPTIONS" in found.get("allow")
    found = client.ask("TRACE", fields=[("Max-Forwards", "00"), ("Cookie", "a=b")])
    assert_own_answer(found, 405, "method-refused")
    assert "TRACE" not in found.get("allow") and "a=b" not in found.text
    assert not server.requests
    for fields in [[("Max-Forwards", "-1")], [("Max-Forwards", "1")] * 2]:
        client = proxy.client()
        client.send_request("OPTIONS", fields=fields)
        assert_refused(client, 400)
    assert not server.requests


@pytest.mark.parametrize(("name", "value"), HOP_BY_HOP)
def test_hop_by_hop_fields_end_here(client_of, name, value):
    assert not Seen(client_of().ask(fields=[(name, value)])).all(name)


def test_fields_that_connection_names_end_here(client_of):
    fields = [("X-One", "1"), ("Connection", "x-one, X-TWO ,, close"), ("X-Two", "2"), ("X-Three", "3")]
    seen = Seen(client_of().ask(fields=fields + [("Connection", "x-four"), ("X-Four", "4")]))
    assert not seen.all("x-one") and not seen.all("x-two") and not seen.all("x-four")
    assert seen.get("x-three") == "3"
    named = ",".join(seen.all("connection")).lower()
    assert "x-one" not in named and "x-four" not in named


@pytest.mark.parametrize("name", ["x-forwarded-for", "via", "x-request-id", "x-forwarded-proto"])
def test_connection_cannot_remove_what_weir_adds(client_of, name):
    assert Seen(client_of().ask(fields=[("Connection", name), (name, "forged")])).all(name)


def test_fields_of_an_answer(weir, backend):
    fields = [("Server", "mine"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Gone", "1")]
    fields += [("Connection", "x-gone"), ("Keep-Alive", "timeout=50"), ("Proxy-Connection", "x")]
    fields += [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Upgrade", "h2c"), ("ETag", '"x"')]

    def script(connection):
        while connection.request() is not None:
            connection.answer(body="x", fields=fields, reason="Very Fine")

    response = weir(single(backend(script))).ask()
    for name in ["x-gone", "keep-alive", "proxy-connection", "upgrade"]:
        assert not response.has(name), response
    assert response.all("set-cookie") == ["a=1", "b=2"]
    assert response.get("server") == "mine" and response.get("etag") == '"x"'
    assert response.get("date") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert response.reason == "Very Fine"


@pytest.mark.parametrize("close", [False, True])
def test_an_answer_without_date_gets_it(weir, backend, close):
    """RFC 9110 §6.6.1: whoever has a clock and passes an answer on."""

    def script(connection):
        while connection.request() is not None:
            connection.answer(body="x", fields=[("X-A", "1")])

    response = weir(single(backend(script))).ask(fields=[("Connection", "close")] if close else [])
    (date,) = response.all("date")
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 30
    assert response.get("x-a") == "1" and response.text == "x"


def test_peer_is_named_to_the_server(client_of):
    seen = Seen(client_of().ask(host="example.test:81"))
    assert seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("x-forwarded-proto") == "http"
    assert seen.get("x-forwarded-host") == "example.test:81"
    assert re.fullmatch(r"1\.1 \S+.*", seen.get("via"))
    assert len(seen.get("x-request-id")) >= 16
    assert not seen.all("forwarded")


def test_request_ids_differ(client_of):
    client = client_of()
    ids = {Seen(client.ask()).get("x-request-id") for _ in range(100)}
    assert len(ids) == 100


FORGED = [
    ("X-Forwarded-For", "10.9.9.9"),
    ("X-Forwarded-For", "10.8.8.8"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "forged.test"),
    ("X-Request-Id", "forged-forged-forged"),
    ("Forwarded", "for=10.7.7.7;proto=https"),
]


def test_a_strangers_forwarding_fields_are_replaced(client_of):
    seen = Seen(client_of().ask(fields=FORGED))
    assert seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("x-forwarded-proto") == "http"
    assert seen.get("x-forwarded-host") == "example.test"
    assert seen.get("x-request-id") != "forged-forged-forged"
    assert not any("10.7.7.7" in value for value in seen.all("forwarded"))


def test_a_trusted_proxys_forwarding_fields_are_carried_on(weir, backend):
    proxy = weir(single(backend(), **{"trusted-proxies": ["127.0.0.0/8", "10.0.0.0/8"]}, **LOGGED))
    fields = [("X-Forwarded-For", "192.0.2.1, 198.51.100.7"), ("X-Forwarded-For", "10.8.8.8")]
    fields += [("X-Forwarded-Proto", "https"), ("X-Request-Id", "abc-123"), ("Via", "1.0 edge")]
    seen = Seen(proxy.ask(fields=[*fields, ("X-Forwarded-Host", "outer.test")]))
    walk = [one.strip() for one in ", ".join(seen.all("x-forwarded-for")).split(",")]
    assert walk == ["192.0.2.1", "198.51.100.7", "10.8.8.8", "127.0.0.1"]
    assert seen.get("x-forwarded-proto") == "https"
    assert seen.get("x-forwarded-host") == "outer.test"
    assert seen.get("x-request-id") == "abc-123"
    assert ", ".join(seen.all("via")).startswith("1.0 edge, 1.1 ")
    # Walked from the right: the first address that is no trusted proxy is the client.
    line = proxy.access()[0]
    assert line["client"].startswith("198.51.100.7") and line["request-id"] == "abc-123"


@pytest.mark.parametrize(
    "written, client",
    [
        ("192.0.2.7", "192.0.2.7"), ("192.0.2.7:4711", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"), ("[2001:db8::7]:4711", "2001:db8::7"),
        ("192.0.2.7,, 10.0.0.1 ,", "192.0.2.7"), (" , 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:", "127.0.0.1"), ("192.0.2.7:x", "127.0.0.1"), ("[192.0.2.7]", "127.0.0.1"),
        ("[2001:db8::7", "127.0.0.1"), ("[2001:db8::7]4711", "127.0.0.1"), ("unknown", "127.0.0.1"),
        ("192.0.2.7, unknown, 10.0.0.1", "10.0.0.1"), (",", "127.0.0.1"),
    ],
)
def test_the_forms_of_a_forwarded_address(weir, backend, written, client):
    trusted = {"trusted-proxies": ["127.0.0.0/8", "10.0.0.0/8"]}
    proxy = weir(single(backend(), **trusted, **LOGGED))
    assert proxy.ask(fields=[("X-Forwarded-For", written)]).status == 200
    assert proxy.access()[0]["client"] == client


def test_forwarding_fields_that_connection_names_are_not_there(weir, backend):
    proxy = weir(single(backend(), **{"trusted-proxies": ["127.0.0.1"]}, **LOGGED))
    fields = [("Connection", "x-forwarded-for"), ("X-Forwarded-For", "192.0.2.7")]
    assert Seen(proxy.ask(fields=fields)).get("x-forwarded-for") == "127.0.0.1"
    assert proxy.access()[0]["client"] == "127.0.0.1"


def test_forwarded_goes_on_only_with_its_quotes_closed(weir, backend):
    """Else Weir's own element would be a part of a string that somebody else began."""
    forwarding = {"forwarding": {"forwarded": True}, "trusted-proxies": ["127.0.0.1"]}
    proxy = weir(single(backend(), **forwarding))
    for value, goes in [('for="[2001:db8::7]"', True), ('for="a\\"', False), ('for="open', False)]:
        seen = Seen(proxy.ask(fields=[("Forwarded", value)]))
        assert (value in seen.get("forwarded")) == goes, value
        assert "for=127.0.0.1;" in seen.get("forwarded")


def test_forwarding_can_be_turned_off(weir, backend):
    off = {"x-forwarded": False, "via": False, "request-id": False}
    seen = Seen(weir(single(backend(), forwarding=off)).ask(fields=FORGED[:4]))
    for name in ["via", "x-request-id"]:
        assert not seen.all(name), name
    assert "127.0.0.1" not in ",".join(seen.all("x-forwarded-for"))


def test_forwarded_by_rfc_7239(weir, backend):
    proxy = weir(single(backend(), forwarding={"forwarded": True}))
    value = Seen(proxy.ask(fields=FORGED)).get("forwarded")
    parts = dict(part.strip().split("=", 1) for part in value.split(";"))
    assert parts["for"].strip('"') == "127.0.0.1"
    assert parts["proto"] == "http" and parts["host"].strip('"') == "example.test"


def test_forwarded_names_an_ipv6_client_in_brackets(weir, backend):
    config = {"listen": "[::1]:0", "servers": [backend().address], "forwarding": {"forwarded": True}}
    seen = Seen(weir(config).ask())
    assert 'for="[::1]"' in seen.get("forwarded")
    assert seen.get("x-forwarded-for") == "::1"


def test_own_answers_and_errors_name_the_request(weir, backend):
    config = single(backend(), **{"trusted-proxies": ["127.0.0.1"]})
    config["routes"] = [{"match": {"path": "/here"}, "pool": "main"}]
    config["pools"] = {"main": config.pop("servers")}
    response = weir(config).ask(target="/nowhere", fields=[("X-Request-Id", "abc-123")])
    assert response.status == 404 and response.get("x-request-id") == "abc-123"


def test_a_request_id_that_is_no_plain_word_is_replaced(weir, backend):
    proxy = weir(single(backend(), **{"trusted-proxies": ["127.0.0.1"]}))
    seen = Seen(proxy.ask(fields=[("X-Request-Id", "a" * 5000)]))
    assert len(seen.get("x-request-id")) < 300


def test_the_request_line_of_an_upstream_request(weir, backend):
    """What goes over the wire is canonical: one blank each, CRLF, nothing behind the head."""

    def script(connection):
        connection.request()
        connection.send(answer(body="x"))
        connection.rest()

    server = backend(script)
    proxy = weir(single(server))
    stream = Stream(connect(proxy.address), 10)
    stream.send("GET /x HTTP/1.1\r\nHost:   a.test  \r\nX-Y:\tz \t\r\n\r\n")
    assert stream.response().status == 200
    received = bytes(server.connections[0].received)
    assert received.startswith(b"GET /x HTTP/1.1\r\n") and received.endswith(b"\r\n\r\n")
    assert re.search(rb"(?i)\r\nhost: a\.test\r\n", received)
    assert re.search(rb"(?i)\r\nx-y:[ \t]*z[ \t]*\r\n", received)
    stream.close()
