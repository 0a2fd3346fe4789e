"""SIGUSR2 and `weir upgrade`: another process takes over, and nobody notices."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from harness import Client, Closed, Weir, eventually, gated
from harness.admin import Admin
from harness.description import hold
from harness.loads import Loads, fresh, reopened
from harness.proxy import binary
from harness.wait import DEADLINE

_SERVES = re.compile(r"upgraded: process (\d+) serves")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def upgradable(tmp_path, monkeypatch):
    """Starts a proxy from a program that can be replaced; its successors end with the test."""
    # Whom a leak belongs to is looked up in the program's file, in whose place is another one.
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    program = tmp_path / "weir"
    shutil.copy2(shutil.which(binary()[0]) or binary()[0], program)
    before = os.environ.get("WEIR_BINARY")
    os.environ["WEIR_BINARY"] = str(program)
    started = []

    def start(config, is_link=False):
        if is_link:
            program.rename(tmp_path / "weir-1")
            program.symlink_to(tmp_path / "weir-1")
        folder = tmp_path / f"weir-{len(started)}"
        folder.mkdir()
        base = {"workers": 2, "shutdown-timeout": "5s", "admin": f"unix:{folder}/admin.sock"}
        one = Weir({**base, **config}, folder)
        started.append(one)
        one.program = program
        return one.wait_until_listening()

    yield start
    if before is None:
        del os.environ["WEIR_BINARY"]
    else:
        os.environ["WEIR_BINARY"] = before
    for one in started:
        pids = [one.pid, *map(int, _SERVES.findall("\n".join(one.lines)))]
        for pid in pids:
            if alive(pid):
                os.kill(pid, signal.SIGTERM)
        for pid in pids[1:]:
            eventually(lambda pid=pid: not alive(pid), f"the end of {pid}: {one.lines}")
        assert one.wait() == 0, one.lines
        assert not one.faults(), one.faults()


def upgrade(proxy):
    return subprocess.run(
        [*binary(), "upgrade", str(proxy.file)], capture_output=True, text=True, timeout=DEADLINE
    )


def loaded(address):
    """Clients without a pause: on connections that are kept alive, and on one for each request."""
    loads = Loads()
    for number in range(2):
        loads.run(f"reopened {number}", reopened, lambda: Client(address))
        loads.run(f"fresh {number}", fresh, lambda: Client(address))
    return loads


def test_five_upgrades_under_load(upgradable, backend):
    servers = [backend().address, backend().address]
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": servers})
    pids = [proxy.pid]
    with loaded(proxy.address) as loads:
        for _ in range(5):
            found = upgrade(proxy)
            assert found.returncode == 0, (found, proxy.lines)
            pids.append(json.loads(found.stdout)["pid"])
            eventually(lambda: not alive(pids[-2]), "the end of the process before")
        loads.end()
    assert len(set(pids)) == 6 and alive(pids[-1])
    assert Admin(proxy).json(target="/stats")["pid"] == pids[-1]


def test_a_link_that_leads_to_another_program_by_now(upgradable, backend):
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [backend().address]}, is_link=True)
    second = proxy.folder / "weir-2"
    shutil.copy2(proxy.program, second)
    proxy.program.unlink()
    proxy.program.symlink_to(second)
    found = upgrade(proxy)
    assert found.returncode == 0, (found, proxy.lines)
    assert os.readlink(f"/proc/{json.loads(found.stdout)['pid']}/exe") == str(second)


def test_what_runs_ends_in_the_old_process(upgradable, backend, gate):
    server = backend(gated(gate, "/slow"))
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [server.address]})
    client, idle = Client(proxy.address), Client(proxy.address)
    assert idle.ask().status == 200
    client.send_request("GET", "/slow")
    server.saw(2)
    operators = [Client(Admin(proxy).address) for _ in range(2)]
    assert operators[0].ask(target="/livez", host="localhost").status == 200
    operators[1].send_request("GET", "/events", host="localhost")
    assert operators[1].line() == b"HTTP/1.1 200 OK"
    assert upgrade(proxy).returncode == 0
    # Who kept on asking this process would be told of one that does not serve.
    for one in operators:
        one.rest()
    # The new one serves while the old one waits.
    assert Client(proxy.address).ask().status == 200
    assert alive(proxy.pid)
    gate.set()
    answer = client.response()
    assert (answer.status, answer.body) == (200, b"/slow")
    assert answer.get("connection") == "close"
    with pytest.raises((Closed, ConnectionError)):
        idle.response()
    eventually(lambda: not alive(proxy.pid), "the end of the old process")


@pytest.mark.parametrize("fault", ["#!/bin/sh\nexit 7\n", "no program\n"], ids=["ends", "is none"])
def test_a_new_process_that_fails(upgradable, backend, fault):
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [backend().address]})
    kept = proxy.program.read_bytes()
    with loaded(proxy.address) as loads:
        proxy.program.unlink()
        proxy.program.write_text(fault)
        proxy.program.chmod(0o755)
        found = Admin(proxy).ask("POST", "/upgrade")
        assert found.status == 422, found
        hold("POST", "/upgrade", found)
        problem = json.loads(found.body)
        assert "serves on" in problem["detail"], problem
        if "exit" in fault:
            assert "status 7" in problem["detail"], problem
        loads.end()
    assert any("not upgraded" in line for line in proxy.lines)
    assert alive(proxy.pid) and proxy.ask().status == 200
    # With the program in its place again it goes well.
    proxy.program.unlink()
    proxy.program.write_bytes(kept)
    proxy.program.chmod(0o755)
    assert upgrade(proxy).returncode == 0
    assert proxy.ask().status == 200


def test_a_bad_file_leaves_the_old_process(upgradable, backend):
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [backend().address]})
    good = proxy.file.read_text()
    proxy.file.write_text("listen: nonsense\n")
    proxy.signal(signal.SIGUSR2)
    eventually(lambda: any("not upgraded" in line for line in proxy.lines), "a word of it")
    assert any("missing-port" in line for line in proxy.lines), proxy.lines
    assert proxy.ask().status == 200
    proxy.file.write_text(good)
    proxy.signal(signal.SIGUSR2)
    eventually(lambda: _SERVES.search("\n".join(proxy.lines)), "the new process")
    assert proxy.ask().status == 200


class Gate:
    """A program in the place of the proxy's that waits, and then does what it is told."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.file = proxy.folder / "gate"
        self.real = proxy.folder / "real"
        shutil.copy2(proxy.program, self.real)
        proxy.program.unlink()
        wait = f"while [ ! -e {self.file} ]; do sleep 0.02; done"
        proxy.program.write_text(f'#!/bin/sh\n{wait}\n. {self.file}\n')
        proxy.program.chmod(0o755)
        proxy.signal(signal.SIGUSR2)
        eventually(lambda: any("upgrading" in line for line in proxy.lines), "its start")

    def open(self, words=None):
        new = self.file.with_suffix(".new")
        new.write_text(words or f'exec {self.real} "$@"\n')
        new.rename(self.file)


def said(proxy, words):
    eventually(lambda: any(words in line for line in list(proxy.lines)), f"{words}: {proxy.lines}")


@pytest.mark.parametrize("words", [None, "exit 7\n"], ids=["serves", "fails"])
def test_a_reload_during_an_upgrade_follows_it(upgradable, backend, words):
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [backend().address]})
    gate = Gate(proxy)
    file = json.loads(proxy.file.read_text())
    proxy.file.write_text(json.dumps({**file, "timeouts": {"keep-alive": "7s"}}))
    proxy.signal(signal.SIGHUP)
    said(proxy, "reload: it follows")
    found = Admin(proxy).ask("POST", "/reload")
    assert found.status == 422 and b"An upgrade is under way" in found.body
    said(proxy, "not reloaded: An upgrade is under way")
    gate.open(words)
    said(proxy, "reloaded: nothing has changed" if words is None else "-> 7s")


def test_a_server_does_not_change_during_an_upgrade(upgradable, backend):
    """The new process would not know."""
    servers = [backend().address, backend().address]
    proxy = upgradable({"listen": "127.0.0.1:0", "pools": {"main": {"servers": servers}}})
    gate = Gate(proxy)
    path = f"/pools/main/servers/{servers[0]}"
    found = Admin(proxy).ask("PATCH", path, body={"state": "down"})
    assert found.status == 409, found
    hold("PATCH", "/pools/{pool}/servers/{server}", found)
    assert Admin(proxy).endpoint(servers[0])["state"] == "up"
    gate.open("exit 7\n")
    said(proxy, "not upgraded")
    Admin(proxy).json("PATCH", path, body={"state": "down"})


def test_an_upgrade_during_a_reload_follows_it(upgradable, backend, names):
    server = backend()
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [server.address]})
    names.hang()
    file = json.loads(proxy.file.read_text())
    resolver = names.resolver(timeout="500ms")
    pools = {"main": {"servers": [server.address, f"app.test:{server.port}"], "resolver": resolver}}
    del file["servers"]
    proxy.file.write_text(json.dumps({**file, "pools": pools}))
    proxy.signal(signal.SIGHUP)
    proxy.signal(signal.SIGUSR2)
    said(proxy, "upgrade: it begins once")
    names.go_on()
    said(proxy, "upgraded: process")


def test_other_listeners_and_workers(upgradable, backend, tmp_path):
    """The new file has more workers, one listener less and one more."""
    server = backend().address
    stays, goes, comes = (str(tmp_path / f"{name}.sock") for name in ("stays", "goes", "comes"))
    config = {"listen": ["127.0.0.1:0", f"unix:{stays}", f"unix:{goes}"], "servers": [server]}
    proxy = upgradable({"workers": 3, **config})
    eventually(lambda: len(proxy.urls) >= 3, "three listeners")
    config["listen"] = ["127.0.0.1:0", f"unix:{stays}", f"unix:{comes}"]
    admin = f"unix:{proxy.folder}/admin.sock"
    proxy.file.write_text(json.dumps({"workers": 1, "admin": admin, **config}))
    assert upgrade(proxy).returncode == 0, proxy.lines
    eventually(lambda: not alive(proxy.pid), "the end of the old process")
    for address in (proxy.address, stays, comes):
        for _ in range(8):
            client = Client(address)
            assert client.ask().status == 200
            client.close()
    assert not os.path.exists(goes)


def test_the_same_port_at_another_address(upgradable, backend):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    proxy = upgradable({"listen": f":{port}", "servers": [backend().address]})
    file = json.loads(proxy.file.read_text())
    proxy.file.write_text(json.dumps({**file, "listen": f"127.0.0.1:{port}"}))
    assert upgrade(proxy).returncode == 0, proxy.lines
    eventually(lambda: not alive(proxy.pid), "the end of the old process")
    client = Client(("127.0.0.1", port))
    assert client.ask().status == 200
    client.close()
    assert proxy.urls[-1] == f"http://127.0.0.1:{port}", proxy.urls


def test_rights_and_queues_of_sockets_that_stay(upgradable, backend):
    config = {"listen": "127.0.0.1:0", "servers": [backend().address]}
    proxy = upgradable(config)
    admin = {"address": f"unix:{proxy.folder}/admin.sock", "socket-mode": "0666"}
    listener = {"address": "127.0.0.1:0", "backlog": 7}
    file = {"workers": 2, "admin": admin, "listeners": [listener], "servers": config["servers"]}
    proxy.file.write_text(json.dumps(file))
    assert upgrade(proxy).returncode == 0, proxy.lines
    # Not before it serves, since they are the old process's until then.
    mode = lambda: os.stat(f"{proxy.folder}/admin.sock").st_mode & 0o777
    eventually(lambda: mode() == 0o666, "the rights of the socket")
    command = ["ss", "-Hltn", f"sport = :{proxy.address[1]}"]

    def queues():
        found = subprocess.run(command, capture_output=True, text=True).stdout
        return [line.split()[2] for line in found.splitlines()]

    eventually(lambda: queues() == ["7", "7"], "the length of the queues")


def test_what_only_the_process_knew_goes_on(upgradable, backend):
    servers = [backend(name=name) for name in ("a", "b", "c")]
    pool = {"servers": [one.address for one in servers], "sticky": {"cookie": "at"}}
    proxy = upgradable({"listen": "127.0.0.1:0", "pools": {"main": pool}})
    first = proxy.ask()
    cookie = first.get("set-cookie").split(";")[0]
    name = json.loads(first.body)["backend"]
    other = next(one for one in servers if one.name != name)
    path = f"/pools/main/servers/{other.address}"
    tags = [Admin(proxy).ask(target=path).get("etag")]
    Admin(proxy).json("PATCH", path, body={"state": "down", "weight": 7})
    tags.append(Admin(proxy).ask(target=path).get("etag"))
    assert upgrade(proxy).returncode == 0
    eventually(lambda: not alive(proxy.pid), "the end of the old process")
    for _ in range(6):
        found = json.loads(proxy.ask(fields=[("Cookie", cookie)]).body)
        assert found["backend"] == name
    state = Admin(proxy).endpoint(other.address)
    assert (state["state"], state["weight"], state["changed"]) == ("down", 7, True), state
    # Who read it from the process before may not know what has changed since.
    for tag in tags:
        Admin(proxy).problem(412, "PATCH", path, body={"weight": 1}, fields=[("If-Match", tag)])


def test_a_new_process_that_fails_late_leaves_the_paths(upgradable, backend, tmp_path):
    """It has taken the sockets by then, and ends since another port is taken."""
    path = str(tmp_path / "app.sock")
    config = {"listen": [f"unix:{path}"], "servers": [backend().address]}
    proxy = upgradable(config)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        admin = f"unix:{proxy.folder}/admin.sock"
        more = {**config, "listen": [f"unix:{path}", f"127.0.0.1:{port}"], "admin": admin}
        proxy.file.write_text(json.dumps(more))
        assert upgrade(proxy).returncode == 1
    client = Client(path)
    assert client.ask().status == 200
    client.close()
    assert Admin(proxy).ask(target="/livez").status == 200


def test_the_end_is_also_that_of_a_new_process(upgradable, backend):
    """SIGTERM while the new process is still on its way: it may finish what it has begun."""
    proxy = upgradable({"listen": "127.0.0.1:0", "servers": [backend().address]})
    kept = proxy.program.read_bytes()
    proxy.program.unlink()
    came, ended = proxy.folder / "came", proxy.folder / "ended"
    proxy.program.write_text(
        f"#!/bin/sh\ntrap 'sleep 0.2; touch {ended}; exit 0' TERM\ntouch {came}\n"
        "while :; do sleep 0.05; done\n"
    )
    proxy.program.chmod(0o755)
    proxy.signal(signal.SIGUSR2)
    eventually(came.exists, "the new process")
    children = eventually(
        lambda: open(f"/proc/{proxy.pid}/task/{proxy.pid}/children").read().split(), "its number"
    )
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0
    assert not alive(int(children[0])) and ended.exists()
    proxy.program.unlink()
    proxy.program.write_bytes(kept)
