"""What the admin API tells: statistics, metrics, health, events."""

import csv
import io
import json
import signal
import socket
import subprocess

import pytest

from harness import eventually, fixed
from harness.admin import Admin, EventStream


@pytest.fixture
def served(routed):
    return routed


def test_requests_are_counted(served):
    proxy, admin, server = served()
    for _ in range(7):
        assert proxy.ask(target="/api/x").status == 200
    for _ in range(3):
        assert proxy.ask(target="/own").status == 418
    assert proxy.ask(target="/nowhere").status == 404
    stats = admin.stats(requests=11)
    assert stats["state"] == "serving" and stats["pid"] == proxy.pid
    assert stats["total"]["requests"] == 11
    routes = {one["name"]: one for one in stats["routes"]}
    assert routes["api"]["requests"] == 7 == routes["api"]["statuses"]["2xx"]
    assert routes["api"]["latency"]["count"] == 7
    assert 0 < routes["api"]["latency"]["p50"] <= routes["api"]["latency"]["p999"] < 5
    assert routes["own"]["outcomes"] == {"ok": 3} and routes["own"]["statuses"]["4xx"] == 3
    assert routes[None]["outcomes"] == {"no-route": 1}
    (listener,) = stats["listeners"]
    assert listener["name"] == "public" and listener["address"] == proxy.url
    assert listener["connections-total"] == 11 and listener["requests"] == 11
    (pool,) = stats["pools"]
    (endpoint,) = pool["endpoints"]
    assert endpoint["name"] == server.address and endpoint["state"] == "up"
    assert endpoint["tries"] == 7 == endpoint["statuses"]["2xx"]
    assert endpoint["bytes-in"] > 0 and endpoint["bytes-out"] > 0
    assert len(stats["workers"]) == 2
    assert sum(one["turns"] for one in stats["workers"]) > 0


def test_kept_alive_requests_and_connections(served):
    proxy, admin, _ = served()
    client = proxy.client()
    for _ in range(20):
        assert client.ask(target="/api/").status == 200
    (listener,) = admin.stats(requests=20)["listeners"]
    assert listener["connections"] == 1 == listener["connections-total"]
    assert listener["requests"] == 20
    client.close()
    eventually(lambda: admin.stats()["listeners"][0]["connections"] == 0, "a closed connection")


def test_latency_is_right_to_a_percent(served, backend):
    import time

    def script(connection):
        while connection.request() is not None:
            time.sleep(0.1)
            connection.answer()

    proxy, admin, _ = served(backend(script))
    client = proxy.client()
    took = []
    for _ in range(9):
        began = time.monotonic()
        assert client.ask(target="/api/").status == 200
        took.append(time.monotonic() - began)
    latency = admin.stats(requests=9)["routes"][1]["latency"]
    assert 0.099 < latency["p50"] <= sorted(took)[4] * 1.01
    assert latency["mean"] <= sum(took) / len(took)


def test_failures_are_counted_by_kind(served, backend):
    def script(connection):
        if connection.request() is not None:
            connection.reset()

    server = backend(script)
    proxy, admin, _ = served(server)
    for _ in range(2):
        assert proxy.ask("POST", "/api/", body=b"x").status == 502
    admin.stats(requests=2)
    endpoint = admin.endpoint(server.address)
    assert endpoint["failures"]["reset"] == 2 and endpoint["tries"] == 2
    assert admin.stats()["routes"][1]["outcomes"] == {"upstream-reset": 2}


def test_answers_that_are_tried_again_count_for_their_server(served, backend):
    bad = backend(fixed("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    good = backend()
    pool = {"servers": [bad.address, good.address], "retries": {"status": [503]}, "ejection": "off"}
    proxy, admin, _ = served(bad, pools={"main": pool})
    for _ in range(8):
        assert proxy.ask(target="/api/").status == 200
    admin.stats(requests=8)
    endpoint = admin.endpoint(bad.address)
    assert 0 < endpoint["tries"] == endpoint["statuses"]["5xx"]
    assert admin.endpoint(good.address)["statuses"]["2xx"] == 8
    assert admin.stats()["routes"][1]["retries"] == endpoint["tries"]


def test_metrics(served):
    proxy, admin, server = served()
    for _ in range(5):
        proxy.ask(target="/api/")
    admin.stats(requests=5)
    values = admin.metrics()
    labels = 'listener="public",route="api",pool="main"'
    assert values[f'weir_requests_total{{{labels},code="2xx"}}'] == 5
    assert values[f'weir_outcomes_total{{{labels},outcome="ok"}}'] == 5
    assert values['weir_request_duration_seconds_count{route="api",pool="main"}'] == 5
    assert values['weir_request_duration_seconds_bucket{route="api",pool="main",le="+Inf"}'] == 5
    endpoint = f'pool="main",endpoint="{server.address}"'
    assert values[f"weir_endpoint_up{{{endpoint}}}"] == 1
    assert values[f"weir_endpoint_tries_total{{{endpoint}}}"] == 5
    assert values["weir_ready"] == 1
    assert values["process_resident_memory_bytes"] > 1_000_000
    assert values["process_open_fds"] > 5


def test_metrics_pass_promtool(served):
    proxy, admin, _ = served()
    proxy.ask(target="/api/")
    text = admin.ask(target="/metrics").body
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60
    )
    assert found.returncode == 0 and not found.stderr + found.stdout, found


def test_csv_has_haproxys_columns(served):
    proxy, admin, server = served()
    for _ in range(4):
        proxy.ask(target="/api/")
    admin.stats(requests=4)
    text = admin.ask(target="/stats;csv").body.decode()
    assert text.startswith("# pxname,svname,qcur,")
    rows = list(csv.DictReader(io.StringIO(text[2:])))
    by_name = {(row["pxname"], row["svname"]): row for row in rows}
    assert by_name["public", "FRONTEND"]["req_tot"] == "4"
    assert by_name["public", "FRONTEND"]["status"] == "OPEN"
    assert by_name["main", server.address]["stot"] == "4"
    assert by_name["main", server.address]["status"] == "UP"
    assert by_name["main", server.address]["hrsp_2xx"] == "4"
    assert by_name["main", "BACKEND"]["req_tot"] == "4"


def test_config_is_the_effective_one(served):
    _, admin, server = served()
    found = admin.ask(target="/config")
    assert found.status == 200 and found.get("content-type") == "application/yaml"
    assert server.address in found.body.decode() and "shutdown-timeout: 2s" in found.body.decode()


def test_health_and_drain(served, backend):
    def script(connection):
        connection.request()
        connection.backend.begun = True
        eventually(lambda: connection.backend.released, "a release")
        connection.answer()

    server = backend(script)
    server.begun = server.released = False
    proxy, admin, _ = served(server)
    assert admin.ask(target="/livez").body == b"ok\n" == admin.ask(target="/healthz").body
    assert admin.ask(target="/readyz").status == 200
    client = proxy.client()
    client.send_request(target="/api/")
    eventually(lambda: server.begun, "a request under way")
    found = admin.ask("POST", "/drain")
    assert found.status == 202
    assert admin.ask(target="/readyz").status == 503
    assert admin.ask(target="/livez").status == 200
    assert admin.stats()["state"] == "draining"
    # The first signal is what it was before: a drain, not the second one.
    proxy.signal(signal.SIGTERM)
    assert admin.stats()["state"] == "draining"
    server.released = True
    assert client.response().status == 200
    assert proxy.wait() == 0


def test_events_as_they_happen_and_those_missed(served, backend):
    server = backend(fixed("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    other = backend()
    pools = {"main": {"servers": [server.address, other.address]}}
    proxy, admin, _ = served(server, pools=pools)
    stream = EventStream(admin)

    def ejected():
        proxy.ask(target="/api/")
        return admin.endpoint(server.address)["state"] == "ejected"

    eventually(ejected, "an ejection")
    number, kind, event = stream.next()
    assert kind == "ejected" and event["endpoint"] == server.address
    assert "a status that counts" in event["reason"] and event["duration"] > 0
    stream.close()
    endpoint = admin.endpoint(server.address)
    assert endpoint["reason"] == event["reason"] and endpoint["until"] > event["time"]
    # Who comes later gets what is kept, from where they left.
    again = EventStream(admin)
    assert again.next()[0] == number
    again.close()
    last = EventStream(admin, fields=[("Last-Event-ID", number)])
    admin.json("PATCH", f"/pools/main/servers/{other.address}", body={"weight": 7})
    assert last.next()[1] == "changed"
    last.close()
    # Another process's numbers say nothing of this one's.
    foreign = EventStream(admin, fields=[("Last-Event-ID", "other-999")])
    assert foreign.next()[0] == number
    foreign.close()


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/pools/nothing", 404),
        ("GET", "/pools/main/servers/nothing", 404),
        ("POST", "/stats", 405),
        ("DELETE", "/drain", 405),
        ("GET", "/%ff", 400),
    ],
)
def test_problems(served, method, target, status):
    _, admin, _ = served()
    admin.problem(status, method, target)


def test_methods(served):
    _, admin, _ = served()
    found = admin.ask("HEAD", "/stats")
    assert found.status == 200 and found.body == b"" and int(found.get("content-length")) > 100
    assert "GET" in admin.ask("OPTIONS", "/stats").get("allow")
    assert admin.ask("POST", "/stats").get("allow") == "GET, HEAD, OPTIONS"


def test_garbage_and_slow_clients_harm_nobody(served):
    proxy, admin, _ = served()
    for data in [b"\0\1\2\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"A" * 20_000]:
        with socket.create_connection(admin.address, timeout=10) as sock:
            sock.sendall(data)
            answer = sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 4"), answer
    idle = [socket.create_connection(admin.address, timeout=10) for _ in range(80)]
    closed = 0
    for sock in idle:
        sock.settimeout(0.05)
        try:
            closed += sock.recv(1) == b""
        except TimeoutError:
            pass
    assert closed >= 80 - 64
    # Those who only wait, or have begun to ask, keep nobody out.
    for sock in idle[-20:]:
        sock.sendall(b"GET /liv")
    for _ in range(70):
        assert admin.ask(target="/livez").status == 200
    for sock in idle:
        sock.close()
    assert proxy.ask(target="/own").status == 418


def test_a_refusal_reaches_who_goes_on_sending(served):
    _, admin, _ = served()
    with socket.create_connection(admin.address, timeout=10) as sock:
        sock.sendall(b"POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n")
        sock.sendall(b"x" * 900_000)
        answer = b""
        while data := sock.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:100]


def test_counters_under_many_connections(served):
    proxy, admin, _ = served()
    command = ["wrk", "-t1", "-c20", "-d1s", f"{proxy.url}/api/"]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    done = int(output.split(" requests in")[0].split()[-1])
    stats = admin.stats()
    assert done <= stats["total"]["requests"] <= done + 20
    assert stats["pools"][0]["endpoints"][0]["tries"] >= done
    eventually(lambda: admin.stats()["listeners"][0]["connections"] == 0, "closed connections")


def test_the_stream_of_statistics(served):
    proxy, admin, server = served()
    client = Admin(proxy)
    from harness.client import Client

    stream = Client(client.address)
    stream.send_request("GET", "/events?stats", host="localhost")
    assert stream.line() == b"HTTP/1.1 200 OK"
    stream.field_lines()
    for _ in range(30):
        proxy.ask(target="/api/")

    def reported():
        stream.fill()
        for line in stream.buffer.split(b"\n"):
            if line.startswith(b"data: ") and line.endswith(b"}"):
                stats = json.loads(line[6:])
                if "total" in stats and stats["total"]["requests"] == 30:
                    return stats
        return None

    stats = eventually(reported, "the statistics")
    assert stats["total"]["recent"]["rate"] >= 0
    assert "recent" in stats["pools"][0]["endpoints"][0]
    stream.close()


def test_the_page(served):
    _, admin, _ = served()
    found = admin.ask(target="/")
    assert found.status == 200 and found.get("content-type").startswith("text/html")
    policy = found.get("content-security-policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    page = found.body.decode()
    assert page.count("<script") == 1 and f'<script nonce="{nonce}">' in page
    assert page.count("<style") == 1 and f'<style nonce="{nonce}">' in page
    for outside in ("http://", "https://", "//"):
        rest = page.replace("http://www.w3.org/2000/svg", "")
        assert f'src="{outside}' not in rest and f'href="{outside}' not in rest
    assert nonce not in admin.ask(target="/").body.decode()


@pytest.mark.release
def test_a_client_that_reads_nothing_holds_little(served):
    proxy, admin, _ = served()
    admin.stats()
    before = proxy.resident()
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(admin.address, timeout=0.5) as sock:
        try:
            for _ in range(20):
                sock.sendall(request * 1000)
        except TimeoutError:
            pass
        assert admin.ask(target="/livez").status == 200
        assert proxy.resident() - before < 8 << 20
    assert admin.ask(target="/livez").status == 200
