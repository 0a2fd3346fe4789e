"""Each file of `examples/` is checked, started on free ports, and asked."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from harness import Weir
from harness.checks import assert_own_answer
from harness.examples import FOLDER, SERVING, Example
from harness.proxy import ROOT
from harness.secure import client_context, secure


def name_of(file):
    return str(file.relative_to(FOLDER))


@pytest.fixture
def example(tmp_path, backend):
    """Starts an example on free ports, each of its servers replaced by the same backend."""
    started = []

    def start(file):
        copy = Example(file, tmp_path, backend(host="0.0.0.0"))
        environment = {"WEIR_ACCESS_LOG": "stdout"}
        proxy = Weir("", tmp_path, command=["run", str(copy.path)], environment=environment)
        started.append((proxy, copy))
        return proxy.wait_until_listening(max(1, copy.listeners)), copy

    yield start
    for proxy, copy in started:
        assert proxy.stop() == 0, proxy.lines
        copy.close()


# What to ask each file: (host, target, method) and the status, "server" where a server answers.
ASKED = {
    "smallest.yaml": [("a", "/", "GET", "server")],
    "tour.yaml": [
        ("api.example.com", "/v1/users", "GET", "server"),
        ("old.example.com", "/x?y", "GET", 308),
        ("any", "/robots.txt", "GET", 200),
        ("any", "/", "GET", "server"),
    ],
    "company-site.yaml": [
        ("www.example.com", "/", "GET", "server"),
        ("api.example.com", "/", "POST", "server"),
        ("example.com", "/a?b", "GET", 308),
        ("unknown.test", "/", "GET", 404),
    ],
    "several-files.yaml": [
        ("any", "/robots.txt", "GET", 200),
        ("admin.example.com", "/", "GET", "server"),
        ("rpc.example.com", "/", "GET", "server"),
        ("api.example.com", "/v1/x", "GET", "server"),
        ("other.example.com", "/", "GET", 503),
    ],
    "answers.yaml": [
        ("a", "/health", "GET", 200),
        ("a", "/whoami", "GET", 200),
        ("a", "/old/x", "GET", 307),
        ("a", "/", "GET", 302),
        ("a", "/", "POST", 405),
    ],
    "balancing.yaml": [
        ("api.example.com", "/", "GET", "server"),
        ("search.example.com", "/", "GET", "server"),
        ("users.example.com", "/", "POST", "server"),
        ("render.example.com", "/", "GET", "server"),
        ("shop.example.com", "/", "GET", "server"),
        ("pay.example.com", "/", "POST", "server"),
        ("other.example.com", "/", "GET", 404),
    ],
    "health.yaml": [
        ("shop.example.com", "/", "GET", "server"),
        ("shop.example.com", "/", "POST", "server"),
        ("reports.example.com", "/", "GET", "server"),
        ("mail.example.com", "/", "GET", "server"),
        ("other.example.com", "/", "GET", 404),
    ],
    "failover.yaml": [("a", "/", "GET", "server"), ("a", "/live/x", "GET", "server")],
    "discovery.yaml": [
        ("www.example.com", "/", "GET", "server"),
        ("api.example.com", "/", "GET", 503),
        ("jobs.example.com", "/", "GET", "server"),
    ],
    "https.yaml": {
        0: [("www.example.com", "/x?y", "GET", 308)],
        1: [
            ("www.example.com", "/", "GET", "server"),
            ("other.example.com", "/", "GET", 421),
            ("partners.example.com", "/", "GET", 421),
        ],
        2: [
            ("partners.example.com", "/", "GET", "server"),
            ("www.example.com", "/", "GET", 421),
        ],
    },
    "behind-a-proxy.yaml": [("a", "/", "GET", "server")],
    "streams.yaml": [("a", "/events/x", "GET", "server"), ("a", "/", "GET", "server")],
    "strict-limits.yaml": [("a", "/", "GET", "server"), ("a", "/" + "x" * 5000, "GET", 414)],
    "unix-sockets.yaml": [("a", "/", "GET", "server")],
    "tracing.yaml": [("a", "/", "GET", "server"), ("a", "/api/x", "GET", "server")],
    "watched.yaml": [("a", "/", "GET", "server")],
    "two-machines.yaml": [("a", "/", "GET", "server"), ("a", "/x", "POST", "server")],
    "cloud/three-ways.yaml": [
        ("files.example.com", "/", "GET", "server"),
        ("api.example.com", "/", "GET", "server"),
        ("cache.example.com", "/", "GET", "server"),
        ("other.example.com", "/", "GET", 404),
    ],
    "cloud/migration.yaml": [("a", "/", "GET", "server")],
    "cloud/edge.yaml": [
        ("www.example.com", "/", "GET", "server"),
        ("www.example.com", "/account/me", "GET", "server"),
        ("www.example.com", "/robots.txt", "GET", 200),
        ("old.example.com", "/x", "GET", 308),
    ],
    "cloud/sidecar.yaml": {
        0: [
            ("orders.internal", "/", "GET", "server"),
            # Another name than the handshake's: the service's own business is not for others.
            ("payments.internal", "/", "GET", 421),
        ],
        1: [
            ("payments.internal", "/", "POST", "server"),
            ("stock.internal", "/", "GET", "server"),
            ("other.internal", "/", "GET", 404),
        ],
    },
    "cloud/functions.yaml": [
        ("a", "/thumbnail/x", "POST", "server"),
        ("a", "/report/x", "GET", "server"),
        ("a", "/thumbnail/x", "GET", 404),
    ],
    "cloud/inference.yaml": [
        ("a", "/v1/chat/completions", "POST", "server"),
        ("a", "/v1/embeddings", "POST", "server"),
        ("a", "/", "GET", 404),
    ],
}


# The files that are no configuration of their own, and the test that holds each.
ELSEWHERE = {
    "discovery/*": "its file: discovery.yaml, which names it",
    "failover/*": "its file: failover.yaml, which names it",
    "several-files/*": "its file: several-files.yaml, which includes or names it",
    "kubernetes/sidecar.yml": "cli/test_kubernetes.py",
    "prometheus/*": "admin/test_prometheus.py",
    "simulate/*.yaml": "cli/test_simulate_examples.py",
    "two-machines/*": "lifecycle/test_two_machines.py",
}


def test_each_file_is_asked():
    assert sorted(ASKED) == [name_of(file) for file in SERVING]


def test_each_file_is_covered():
    """A new file in `examples/` has to be served here, or be named with the test that holds it."""
    found = {name_of(file) for file in FOLDER.rglob("*") if file.is_file()}
    elsewhere = {name for name in found for one in ELSEWHERE if fnmatch(name, one)}
    assert found - elsewhere == set(ASKED)
    for pattern, where in ELSEWHERE.items():
        names = [name for name in found if fnmatch(name, pattern)]
        assert names, f"{pattern} means no file"
        if where.startswith("its file: "):
            owner = where.split()[2].rstrip(",")
            text = (FOLDER / owner).read_text()
            folder = owner.removesuffix(".yaml")
            named = set(re.findall(rf"{folder}/[\w./*-]+", text))
            assert owner in ASKED
            assert all(any(fnmatch(name, one) for one in named) for name in names), names
        else:
            text = (ROOT / "Tests/EndToEnd" / where).read_text()
            folder = pattern.split("/")[0]
            assert all(Path(name).name in text or "glob(" in text for name in names), names
            assert folder in text


@pytest.mark.parametrize("file", SERVING, ids=name_of)
def test_it_serves(example, file):
    proxy, copy = example(file)
    rows = ASKED[name_of(file)]
    for number in range(len(proxy.urls)):
        # Where listeners serve different things, the first row names what one is for.
        own = rows[number] if isinstance(rows, dict) else rows
        for host, target, method, expected in own:
            client = client_of(proxy, number, copy, own[0][0])
            response = client.ask(method, target, host=host)
            if expected == "server":
                assert response.status == 200 and b'"backend"' in response.body, response
            else:
                assert response.status == expected, response
            if expected in (404, 414, 421):
                assert_own_answer(response, expected)
            client.close()


def client_of(proxy, number, copy, name):
    """A client of the listener, with a certificate where there is TLS."""
    if not proxy.urls[number].startswith("https"):
        return proxy.client(number)
    context = client_context(copy.authority, pair=copy.client)
    return secure(proxy, context, listener=number, server_name=name)
