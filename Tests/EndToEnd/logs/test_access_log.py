"""The access log, field by field, for each way in which a request can end."""

import datetime
import re

import pytest

from harness import answer, eventually, fixed
from harness.backend import refused_address
from harness.setups import LOGGED, pooled, single

FIELDS = (
    "time request-id trace-id client method host path route status bytes-in bytes-out duration"
    " first-byte endpoint tries outcome"
).split()


def logged(proxy, count=1, **options):
    """Line `count`, after what holds for every line."""
    line = proxy.access(count, **options)[count - 1]
    assert list(line) == FIELDS
    moment = datetime.datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
    age = datetime.datetime.utcnow() - moment
    assert abs(age.total_seconds()) < 60, f"{line['time']} is not now in UTC"
    assert line["client"] == "127.0.0.1"
    assert 0 <= line["duration"] < 60
    return line


def expect(line, **values):
    for key, value in values.items():
        key = key.replace("_", "-")
        assert line[key] == value, f"{key} is {line[key]!r}, not {value!r}: {line}"


class TestForwarded:
    def test_ok(self, weir, backend):
        server = backend(fixed(answer(201, b"hello", reason="Created")))
        config = pooled({"address": server.address, "name": "blue"}, {}, **LOGGED)
        config["routes"] = [{"name": "things", "match": "/things", "pool": "main"}]
        proxy = weir(config)
        client = proxy.client()
        request = (
            b"POST /things/7?a=b%20c HTTP/1.1\r\nHost: Shop.Example.Test:81\r\n"
            b"Content-Length: 10\r\n\r\n0123456789"
        )
        client.send(request)
        response = client.response()
        line = logged(proxy)
        expect(
            line,
            method="POST",
            host="Shop.Example.Test:81",
            path="/things/7?a=b%20c",
            route="things",
            status=201,
            bytes_in=len(request),
            bytes_out=len(client.received),
            endpoint="blue",
            tries=1,
            outcome="ok",
        )
        assert 0 < line["first-byte"] <= line["duration"]
        assert line["request-id"] == server.requests[0].get("x-request-id")
        assert response.status == 201

    def test_bytes_of_chunked_bodies(self, weir, backend):
        chunked = (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        )
        proxy = weir(single(backend(fixed(chunked)), **LOGGED))
        client = proxy.client()
        request = (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        client.send(request)
        assert client.response().body == b"hello"
        expect(logged(proxy), bytes_in=len(request), bytes_out=len(client.received), outcome="ok")

    def test_bytes_of_a_large_answer(self, weir, backend):
        proxy = weir(single(backend(fixed(answer(body=b"x" * 3_000_000))), **LOGGED))
        client = proxy.client()
        assert len(client.ask().body) == 3_000_000
        expect(logged(proxy), bytes_out=len(client.received), outcome="ok")

    def test_each_request_of_a_connection(self, weir, backend):
        proxy = weir({"workers": 1, **single(backend(), **LOGGED)})
        client = proxy.client()
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(5)))
        for _ in range(5):
            client.response()
        lines = proxy.access(5)
        assert [line["path"] for line in lines] == [f"/{n}" for n in range(5)]
        assert len({line["request-id"] for line in lines}) == 5
        assert sum(line["bytes-out"] for line in lines) == len(client.received)

    def test_an_error_of_the_server(self, weir, backend):
        proxy = weir(single(backend(fixed(answer(500, b"oops"))), **LOGGED))
        proxy.ask()
        expect(logged(proxy), status=500, outcome="ok", tries=1)

    def test_head_and_absolute_form(self, weir, backend):
        proxy = weir(single(backend(), **LOGGED))
        proxy.ask("HEAD", "http://one.test/x?y")
        expect(logged(proxy), method="HEAD", host="one.test", path="/x?y")

    def test_a_trusted_proxys_words(self, weir, backend):
        config = {"trusted-proxies": "loopback", **single(backend(), **LOGGED)}
        proxy = weir(config)
        proxy.ask(fields=[("X-Forwarded-For", "192.0.2.7"), ("X-Request-Id", "theirs-1")])
        line = proxy.access()[0]
        expect(line, client="192.0.2.7", request_id="theirs-1")


class TestFailed:
    def test_refused_by_the_parser(self, weir, backend):
        proxy = weir(single(backend(), **LOGGED))
        client = proxy.client()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n")
        response = client.response()
        expect(
            logged(proxy),
            request_id=response.get("x-request-id"),
            method=None,
            host=None,
            path=None,
            route=None,
            status=400,
            bytes_out=len(client.received),
            endpoint=None,
            tries=0,
            outcome="bad-request",
        )

    def test_no_route(self, weir, backend):
        config = {**single(backend(), **LOGGED), "routes": [{"match": "a.test", "pool": "main"}]}
        proxy = weir(config)
        response = proxy.ask(target="/x", host="b.test")
        expect(
            logged(proxy),
            request_id=response.get("x-request-id"),
            method="GET",
            host="b.test",
            path="/x",
            route=None,
            status=404,
            endpoint=None,
            tries=0,
            outcome="no-route",
        )

    def test_connect_failed(self, weir):
        held, address = refused_address()
        proxy = weir(pooled(address, {}, **LOGGED))
        response = proxy.ask()
        line = logged(proxy)
        expect(line, status=503, outcome="connect-failed", tries=3, endpoint=address)
        assert line["request-id"] == response.get("x-request-id")
        held.close()

    def test_bad_answer(self, weir, backend):
        server = backend(fixed(b"nonsense\r\n\r\n", close=True))
        proxy = weir(single(server, **LOGGED))
        assert proxy.ask().status == 502
        expect(logged(proxy), status=502, outcome="bad-answer", tries=1, endpoint=server.address)

    def test_cut_inside_the_answer(self, weir, backend):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
        proxy = weir(single(backend(fixed(head, close=True)), **LOGGED))
        client = proxy.client()
        client.send_request()
        client.rest()
        line = logged(proxy)
        expect(line, status=200, outcome="upstream-reset", bytes_out=len(client.received))
        assert line["first-byte"] is not None

    def test_the_client_left(self, weir, backend):
        def silent(connection):
            connection.request()
            connection.rest()

        server = backend(silent)
        proxy = weir(single(server, **LOGGED))
        client = proxy.client()
        client.send_request(target="/gone")
        server.saw()
        client.reset()
        expect(logged(proxy), path="/gone", outcome="client-aborted", bytes_out=0, first_byte=None)

    def test_tried_again(self, weir, backend):
        held, address = refused_address()
        server = backend()
        proxy = weir(pooled([address, server], {}, **LOGGED))
        for number in range(1, 5):
            assert proxy.ask().status == 200
            line = logged(proxy, number)
            expect(line, status=200, outcome="ok", endpoint=server.address)
            assert line["tries"] in (1, 2)
        assert 2 in [line["tries"] for line in proxy.access(4)]
        held.close()


class TestAnsweredHere:
    def test_respond(self, weir):
        config = {"listen": "127.0.0.1:0", "routes": [{"name": "here", "respond": {"body": "hi"}}]}
        proxy = weir({**config, **LOGGED})
        client = proxy.client()
        client.send(b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n")
        client.response()
        expect(
            logged(proxy),
            method="GET",
            host="a",
            path="/p",
            route="here",
            status=200,
            bytes_in=28,
            bytes_out=len(client.received),
            endpoint=None,
            tries=0,
            outcome="ok",
        )

    def test_redirect(self, weir):
        routes = [{"match": "old.test", "redirect": {"to": "https://new.test", "status": 308}}]
        proxy = weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})
        proxy.ask(host="old.test")
        expect(logged(proxy), route="old.test", status=308, outcome="ok", tries=0)


class TestEscaping:
    def test_json_holds_whatever_a_target_holds(self, weir, backend):
        proxy = weir(single(backend(), **LOGGED))
        proxy.ask(target='/"quoted"/{brace}|<tag>')
        expect(logged(proxy), path='/"quoted"/{brace}|<tag>')

    def test_an_id_of_a_trusted_peer_cannot_break_the_line(self, weir, backend):
        proxy = weir({"trusted-proxies": "loopback", **single(backend(), **LOGGED)})
        proxy.ask(fields=[("X-Request-Id", 'a"b\\c')])
        line = proxy.access()[0]
        assert line["request-id"] == 'a"b\\c' or re.fullmatch("[0-9a-f]{32}", line["request-id"])


COMBINED = re.compile(
    r'(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([A-Z]+) (\S+) HTTP/1\.1"'
    r' (\d{3}) (\d+) "([^"]*)" "([^"]*)"'
)


def test_the_combined_format(weir, backend):
    log = {"log": {"access": {"to": "stdout", "format": "combined"}}}
    proxy = weir(single(backend(fixed(answer(body=b"hello"))), **log))
    client = proxy.client()
    client.ask("DELETE", "/a%20b?c=d")
    lines = eventually(lambda: proxy.output, "a line")
    found = COMBINED.fullmatch(lines[0])
    assert found, lines[0]
    address, moment, method, target, status, size, _, _ = found.groups()
    assert (address, method, target, status) == ("127.0.0.1", "DELETE", "/a%20b?c=d", "200")
    assert int(size) == len(client.received)
    then = datetime.datetime.strptime(moment, "%d/%b/%Y:%H:%M:%S +0000")
    assert abs((datetime.datetime.utcnow() - then).total_seconds()) < 60


def test_combined_quotes_cannot_end_a_part(weir, backend):
    log = {"log": {"access": {"to": "stdout", "format": "combined"}}}
    proxy = weir(single(backend(), **log))
    proxy.ask(target='/"x"')
    line = eventually(lambda: proxy.output, "a line")[0]
    assert COMBINED.fullmatch(line), line


@pytest.mark.parametrize("form", ["json", "combined"])
@pytest.mark.parametrize(
    "peer, shown",
    [
        ("198.51.100.77", "198.51.100.0"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa::"),
    ],
)
def test_a_masked_client(weir, backend, form, peer, shown):
    log = {"log": {"access": {"to": "stdout", "format": form, "client": "masked"}}}
    proxy = weir({"trusted-proxies": "loopback", **single(backend(), **log)})
    proxy.ask(fields=[("X-Forwarded-For", peer)])
    line = eventually(lambda: proxy.output, "a line")[0]
    assert shown in line and peer not in line
