"""When an ejection's time is over: single requests find out, and none of them fails."""

import time

import pytest

from harness import eventually, scaled
from harness.balancing import where
from harness.checks import assert_own_answer
from harness.events import events, told
from harness.faults import Meter, closing, resetting, saying, silent
from harness.setups import LOGGED, pooled
from harness.steady import Steady


class Mood:
    """A script that fails in some way until it is told to be well."""

    def __init__(self, fault):
        self.fault = fault
        self.well = False

    def __call__(self, connection):
        if not self.well:
            self.fault(connection)
            return
        while connection.request() is not None:
            connection.answer(body='{"backend": "bad"}')
            if not self.well:
                return


def returning(servers, base="100ms", workers=1, ejection=None, **pool):
    """A pool whose servers go at their first failure, and have no second try but by probing."""
    rules = {
        "consecutive-failures": 1,
        "success-rate": "off",
        "outlier": "off",
        "base-time": base,
        **(ejection or {}),
    }
    pool = {"ejection": rules, "retries": 1, "slow-start": "0s", **pool}
    return {**pooled(servers, pool, **LOGGED), "workers": workers}


def ejected(weir, backend, fault=resetting, **options):
    """A proxy one of whose two servers has just been ejected; with the script of that one."""
    mood = Mood(fault)
    bad, good = backend(mood, name="bad"), backend(name="good")
    proxy = weir(returning([bad, good], **options))
    eventually(lambda: proxy.ask().status != 200, "the failure that ejects")
    told(proxy, "ejected")
    return proxy, bad, good, mood


@pytest.mark.parametrize("rise", [None, 1, 3])
def test_a_server_is_back_after_so_many_good_requests(weir, backend, rise):
    """Two without `health`; each of them alone, and then its share of all."""
    # For answers, so that no check brings it back.
    pool = {} if rise is None else {"health": {"kind": "tcp", "every": "1h", "rise": rise}}
    proxy, bad, good, mood = ejected(weir, backend, fault=saying(503), **pool)
    mood.well = True
    bad.drop()
    told(proxy, "half-open")
    client = proxy.client()
    needed = rise or 2
    assert [where(client.ask()) for _ in range(needed)] == ["bad"] * needed
    told(proxy, "returned")
    names = [where(client.ask()) for _ in range(20)]
    assert names.count("bad") == names.count("good") == 10


FAULTS = {"reset": resetting, "close": closing, "status": saying(503), "silence": silent}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("retries", [1, {"on": "off"}], ids=["one attempt", "no words"])
def test_the_request_that_finds_out_is_sent_again_elsewhere(weir, backend, fault, retries):
    """Without any retries in the file, for its failure is not the client's; at once."""
    options = {"timeouts": {"response": "100ms"}, "retries": retries}
    proxy, bad, good, _ = ejected(weir, backend, fault=FAULTS[fault], **options)
    before = len(bad.requests)
    told(proxy, "half-open")
    start = time.monotonic()
    assert where(proxy.ask(target="/probe")) == "good"
    assert time.monotonic() - start < scaled(0.3)
    assert bad.requests[before].target == "/probe"
    told(proxy, "ejected", 2)
    lines = eventually(lambda: [one for one in proxy.access() if one["path"] == "/probe"])
    assert [(line["tries"], line["status"]) for line in lines] == [(2, 200)]
    # That was the one: whoever comes next is not asked to find out.
    assert where(proxy.ask()) == "good"
    assert len(bad.requests) == before + 1


def test_a_refused_connect_finds_out_too(weir, backend, refused):
    good = backend(name="good")
    proxy = weir(returning([refused, good]))
    eventually(lambda: proxy.ask().status == 503, "the failure that ejects")
    for count in range(1, 4):
        told(proxy, "half-open", count)
        assert where(proxy.ask()) == "good"
        told(proxy, "ejected", count + 1)


def test_each_time_out_is_twice_as_long(weir, backend):
    """But never longer than `max-time`; as the failing server sees it."""
    limits = {"max-time": "400ms"}
    proxy, bad, good, _ = ejected(weir, backend, ejection=limits)
    client = proxy.client()
    while len(bad.requests) < 5:
        assert where(client.ask()) == "good"
        time.sleep(0.005)
    times = [request.time for request in bad.requests]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    for gap, least in zip(gaps, [0.1, 0.2, 0.4, 0.4]):
        # A tenth of jitter, a look ten times a second, and what scheduling adds.
        assert least * 0.99 <= gap < least * 1.1 + 0.1 + scaled(0.15)


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
def test_what_may_not_be_repeated_finds_nothing_out(weir, backend, method):
    proxy, bad, good, mood = ejected(weir, backend)
    before = len(bad.requests)
    told(proxy, "half-open")
    client = proxy.client()
    for _ in range(20):
        assert where(client.ask(method, body=b"pay")) == "good"
    assert len(bad.requests) == before
    mood.well = True
    assert where(client.ask()) == "bad"


def test_a_key_of_its_own_makes_a_post_find_out(weir, backend):
    retries = {"attempts": 1, "idempotency-key": True}
    proxy, bad, good, mood = ejected(weir, backend, retries=retries)
    told(proxy, "half-open")
    response = proxy.ask("POST", body=b"pay", fields=[("Idempotency-Key", "1")])
    assert where(response) == "good"
    assert (bad.requests[-1].method, bad.requests[-1].body) == ("POST", b"pay")


def test_a_body_that_is_not_there_whole_finds_nothing_out(weir, backend):
    """Or larger than what is kept: it could not be sent again elsewhere."""
    proxy, bad, good, _ = ejected(weir, backend, retries={"attempts": 1, "buffer": "4KiB"})
    before = len(bad.requests)
    told(proxy, "half-open")
    assert where(proxy.ask("PUT", body=b"x" * 4097)) == "good"
    client = proxy.client()
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    eventually(lambda: any(b"half" in one.received for one in good.connections), "half of it")
    client.send("a body")
    assert where(client.response()) == "good"
    assert len(bad.requests) == before
    assert where(proxy.ask("PUT", body=b"x" * 2048)) == "good"
    assert len(bad.requests) == before + 1


@pytest.mark.parametrize("workers", [1, 2])
def test_one_at_a_time_finds_out(weir, backend, workers):
    """While its answer is awaited, all others go elsewhere, on every worker."""
    meter = Meter()
    proxy, bad, good, mood = ejected(weir, backend, fault=resetting, workers=workers)
    told(proxy, "half-open")
    bad.script = meter
    clients = [proxy.client() for _ in range(24)]
    for number, client in enumerate(clients):
        client.send_request(target=f"/{number}")
    eventually(lambda: meter.now == 1 and len(good.requests) >= 23, "all to be under way")
    assert len(meter.order) == 1
    meter.let_go()
    assert [client.response().status for client in clients] == [200] * 24
    assert meter.most == 1


@pytest.mark.parametrize("way", ["reset", "close"])
def test_who_leaves_before_it_is_found_out_lets_another_one_do_it(weir, backend, way):
    meter = Meter()
    proxy, bad, good, _ = ejected(weir, backend)
    told(proxy, "half-open")
    bad.script = meter
    first = proxy.client()
    first.send_request(target="/first")
    eventually(lambda: meter.now == 1)
    assert where(proxy.ask()) == "good"
    if way == "reset":
        first.reset()
    else:
        # It only seems to have left, and its answer still counts.
        first.close()
        meter.let_go()
    eventually(lambda: [line for line in proxy.access() if line["path"] == "/first"], "its end")
    second = proxy.client()
    second.send_request(target="/second")
    eventually(lambda: meter.order == ["/first", "/second"], "the second one to find out")
    # The thread of the first one waits still.
    meter.let_go(2)
    assert second.response().status == 200


def test_no_client_notices_a_server_that_goes_and_comes(weir, backend):
    """Under load, on two workers: its failures are found out by requests that are well served."""
    mood = Mood(saying(503))
    bad, good = backend(mood, name="bad"), backend(name="good")
    retries = {"status": 503, "backoff": {"base": "1ms", "max": "1ms"}, "budget": "none"}
    limits = {"max-time": "200ms"}
    proxy = weir(returning([bad, good], workers=2, ejection=limits, retries=retries))

    with Steady(proxy, 6, pause=0) as load:
        told(proxy, "ejected", 3)
        # What was kept while it failed still does.
        mood.well = True
        bad.drop()
        told(proxy, "returned")
        seen = len(bad.requests)
        eventually(lambda: len(bad.requests) > seen + 100, "its share of the traffic")
    assert load.answers and not load.failures


# With bounds, fallbacks and priorities.


def test_in_a_full_pool_it_is_found_out_too(weir, backend):
    """Requests that wait for the one that is left do not keep the other one out for ever."""
    mood, meter = Mood(resetting), Meter(hold=False, pause=lambda: 0.005)
    bad, good = backend(mood, name="bad"), backend(meter)
    breaker = {"per-server": {"max-requests": 1}}
    proxy = weir(returning([bad, good], breaker=breaker, workers=2))

    with Steady(proxy, 8, pause=0):
        told(proxy, "ejected")
        mood.well = True
        told(proxy, "returned")
    assert meter.most == 1


@pytest.mark.parametrize("bound", ["max-requests", "max-connections"])
def test_finding_out_stays_within_the_pool_s_bounds(weir, backend, bound):
    """Its place is one of the pool's, and its connection takes that of an idle one."""
    meter = Meter(hold=False, pause=lambda: 0.002)

    def bad_script(connection):
        if not mood.well:
            resetting(connection)
        else:
            meter(connection)

    mood = Mood(resetting)
    bad, good = backend(bad_script, name="bad"), backend(meter)
    meter.servers.append(bad)
    proxy = weir(returning([bad, good], breaker={bound: 1}, workers=2))

    with Steady(proxy, 6, pause=0):
        told(proxy, "ejected", 2)
        mood.well = True
        told(proxy, "returned")
    assert meter.most == 1
    if bound == "max-connections":
        assert meter.most_connections == 1


def test_where_all_are_ejected_the_fallback_serves_until_one_is_back(weir, backend):
    """A POST goes to the fallback as long as nobody has found out; a GET does that."""
    mood = Mood(resetting)
    bad, spare = [backend(mood, name=f"bad {i}") for i in range(2)], backend(name="spare")
    share = {"max-share": "100%"}
    config = returning(bad, ejection=share, fallback="spare")
    config["pools"]["spare"] = {"servers": [spare.address]}
    config["routes"] = [{"pool": "main"}]
    proxy = weir(config)
    client = proxy.client()
    for _ in range(2):
        assert_own_answer(client.ask(), 502, "upstream-reset", closes=False)
    assert where(client.ask("POST", body=b"x")) == "spare"
    told(proxy, "half-open")
    before = sum(len(server.requests) for server in bad)
    assert where(client.ask("POST", body=b"x")) == "spare"
    assert sum(len(server.requests) for server in bad) == before
    # A GET that finds out and fails is served by the fallback.
    assert where(client.ask()) == "spare"
    assert sum(len(server.requests) for server in bad) == before + 1
    mood.well = True
    eventually(lambda: where(client.ask()) == "bad", "one to be back")
    eventually(lambda: len(events(proxy, "returned")) == 2 or where(client.ask()) is None)
    assert {where(client.ask("POST", body=b"x")) for _ in range(6)} == {"bad"}


def test_an_active_one_that_is_well_again_takes_over_from_the_standby(weir, backend):
    active, standby = backend(name="active"), backend(name="standby")
    entries = [active.address, {"address": standby.address, "priority": 1}]
    proxy = weir(returning(entries, retries={"attempts": 3}))
    client = proxy.client()
    assert where(client.ask()) == "active"
    active.close()
    assert [where(client.ask()) for _ in range(3)] == ["standby"] * 3
    backend(name="active", port=active.port)
    eventually(lambda: client.ask() and events(proxy, "returned"), "the active one to be back")
    assert {where(client.ask()) for _ in range(10)} == {"active"}


def test_a_lone_half_open_server_that_fails_is_the_answer(weir, backend):
    """There is no other to send to: the failure is passed on, as it came."""
    mood = Mood(saying(503, body=b"mine"))
    servers = [backend(mood) for _ in range(2)]
    proxy = weir(returning(servers, ejection={"max-share": "100%"}))
    client = proxy.client()
    for _ in range(30):
        response = client.ask()
        assert (response.status, response.body) == (503, b"mine")
        time.sleep(0.01)
    assert len(events(proxy, "half-open")) >= 1
