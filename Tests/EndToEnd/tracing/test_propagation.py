"""`tracing.propagate`: what servers are told of traces, and what the access log says of them."""

import pytest

from harness.collector import SPAN, TRACE, VALID, told
from harness.faults import first, resetting
from harness.setups import LOGGED, pooled, single

@pytest.fixture(scope="module")
def setup(shared_weir, shared_backend):
    server = shared_backend()
    proxy = shared_weir({**single(server, **LOGGED), "tracing": {"sample": "100%"}})
    return server, proxy


def next_line(proxy, ask):
    """The line of the access log that `ask()` leads to."""
    before = len(proxy.output)
    ask()
    return proxy.access(before + 1)[before]


def ask(setup, fields):
    server, proxy = setup
    line = next_line(proxy, lambda: proxy.ask(fields=fields))
    assert line["status"] == 200
    return server.requests[-1], line


def test_a_trace_begins_under_the_id_of_its_request(setup):
    request, line = ask(setup, [])
    trace, _, sampled = told(request)
    assert trace == request.get("x-request-id") == line["trace-id"] == line["request-id"]
    assert sampled
    assert told(ask(setup, [])[0])[0] != trace


def test_what_came_is_passed_on_as_it_is(setup):
    state = [("tracestate", "a=1,b=2"), ("TraceState", "c=3")]
    request, line = ask(setup, [("Traceparent", VALID), *state])
    assert [one for one in request.fields if one[0].lower().startswith("trace")] == [
        ("Traceparent", VALID), *state]
    assert line["trace-id"] == TRACE
    assert line["request-id"] == request.get("x-request-id") != TRACE
    later = f"cc-{TRACE}-{SPAN}-00-more"
    assert ask(setup, [("traceparent", later)])[0].get("traceparent") == later


@pytest.mark.parametrize("fields", [
    [("traceparent", f"00-{TRACE}-{SPAN}-1")],
    [("traceparent", f"ff-{TRACE}-{SPAN}-01")],
    [("traceparent", f"00-{TRACE.upper()}-{SPAN}-01")],
    [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
    [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
    [("traceparent", VALID + "-x")],
    [("traceparent", VALID), ("TraceParent", VALID)],
    [("traceparent", VALID), ("Connection", "traceparent")],
    [("traceparent", "")],
    [],
])
def test_what_is_not_valid_begins_anew(setup, fields):
    request, line = ask(setup, [*fields, ("tracestate", "a=1")])
    trace, span, _ = told(request)
    assert trace == line["trace-id"] == request.get("x-request-id") != TRACE
    assert span != SPAN
    assert request.get("tracestate") is None


def test_answers_of_weirs_own_are_in_a_trace(weir):
    routes = [{"respond": 204}]
    proxy = weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})
    # By one connection, since workers write their lines each in their time.
    client = proxy.client()
    client.ask()
    client.ask(fields=[("traceparent", VALID)])
    one, other = proxy.access(2)
    assert one["trace-id"] == one["request-id"]
    assert other["trace-id"] == TRACE


def test_a_head_that_cannot_be_read_is_in_none(setup):
    line = next_line(setup[1], lambda: setup[1].client().send(b"GET\r\n\r\n"))
    assert line["status"] == 400
    assert line["trace-id"] is None


def test_a_share_of_traces_is_marked_as_recorded(weir, backend):
    server = backend()
    proxy = weir({**single(server), "tracing": {"sample": "50%"}})
    client = proxy.client()
    for _ in range(200):
        client.ask()
    marks = [told(request) for request in server.requests]
    assert 50 < sum(sampled for _, _, sampled in marks) < 150
    # By the id alone, so that others decide alike.
    assert all(sampled == (int(trace[16:], 16) < 1 << 63) for trace, _, sampled in marks)


def test_nothing_is_touched_without_propagation(weir, backend):
    server = backend()
    proxy = weir({**single(server, **LOGGED), "tracing": {"propagate": False}})
    odd = [("traceparent", "nonsense"), ("traceparent", VALID), ("tracestate", "")]
    for fields in [[], odd]:
        proxy.ask(fields=fields)
        request = server.requests[-1]
        assert [one for one in request.fields if one[0].startswith("trace")] == fields
    assert [line["trace-id"] for line in proxy.access(2)] == [None, None]


def test_a_retry_stays_in_its_trace(weir, backend):
    server = backend(first(1, resetting))
    proxy = weir(pooled(server, {"retries": {"attempts": 2}}, **LOGGED))
    assert proxy.ask().status == 200
    one, other = (told(request) for request in server.requests)
    assert one[0] == other[0] == proxy.access()[0]["trace-id"]


def test_a_route_may_take_it_away(weir, backend):
    server = backend()
    routes = [{"pool": "main", "request-headers": {"remove": ["traceparent"]}}]
    assert weir(pooled(server, {}, routes=routes)).ask().status == 200
    assert server.requests[0].get("traceparent") is None
