"""`weir top` in a pseudo-terminal, and as text where there is none."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import eventually
from harness.admin import admin_address
from harness.proxy import binary
from harness.terminal import Terminal
from harness.wait import DEADLINE, scaled


@pytest.fixture
def top():
    """`top(*arguments, …)` runs it in a terminal of its own."""
    started = []

    def start(*arguments, **options):
        started.append(Terminal([*binary(), "top", *arguments], **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def place(proxy):
    return "{}:{}".format(*admin_address(proxy))


def as_text(*arguments, **options):
    """What it prints where there is no terminal."""
    return subprocess.run(
        [*binary(), "top", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
        **options,
    )


def keep(terminal, name):
    """Writes the screen for the pages, where a folder for pictures is named."""
    if folder := os.environ.get("WEIR_PICTURES"):
        Path(folder, name).write_text(terminal.text)


@pytest.mark.alone
def test_faults_are_named_within_two_seconds(served, top):
    proxy, _, (killed, slow, _) = served
    terminal = top("--admin", place(proxy))
    terminal.shows("3 of 3 up")
    terminal.shows("every request has ended ok")
    terminal.shows("requests/s")
    began = time.monotonic()
    slow.script.is_slow.set()
    line = terminal.shows(f"! {slow.address} in pool main: slow")
    assert time.monotonic() - began < scaled(2)
    assert "to answer, the others" in line or "wait" in line, line
    began = time.monotonic()
    killed.close()
    line = terminal.shows(f"! {killed.address} in pool main is ")
    assert time.monotonic() - began < scaled(2)
    assert "unhealthy: " in line or "ejected: " in line
    assert "connection" in line, line
    row = terminal.shows(f"{killed.address} ")
    assert "connection" in row
    terminal.shows("2 of 3 up")
    assert "EVENTS" in terminal.text and "WORKER" in terminal.text
    keep(terminal, "weir-top.txt")


@pytest.mark.parametrize("end", ["q", signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back(served, top, end):
    proxy, *_ = served
    terminal = top("--admin", place(proxy))
    terminal.shows("q quit")
    assert not terminal.is_given_back()
    if isinstance(end, str):
        terminal.keys(end)
    else:
        terminal.process.send_signal(end)
    assert terminal.wait() == 0 and not terminal.errors
    eventually(terminal.is_given_back, "the terminal as it was")


def test_keys_and_sizes(served, top):
    proxy, *_ = served
    terminal = top("--admin", place(proxy), rows=14, columns=90)
    terminal.shows("POOL main")
    terminal.shows("sort (by the file)")
    terminal.keys("s")
    terminal.shows("sort (by state)")
    assert "WORKER" not in terminal.text
    terminal.keys("G")
    terminal.shows("WORKER")
    terminal.keys("g")
    terminal.shows("POOL main")
    terminal.keys("\x1b[B")
    eventually(lambda: "POOL main" not in terminal.text, "a line further down")
    terminal.keys("k")
    terminal.shows("POOL main")
    terminal.resize(40, 40)
    terminal.shows("WORKER")
    assert "STATE" in terminal.text and "WEIGHT" not in terminal.text
    assert "1;31" not in terminal.screen.styles and "32" in terminal.screen.styles


def test_it_stops_and_goes_on(served, top):
    proxy, *_ = served
    terminal = top("--admin", place(proxy))
    terminal.shows("q quit")
    terminal.keys("\x1a")
    eventually(terminal.is_given_back, "the terminal as it was")
    stat = Path(f"/proc/{terminal.process.pid}/stat")
    eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "a stop")
    terminal.process.send_signal(signal.SIGCONT)
    eventually(lambda: not terminal.is_given_back(), "the terminal taken again")
    terminal.keys("q")
    assert terminal.wait() == 0


def test_without_colours(served, top):
    proxy, *_ = served
    terminal = top("--admin", place(proxy), NO_COLOR="1")
    terminal.shows("3 of 3 up")
    assert not terminal.screen.styles


def test_as_text(served):
    proxy, _, servers = served
    found = as_text("--admin", place(proxy))
    assert found.returncode == 0 and not found.stderr
    assert found.stdout.startswith("weir ") and "\x1b" not in found.stdout
    rows = [line.split() for line in found.stdout.splitlines()]
    for server in servers:
        row = next(row for row in rows if row[:1] == [server.address])
        assert row[1] == "up" and float(row[2]) > 0
    # What a frame needs is measured over a second, which the once of a terminal waits for too.
    again = subprocess.run(
        [*binary(), "top", "--once", "--admin", place(proxy)], capture_output=True, text=True
    )
    assert again.returncode == 0 and "3 of 3 up" in again.stdout


def test_a_process_that_ends_is_waited_for(weir, backend, top, tmp_path):
    server = backend()
    config = {
        "listen": "127.0.0.1:0",
        "servers": [server.address],
        "admin": f"unix:{tmp_path}/admin.sock",
    }
    proxy = weir(config)
    terminal = top(str(proxy.file))
    terminal.shows(f"pid {proxy.pid}")
    assert proxy.stop() == 0
    terminal.shows("trying again every second")
    assert f"pid {proxy.pid}" in terminal.text
    second = weir(config)
    terminal.shows(f"pid {second.pid}")
    assert "trying again" not in terminal.text
    terminal.keys("q")
    assert terminal.wait() == 0


def test_nobody_answers(top, tmp_path, refused):
    missing = f"unix:{tmp_path}/none.sock"
    for address in [missing, refused]:
        found = as_text("--admin", address)
        assert found.returncode == 3 and "no process answers" in found.stderr
        assert not found.stdout
    terminal = top("--admin", missing)
    assert terminal.wait() == 3 and "no process answers" in terminal.errors
    assert terminal.is_given_back() and not terminal.screen.modes


def test_a_token_is_wanted(weir, top, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    admin = {"address": "127.0.0.1:0", "token-file": str(token)}
    proxy = weir({"listen": "127.0.0.1:0", "routes": [{"respond": 204}], "admin": admin})
    found = as_text("--admin", place(proxy))
    assert found.returncode == 1 and "401" in found.stderr
    found = as_text("--admin", place(proxy), "--token-file", str(token))
    assert found.returncode == 0 and str(proxy.pid) in found.stdout
