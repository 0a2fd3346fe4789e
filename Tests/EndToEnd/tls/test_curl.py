"""What curl gets, which shares nothing with Weir but the protocols."""

import json
import subprocess

import pytest

from harness import answer, scaled
from harness.data import whole
from harness.secure import secure_listener

FLAGS = {"--http1.1": "1.1", "--http2": "2"}


def curl(*arguments, given=None):
    """The body, and what `-w` says: a dictionary."""
    command = ["curl", "-sS", "--max-time", str(scaled(20)), "-w", "%{stderr}%{json}", *arguments]
    done = subprocess.run([str(one) for one in command], input=given, capture_output=True)
    lines = done.stderr.decode()
    assert done.returncode == 0, lines
    # One for each transfer, with nothing between them; the first will do.
    return done.stdout, json.JSONDecoder().raw_decode(lines[lines.index("{") :])[0]


@pytest.fixture
def proxy(weir, backend, certificates):
    def script(connection):
        while (request := connection.request()) is not None:
            if request.target.startswith("/size/"):
                connection.send(answer(body=whole(int(request.target[6:]))))
            else:
                text = f"{request.method} {request.target} {len(request.body)}"
                shown = b"" if request.method == "HEAD" else text
                connection.answer(body=shown, fields=[("X-Proto", request.get("x-forwarded-proto"))])

    listeners = [
        secure_listener(certificates.site),
        {"address": "127.0.0.1:0", "http2": "cleartext"},
    ]
    return weir({"listeners": listeners, "servers": [backend(script).address]}, listeners=2)


@pytest.fixture
def trusted(proxy, certificates):
    port = proxy.urls[0].rstrip("/").rsplit(":", 1)[1]
    resolve = ["--resolve", f"example.test:{port}:127.0.0.1"]
    return [*resolve, "--cacert", certificates.authority.file], f"https://example.test:{port}"


@pytest.mark.parametrize("flag", FLAGS)
def test_over_tls(trusted, flag):
    options, url = trusted
    body, seen = curl(flag, *options, f"{url}/a")
    assert body == b"GET /a 0" and seen["http_version"] == FLAGS[flag]
    body, seen = curl(flag, *options, "-I", f"{url}/a")
    assert b"x-proto: https" in body.lower()
    body, _ = curl(flag, *options, "-T", "-", f"{url}/up", given=whole(5_000_000))
    assert body == b"PUT /up 5000000"
    body, _ = curl(flag, *options, "--data-binary", "@-", f"{url}/up", given=whole(5_000_000))
    assert body == b"POST /up 5000000"
    body, _ = curl(flag, *options, f"{url}/size/20000000")
    assert body == whole(20_000_000)


def test_many_at_once_over_tls(trusted):
    options, url = trusted
    out, _ = curl("--http2", *options, "-Z", *[f"{url}/{number}" for number in range(50)])
    assert out.count(b"GET /") == 50


@pytest.mark.parametrize(
    ("flag", "version"),
    [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2"), ("--http2", "1.1")],
)
def test_cleartext(proxy, flag, version):
    """An upgrade to h2c is not taken: RFC 9113 knows prior knowledge only."""
    url = proxy.urls[1].rstrip("/")
    body, seen = curl(flag, f"{url}/a")
    assert body == b"GET /a 0" and seen["http_version"] == version
    body, _ = curl(flag, "--data-binary", "@-", f"{url}/up", given=whole(5_000_000))
    assert body == b"POST /up 5000000"
    body, _ = curl(flag, f"{url}/size/20000000")
    assert body == whole(20_000_000)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_versions(trusted, version):
    options, url = trusted
    limits = ["--tlsv" + version, "--tls-max", version]
    assert curl(*limits, *options, f"{url}/a")[0] == b"GET /a 0"
