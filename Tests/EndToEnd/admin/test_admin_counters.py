"""What is counted beside requests: listeners of several addresses, ejections, Weir's own answers."""

from harness import eventually, fixed


def test_a_listener_of_several_addresses_is_one(routed):
    entry = {"address": ["127.0.0.1:0", "127.0.0.1:0"], "name": "public"}
    proxy, admin, _ = routed(listeners=[entry])
    proxy.wait_until_listening(2)
    clients = [proxy.client(listener=number) for number in range(2)]
    for client in clients:
        assert client.ask(target="/own").status == 418
    (listener,) = admin.stats(requests=2)["listeners"]
    assert listener["address"].split(", ") == [url.rstrip("/") for url in proxy.urls]
    assert listener["connections"] == listener["connections-total"] == listener["requests"] == 2
    text = admin.ask(target="/metrics").body.decode()
    names = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(names) == len(set(names))
    assert 'weir_connections_total{listener="public"} 2' in text


def test_ejections_are_counted(routed, backend):
    bad = backend(fixed("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    good = backend()
    ejection = {"consecutive-failures": 1, "base-time": "60s"}
    pool = {"servers": [bad.address, good.address], "ejection": ejection}
    proxy, admin, _ = routed(bad, pools={"main": pool})

    def ejected():
        proxy.ask(target="/api/")
        return admin.endpoint(bad.address)["ejections"]

    assert eventually(ejected, "an ejection") == 1
    values = admin.metrics()
    name = "weir_endpoint_ejections_total"
    assert values[f'{name}{{pool="main",endpoint="{bad.address}"}}'] == 1
    assert values[f'{name}{{pool="main",endpoint="{good.address}"}}'] == 0


def test_metrics_of_own_answers_and_of_weighed_latencies(routed):
    proxy, admin, backend = routed()
    for target in ("/own", "/own", "/nowhere", "/api/"):
        proxy.ask(target=target)
    admin.stats(requests=4)
    values = admin.metrics()
    found = {name: value for name, value in values.items() if "weir_local_responses" in name}
    reasons = {"ok": 2, "no-route": 1}
    assert found == {
        f'weir_local_responses_total{{reason="{one}"}}': count for one, count in reasons.items()
    }
    assert values["weir_config_last_reload_success"] == 1
    assert not any("ewma" in name for name in values)
    pool = {"servers": [backend.address], "balance": "latency-weighted"}
    proxy, admin, _ = routed(backend, pools={"main": pool})
    proxy.ask(target="/api/")
    admin.stats(requests=1)
    name = f'weir_endpoint_ewma_seconds{{pool="main",endpoint="{backend.address}"}}'
    assert 0 < admin.metrics()[name] < 5
