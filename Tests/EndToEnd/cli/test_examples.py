"""Each file of `examples/` is checked, started on free ports, and asked."""

import itertools
import re
import shutil

import pytest

from harness import Weir
from harness.backend import Backend
from harness.checks import assert_own_answer
from harness.proxy import ROOT

FOLDER = ROOT / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
LISTENING = re.compile(r'(?<![\d.])"?(?:127\.0\.0\.1)?:(?:80|443|8080|8443)"?(?=[\s,}\]]|$)')
SERVER = re.compile(r"(?:10|127)\.\d+\.\d+\.\d+:\d+")


@pytest.fixture
def example(tmp_path, backend):
    """Starts an example on free ports, each of its servers replaced by the same backend."""
    started = []

    def start(file):
        server = backend(host="0.0.0.0")
        unix = []
        shutil.copytree(FOLDER, tmp_path / "examples")
        listeners = 0
        for path in (tmp_path / "examples").rglob("*.yaml"):
            text = path.read_text()
            lines = []
            for line in text.splitlines():
                code = line.split("#")[0]
                if re.search("listen|address|^ *- ", code):
                    code, count = LISTENING.subn("LISTENER", code)
                    listeners += count if path.name == file.name else 0
                if code.startswith("admin:"):
                    code = SERVER.sub("ADMIN", code)
                lines.append(code)
            text = "\n".join(lines) + "\n"
            text = SERVER.sub("SERVER", text)
            while "SERVER" in text:
                text = text.replace("SERVER", f"{loopback()}:{server.port}", 1)
            while "LISTENER" in text:
                text = text.replace("LISTENER", f'"{loopback()}:0"', 1)
            text = text.replace("ADMIN", "127.0.0.1:0")
            for name in re.findall(r"unix:/tmp/([\w-]+)\.sock", text):
                own = tmp_path / f"{name}.sock"
                text = text.replace(f"unix:/tmp/{name}.sock", f"unix:{own}")
                if path.name == file.name and not name.endswith("example"):
                    unix.append(Backend(path=own, name=name))
                elif path.name == file.name:
                    listeners += 1
            path.write_text(text)
        target = tmp_path / "examples" / file.name
        environment = {"WEIR_ACCESS_LOG": "stdout"}
        proxy = Weir("", tmp_path, command=["run", str(target)], environment=environment)
        started.append((proxy, unix))
        return proxy.wait_until_listening(max(1, listeners)), server

    yield start
    for proxy, unix in started:
        assert proxy.stop() == 0, proxy.lines
        for one in unix:
            one.close()


_numbers = itertools.cycle(range(2, 250))


def loopback():
    """A loopback address, another one each time: no file names the same one twice."""
    return f"127.0.0.{next(_numbers)}"


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
    "behind-a-proxy.yaml": [("a", "/", "GET", "server")],
    "streams.yaml": [("a", "/events/x", "GET", "server"), ("a", "/", "GET", "server")],
    "strict-limits.yaml": [("a", "/", "GET", "server"), ("a", "/" + "x" * 5000, "GET", 414)],
    "unix-sockets.yaml": [("a", "/", "GET", "server")],
}


def test_each_file_is_asked():
    assert sorted(ASKED) == [file.name for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_serves(example, file):
    proxy, _ = example(file)
    for number in range(len(proxy.urls)):
        for host, target, method, expected in ASKED[file.name]:
            client = proxy.client(number)
            response = client.ask(method, target, host=host)
            if expected == "server":
                assert response.status == 200 and b'"backend"' in response.body, response
            else:
                assert response.status == expected, response
            if expected in (404, 414):
                assert_own_answer(response, expected)
            client.close()
