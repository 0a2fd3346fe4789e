"""A real Prometheus scrapes the metrics."""

import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness import eventually
from harness.admin import admin_address
from harness.wait import DEADLINE


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def prometheus(tmp_path):
    """`prometheus(target)` starts one that scrapes it; returns what asks it."""
    started = []

    def start(target):
        file = tmp_path / "prometheus.yml"
        scrape = {"job_name": "weir", "static_configs": [{"targets": [target]}]}
        file.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                    "scrape_configs": [scrape],
                }
            )
        )
        port = free_port()
        command = [
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        log = open(tmp_path / "prometheus.log", "wb")
        started.append((subprocess.Popen(command, stdout=log, stderr=log), log))

        def query(expression):
            url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode(
                {"query": expression}
            )
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    found = json.load(answer)["data"]["result"]
            except (urllib.error.URLError, ConnectionError):
                return None
            return [float(one["value"][1]) for one in found]

        return query

    yield start
    for process, log in started:
        process.terminate()
        process.wait(30)
        log.close()


def test_a_prometheus_scrapes(weir, backend, prometheus):
    server = backend()
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address], "admin": "127.0.0.1:0"})
    for _ in range(5):
        proxy.ask()
    host, port = admin_address(proxy)
    query = prometheus(f"{host}:{port}")
    eventually(lambda: query('up{job="weir"}') == [1.0], "a scrape", within=DEADLINE * 2)
    assert query("sum(weir_requests_total)") == [5.0]
    assert query("weir_endpoint_up") == [1.0]
    assert query("weir_ready") == [1.0]
