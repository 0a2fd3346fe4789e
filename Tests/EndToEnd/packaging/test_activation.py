"""Listening sockets that somebody else has opened."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import Client, binary, eventually
from harness.admin import Admin
from harness.manager import passing
from harness.setups import single
from harness.wait import DEADLINE


@pytest.fixture
def listening():
    """`listening(address)` opens a socket as a socket unit does."""
    opened = []

    def make(address=("127.0.0.1", 0), dual=False):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        family = socket.AF_INET6 if not isinstance(address, str) and ":" in address[0] else family
        one = socket.socket(family)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        one.bind(address)
        one.listen()
        opened.append(one)
        return one

    yield make
    for one in opened:
        one.close()


def at(one):
    host, port = one.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def test_workers_share_a_socket_that_was_passed(weir, backend, listening):
    one = listening()
    config = {"workers": 3, "listen": at(one), "servers": [backend().address]}
    proxy = weir(config, **passing([one]))
    assert proxy.address == one.getsockname()
    clients = [proxy.client() for _ in range(30)]
    assert all(client.ask().status == 200 for client in clients)
    # It stays open for the next process: who comes in between waits instead of being refused.
    for client in clients:
        client.close()
    assert proxy.stop() == 0
    waiting = Client(one.getsockname())
    again = weir(config, **passing([one]))
    assert waiting.ask().status == 200
    waiting.close()
    assert again.ask().status == 200


def test_each_takes_its_own(weir, backend, listening, tmp_path):
    dual, plain = listening(("::", 0), dual=True), listening()
    unix, admin = listening(str(tmp_path / "a.sock")), listening(str(tmp_path / "b.sock"))
    config = {
        "listen": [f":{dual.getsockname()[1]}", f"unix:{tmp_path / 'a.sock'}", at(plain),
                   "127.0.0.1:0"],
        "servers": [backend().address],
        "admin": f"unix:{tmp_path / 'b.sock'}",
    }
    names = "web.socket:plain.socket:a.socket:b.socket"
    proxy = weir(config, listeners=4, **passing([dual, plain, unix, admin], names))
    for number in range(4):
        assert proxy.client(number).ask().status == 200
    for host in ["127.0.0.1", "::1"]:
        client = Client((host, dual.getsockname()[1]))
        assert client.ask().status == 200
        client.close()
    assert Admin(proxy).ask(target="/livez").status == 200
    assert proxy.stop() == 0
    # Who has made the files removes them.
    assert (tmp_path / "a.sock").exists() and (tmp_path / "b.sock").exists()


def failing(config, folder, sockets, names=""):
    file = folder / "weir.yaml"
    file.write_text(config)
    how = passing(sockets, names)
    return subprocess.run(
        [*how["prefix"], *binary(), "run", str(file)],
        pass_fds=how["pass_fds"], capture_output=True, text=True, timeout=30,
    )


def test_one_that_no_listener_is_for(listening, tmp_path):
    one = listening()
    text = 'listen: "127.0.0.2:0"\nroutes: [{respond: 200}]\n'
    done = failing(text, tmp_path, [one], "web.socket")
    assert done.returncode == 1
    assert f"passed a socket at {at(one)} (web.socket), and no listener" in done.stderr
    assert "add it to listeners, or take it out of the socket unit" in done.stderr


def test_one_that_is_no_listener(tmp_path):
    text = 'listen: "127.0.0.1:0"\nroutes: [{respond: 200}]\n'
    with socket.socket() as idle, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        for one in [idle, datagram]:
            done = failing(text, tmp_path, [one])
            assert done.returncode == 1 and "no listening stream socket" in done.stderr


def test_what_was_meant_for_another_process(weir, backend, listening):
    """Without its own number in LISTEN_PID it takes nothing."""
    one = listening()
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": "1"}
    proxy = weir(single(backend()), environment=environment, pass_fds=[one.fileno()])
    assert proxy.address != one.getsockname() and proxy.ask().status == 200


def follow(proxy, manager):
    """Has another process take over, and returns its number."""
    proxy.signal(signal.SIGUSR2)
    return int(manager.told("MAINPID")["MAINPID"])


@pytest.fixture
def successors():
    """Numbers of processes that end with the test."""
    numbers = []
    yield numbers
    for number in numbers:
        os.kill(number, signal.SIGTERM)
        eventually(lambda number=number: not running(number), f"the end of {number}")


def running(process):
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_through_reload_and_upgrade(weir, backend, listening, manager, successors):
    """A socket that a reload leaves out comes back with the next, and goes along in an upgrade."""
    stays, goes = listening(), listening()
    both = {"listen": [at(stays), at(goes)], "servers": [backend().address]}
    environment = manager.environment(WATCHDOG_USEC="400000")
    proxy = weir(both, listeners=2, environment=environment, **passing([stays, goes]))

    def reload(config, count):
        proxy.file.write_text(json.dumps({"workers": 2, "shutdown-timeout": "2s", **config}))
        proxy.signal(signal.SIGHUP)
        told = manager.told("RELOADING", count)
        assert int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        manager.told("READY", count + 1)

    reload({**both, "listen": at(stays)}, 1)
    waiting = Client(goes.getsockname())
    waiting.send_request("GET", "/")
    assert proxy.ask().status == 200
    reload(both, 2)
    assert waiting.response().status == 200
    waiting.close()
    successor = follow(proxy, manager)
    successors.append(successor)
    # The successor writes where it wrote, so that this does not end with it.
    assert proxy.process.wait(DEADLINE) == 0
    for one in [stays, goes]:
        client = Client(one.getsockname())
        assert client.ask().status == 200
        client.close()
    # What has a successor does not stop, and the successor is fed by.
    assert not manager.times("STOPPING")
    manager.told("WATCHDOG", len(manager.times("WATCHDOG")) + 2)
