"""The C programs by which budgets are measured, compiled once a run."""

import json
import re
import signal
import subprocess
import time

import pytest

from harness import eventually
from harness.proxy import ROOT

C = ["cc", "-O2", "-Wall", "-Wextra", "-Werror"]


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """A folder with `backend`, `client` and `count_allocations.so`."""
    folder = tmp_path_factory.mktemp("tools")
    load = ROOT / "perf/load"
    sources = {"backend": load / "backend.c", "client": load / "client.c"}
    for name, source in sources.items():
        libraries = ["-lssl", "-lcrypto", "-lm"]
        subprocess.run([*C, "-o", folder / name, source, *libraries], check=True)
    source = ROOT / "Tests/Support/count_allocations.c"
    shared = ["-shared", "-fPIC", "-o", folder / "count_allocations.so"]
    subprocess.run([*C, *shared, source], check=True)
    return folder


@pytest.fixture
def fast_backend(tools):
    """The port of a backend that is as cheap as can be: /b/N is answered with N bytes."""
    yield from cheap_backend(tools)


@pytest.fixture
def other_fast_backend(tools):
    """The port of another one."""
    yield from cheap_backend(tools)


def cheap_backend(tools):
    process = subprocess.Popen([tools / "backend"], stdout=subprocess.PIPE, text=True)
    try:
        yield int(re.search(r"\d+", process.stdout.readline()).group())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.fixture
def load(tools):
    """`load(port, requests, …)` sends that many requests, of which none may fail."""

    def send(port, requests, connections=64, **options):
        more = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        numbers = ["--requests", str(requests), "--connections", str(connections)]
        command = [tools / "client", "--port", str(port), *numbers, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr + done.stdout
        counts = json.loads(done.stdout)
        assert counts["errors"] == 0 and counts["requests"] >= requests, counts
        return counts

    return send


def settled(value, seconds=0.5):
    """`value()` once it has stayed the same for a while."""
    last, since = value(), time.monotonic()

    def same():
        nonlocal last, since
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= seconds

    eventually(same, "a value that stays")
    return last
