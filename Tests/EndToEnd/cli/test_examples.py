"""Each file of `examples/` is checked, started on free ports, and asked."""

import pytest

from harness import Weir
from harness.checks import assert_own_answer
from harness.examples import FOLDER, Example
from harness.secure import client_context, secure

FILES = sorted(FOLDER.glob("*.yaml"))


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
}


def test_each_file_is_asked():
    assert sorted(ASKED) == [file.name for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_serves(example, file):
    proxy, copy = example(file)
    rows = ASKED[file.name]
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
