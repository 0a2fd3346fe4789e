"""`tracing.export`: spans as a collector gets them, and what becomes of them where it fails."""

import pytest

from harness import eventually
from harness.admin import Admin
from harness.collector import SPAN, TRACE, VALID, Collector, told
from harness.faults import closing, first, resetting, saying, silent, standing_in
from harness.http2 import H2Client
from harness.secure import server_context
from harness.setups import CLEARTEXT2, LOGGED, pooled, single

EXPORTED = "weir_trace_spans_exported_total"
DROPPED = 'weir_trace_spans_dropped_total{reason="%s"}'


@pytest.fixture
def collector(backend):
    return Collector(backend)


def exporting(collector, **more):
    return {"tracing": {"export": collector.url, "sample": "100%", **more}}


def spans(proxy, collector):
    """What a proxy that ends has exported, requests and tries."""
    assert proxy.stop() == 0
    found = sorted(collector.spans, key=lambda one: (one.start, one.kind == "client"))
    return ([one for one in found if one.kind == "server"],
            [one for one in found if one.kind == "client"])


def load(proxy, count, at_once=500):
    """So many requests on one connection, each of which is answered well."""
    client = proxy.client()
    while count > 0:
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * min(count, at_once))
        for _ in range(min(count, at_once)):
            assert client.response().status == 200
        count -= at_once


def test_a_request_and_its_try_are_spans_of_one_trace(weir, backend, collector):
    server = backend()
    route = {"name": "things", "match": "/things", "pool": "main"}
    more = exporting(collector, service="edge", export=collector.url.replace("127.0.0.1",
                                                                             "localhost"))
    proxy = weir(pooled(server, {}, routes=[route], **LOGGED, **more))
    fields = [("traceparent", VALID), ("tracestate", "a=1")]
    assert proxy.ask("PUT", "/things/7?secret=1", fields=fields, body=b"x",
                     host="shop.example.test:81").status == 200
    request = server.requests[0]
    # Within the seconds for which spans wait for others.
    own, tried = collector.wait(2)
    assert told(request) == (TRACE, tried.id, True)
    assert request.get("tracestate") == "a=1"
    assert own.trace == tried.trace == TRACE == proxy.access()[0]["trace-id"]
    assert (own.kind, own.parent, tried.kind, tried.parent) == ("server", SPAN, "client", own.id)
    assert own.id not in (SPAN, tried.id)
    assert own.start <= tried.start <= tried.end <= own.end
    assert (own.name, own.service, own.failed, tried.name) == ("PUT things", "edge", False, "PUT")
    host, port = server.address.split(":")
    assert own.attributes == {
        "http.request.method": "PUT", "url.scheme": "http", "url.path": "/things/7",
        "server.address": "shop.example.test", "server.port": 81,
        "client.address": "127.0.0.1", "network.protocol.version": "1.1",
        "http.response.status_code": 200, "weir.route": "things", "weir.pool": "main",
        "weir.endpoint": server.address, "weir.outcome": "ok", "weir.tries": 1,
    }
    assert tried.attributes == {
        "http.request.method": "PUT", "server.address": host, "server.port": int(port),
        "http.response.status_code": 200, "weir.pool": "main",
        "weir.endpoint": server.address, "weir.outcome": "ok",
    }


def test_a_trace_that_begins_here_has_no_parent(weir, backend, collector):
    server = backend()
    proxy = weir({**single(server, **LOGGED), **exporting(collector)})
    proxy.ask()
    line = proxy.access()[0]
    [own], [tried] = spans(proxy, collector)
    assert own.parent is None
    assert own.trace == line["request-id"] == line["trace-id"]
    assert told(server.requests[0]) == (own.trace, tried.id, True)


def test_the_callers_decision_counts(weir, backend, collector):
    server = backend()
    proxy = weir({**single(server), **exporting(collector, sample="0%")})
    unrecorded = VALID[:-1] + "0"
    for value in [VALID, unrecorded]:
        proxy.ask(fields=[("traceparent", value)])
    proxy.ask()
    assert server.requests[1].get("traceparent") == unrecorded
    assert told(server.requests[2])[2] is False
    [own], [tried] = spans(proxy, collector)
    assert (own.trace, own.parent) == (TRACE, SPAN)
    assert told(server.requests[0]) == (TRACE, tried.id, True)


def test_every_try_is_a_span_of_its_own(weir, backend, collector):
    bad, busy, good = backend(resetting), backend(saying(503)), backend()
    retries = {"attempts": 3, "status": [503]}
    proxy = weir({**standing_in(bad, [busy, good], retries=retries), **exporting(collector)})
    assert proxy.ask().status == 200
    [own], tries = spans(proxy, collector)
    assert own.attributes["weir.tries"] == len(tries) == 3 and not own.failed
    assert {one.parent for one in tries} == {own.id}
    for one, server in zip(tries, [bad, busy, good]):
        assert told(server.requests[0]) == (own.trace, one.id, True)
        assert one.attributes["weir.endpoint"] == server.address
    assert [one.attributes.get("http.request.resend_count") for one in tries] == [None, 1, 2]
    assert [one.attributes.get("error.type") for one in tries] == ["upstream-reset", "503", None]
    assert [one.failed for one in tries] == [True, True, False]


def test_a_second_try_on_the_same_server_is_told_apart(weir, backend, collector):
    server = backend(first(1, closing))
    proxy = weir({**pooled(server, {"retries": {"attempts": 2}}), **exporting(collector)})
    assert proxy.ask().status == 200
    [own], tries = spans(proxy, collector)
    assert [told(request)[1] for request in server.requests] == [one.id for one in tries]
    assert len({own.id, *(one.id for one in tries)}) == 3


def test_what_fails_says_so(weir, backend, refused, collector):
    routes = [{"name": "none", "match": "/none", "pool": "gone"},
              {"name": "late", "match": "/late", "pool": "slow"},
              {"name": "own", "match": "/own", "respond": 204}]
    pools = {"gone": {"servers": [refused], "retries": {"on": "off"}},
             "slow": {"servers": [backend(silent).address], "timeouts": {"response": "200ms"}}}
    proxy = weir({"listen": "127.0.0.1:0", "routes": routes, "pools": pools,
                  **exporting(collector)})
    for path, status in [("/none", 503), ("/late", 504), ("/own", 204), ("/x", 404)]:
        assert proxy.ask(target=path).status == status
    requests, tries = spans(proxy, collector)
    found = {one.attributes["url.path"]: one for one in requests}
    errors = {path: one.attributes.get("error.type") for path, one in found.items()}
    assert errors == {"/none": "connect-failed", "/late": "response-timeout", "/own": None,
                      "/x": None}
    assert [found[path].failed for path in ["/none", "/late", "/own", "/x"]] == [
        True, True, False, False]
    assert found["/x"].attributes["weir.outcome"] == "no-route"
    assert found["/own"].attributes["weir.route"] == "own"
    assert {one.parent for one in tries} == {found["/none"].id, found["/late"].id}
    assert found["/late"].end - found["/late"].start > 190_000_000


def test_http2_on_both_sides(weir, backend2, collector):
    server = backend2()
    listeners = [CLEARTEXT2]
    pools = {"main": {"servers": [server.address], "http2": "cleartext"}}
    proxy = weir({"listeners": listeners, "pools": pools, **exporting(collector)})
    client = H2Client(proxy)
    for fields in [[], [("traceparent", VALID)]]:
        assert client.ask(fields=fields).status == 200
    client.close()
    requests, tries = spans(proxy, collector)
    assert [one.parent for one in requests] == [None, SPAN]
    assert {one.attributes["network.protocol.version"] for one in requests} == {"2"}
    for request, own, tried in zip(server.requests, requests, tries):
        assert told(request) == (own.trace, tried.id, True)
        assert tried.parent == own.id
    server.close()


def test_many_spans_come_in_batches_and_none_is_lost(weir, backend, collector):
    proxy = weir({**single(backend()), **exporting(collector)})
    load(proxy, 1500)
    requests, tries = spans(proxy, collector)
    assert len(requests) == len(tries) == 1500
    assert len({one.id for one in [*requests, *tries]}) == 3000
    assert max(collector.sizes) <= 512 and len(collector.sizes) < 40


# Where the collector fails.


def warned(proxy, words, within=20):
    """The line of Weir's own log with these words."""
    return eventually(lambda: next((one for one in proxy.lines if words in one), None),
                      f"a line with {words!r}", within=within)


@pytest.mark.alone
@pytest.mark.parametrize("fault", [silent, resetting, saying(500), saying(503), "refused"],
                         ids=["hangs", "resets", "500", "503", "refused"])
def test_a_collector_that_fails_is_in_nobodys_way(weir, backend, refused, fault):
    if fault == "refused":
        more = {"tracing": {"export": f"http://{refused}", "sample": "100%"}}
    else:
        more = exporting(Collector(backend, fault))
    proxy = weir({**single(backend()), **more, "admin": "127.0.0.1:0"})
    load(proxy, 2000)
    before = proxy.resident()
    load(proxy, 6000)
    # The queue's 4 MiB and a batch, whatever comes.
    assert proxy.resident() - before < 12 << 20
    found = eventually(lambda: dropped(proxy), "dropped spans")
    assert found[EXPORTED] == 0
    warned(proxy, "spans are not taken by")


def dropped(proxy):
    found = Admin(proxy).metrics()
    return found if found[DROPPED % "queue-full"] > 0 else None


def test_it_is_sent_again_what_a_collector_takes_later(weir, backend):
    collector = Collector(backend, saying(503, ("Retry-After", "1")))
    proxy = weir({**single(backend()), **exporting(collector), "admin": "127.0.0.1:0"})
    load(proxy, 300)
    eventually(lambda: collector.requests >= 1, "a request", within=20)
    collector.fault = None
    assert len(collector.wait(600)) == 600
    found = eventually(lambda: exported(proxy, 600), "what was counted")
    assert found[DROPPED % "collector"] == found[DROPPED % "queue-full"] == 0
    warned(proxy, "spans are taken again")


def exported(proxy, count):
    found = Admin(proxy).metrics()
    return found if found[EXPORTED] == count else None


def test_what_is_refused_is_dropped(weir, backend):
    collector = Collector(backend, saying(400))
    proxy = weir({**single(backend()), **exporting(collector), "admin": "127.0.0.1:0"})
    load(proxy, 300)
    eventually(lambda: Admin(proxy).metrics()[DROPPED % "collector"] >= 512, "dropped spans",
               within=20)
    assert Admin(proxy).metrics()[EXPORTED] == 0


def test_a_collector_that_nobody_vouches_for_is_sent_nothing(weir, backend, certificates):
    collector = Collector(backend, context=server_context(certificates.site))
    proxy = weir({**single(backend()), **exporting(collector)})
    load(proxy, 300)
    line = warned(proxy, "spans are not taken")
    assert "certificate" in line, line
    assert collector.requests == 0


def test_the_end_does_not_wait_for_a_collector_that_hangs(weir, backend):
    proxy = weir({**single(backend()), **exporting(Collector(backend, silent))})
    load(proxy, 10)
    assert proxy.stop() == 0
    assert any("spans were dropped at the end" in line for line in proxy.lines)
