"""System calls per proxied request, beside HAProxy's under the same load."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness import eventually
from harness.client import connect
from harness.proxy import ROOT

pytestmark = [pytest.mark.alone, pytest.mark.release]

FEW, MANY = 1_000, 6_000
LOADS = {"100 B": {"size": 100}, "10 KiB": {"size": 10240}, "post": {"size": 100, "post": 16384}}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def configured(name, folder, port, backend):
    """A file of perf/peers with its places filled in."""
    text = (ROOT / "perf/peers" / name).read_text()
    places = {"PORT": port, "BACKEND": backend, "MAX-CONNECTIONS": 1000, "FOLDER": folder}
    for place, value in places.items():
        text = text.replace(f"@{place}@", str(value))
    file = folder / name
    file.write_text(text)
    return file


def listens(port):
    try:
        connect(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


def calls(command, port, folder, load, requests, **options):
    """System calls of `command` from its start to its end, with this many requests between."""
    report = folder / "strace.txt"
    strace = ["strace", "-c", "-f", "-o", report]
    process = subprocess.Popen(
        [*strace, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: listens(port), f"{command[0]} to listen", within=30)
        load(port, requests, **options)
        for child in children(process.pid):
            os.kill(child, signal.SIGTERM)
        process.wait(60)
    finally:
        if process.poll() is None:
            for child in children(process.pid):
                os.kill(child, signal.SIGKILL)
            process.wait(10)
    text = report.read_text()
    return int(re.search(r"^100\.00 .*?(\d+) +(?:\d+ )?total$", text, re.MULTILINE).group(1)), text


def per_request(command, port, folder, load, **options):
    """The start's and the end's calls are the same in both runs, so that they cancel out."""
    few, _ = calls(command, port, folder, load, FEW, **options)
    many, text = calls(command, port, folder, load, MANY, **options)
    return (many - few) / (MANY - FEW), text


@pytest.mark.parametrize("kind", LOADS)
def test_no_more_than_haproxy(tmp_path, fast_backend, load, kind):
    from harness import binary

    results = {}
    for name, file, start in [
        ("weir", "weir.yaml", [*binary(), "run"]),
        ("haproxy", "haproxy.cfg", ["haproxy", "-db", "-q", "-f"]),
    ]:
        port = free_port()
        config = configured(file, tmp_path, port, fast_backend)
        command = [*start, str(config)]
        results[name] = per_request(command, port, tmp_path, load, **LOADS[kind])
    (ours, text), (theirs, _) = results["weir"], results["haproxy"]
    assert ours <= theirs, f"{ours:.3f} calls a request, HAProxy {theirs:.3f}\n{text}"
    assert ours >= 3.9, f"{ours:.3f} calls a request cannot be: was the load served?"
