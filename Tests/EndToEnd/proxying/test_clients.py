"""Clients of the world get through: curl, http.client, wrk."""

import hashlib
import http.client
import json
import re
import subprocess

import pytest

from harness import SLOWNESS, answer, echo, fixed


def curl(*arguments):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "20", "--noproxy", "*", *arguments], capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_gets_an_answer(weir, backend):
    proxy = weir({"listen": "127.0.0.1:0", "servers": [backend().address]})
    seen = json.loads(curl(f"{proxy.url}/a/b?c=d", "-H", "X-Mine: 1"))
    assert (seen["method"], seen["target"], seen["version"]) == ("GET", "/a/b?c=d", "1.1")
    assert ["X-Mine", "1"] in seen["fields"] or ["x-mine", "1"] in seen["fields"]


def test_curl_head_and_status(weir, backend):
    server = backend(fixed(answer(404, "missing", reason="Not Found")))
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address]})
    assert curl("-o", "/dev/null", "-w", "%{http_code}", proxy.url) == b"404"


@pytest.mark.parametrize("size", [0, 1, 16384, 65537, 5_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_curl_posts_and_gets_it_back(weir, backend, tmp_path, size, framing):
    def mirror(connection):
        while (request := connection.request()) is not None:
            connection.answer(body=request.body)

    proxy = weir({"listen": "127.0.0.1:0", "servers": [backend(mirror).address]})
    data = hashlib.shake_128(b"%d" % size).digest(size)
    (tmp_path / "data").write_bytes(data)
    extra = ["-H", "Transfer-Encoding: chunked"] if framing == "chunked" else []
    got = curl("--data-binary", f"@{tmp_path}/data", *extra, proxy.url)
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_http_client_reuses_its_connection(weir, backend):
    server = backend()
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address]})
    client = http.client.HTTPConnection(*proxy.address, timeout=10)
    client.connect()
    sock = client.sock
    for number in range(50):
        client.request("POST", f"/{number}", body=b"x" * number)
        seen = json.loads(client.getresponse().read())
        assert (seen["target"], seen["body"]) == (f"/{number}", "x" * number)
        assert client.sock is sock, "the proxy closed a connection that could be kept"
    client.close()
    assert len(server.connections) == 1, "the upstream connection was not kept"


@pytest.mark.parametrize("connections", [1, 64])
def test_wrk_sees_no_error(weir, backend, connections):
    server = backend(fixed(answer(body=b"x" * 128)))
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address]})
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", "-d2s", "--timeout", "20s", proxy.url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    count = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    assert count > 100 / SLOWNESS, done.stdout


def test_round_robin_shows_each_server_in_turn(weir, backend):
    servers = [backend(echo, name=f"server-{number}") for number in range(3)]
    proxy = weir(
        {"workers": 1, "listen": "127.0.0.1:0", "servers": [one.address for one in servers]}
    )
    names = [json.loads(curl(proxy.url))["backend"] for _ in range(9)]
    assert sorted(names) == sorted([one.name for one in servers] * 3)
    assert names[:3] == names[3:6] == names[6:9]


def test_weights_share_the_traffic(weir, backend):
    light, heavy, drained = (backend(echo, name=name) for name in ("light", "heavy", "drained"))
    servers = [
        {"address": light.address},
        {"address": heavy.address, "weight": 3},
        {"address": drained.address, "weight": 0},
    ]
    proxy = weir({"workers": 1, "listen": "127.0.0.1:0", "servers": servers})
    client = proxy.client()
    for _ in range(40):
        assert client.ask().status == 200
    assert (len(light.requests), len(heavy.requests), len(drained.requests)) == (10, 30, 0)
