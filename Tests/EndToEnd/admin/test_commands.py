"""`weir status` and `weir drain` against a running proxy."""

import json
import os
import socket
import subprocess

import pytest

from harness import eventually
from harness.admin import Admin, admin_address
from harness.proxy import binary
from harness.wait import DEADLINE


def weir_command(*arguments, **environment):
    return subprocess.run(
        [*binary(), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, **environment},
    )


def served(weir, backend, **more):
    server = backend(name="alder")
    config = {"listen": "127.0.0.1:0", "servers": [server.address], "admin": "127.0.0.1:0", **more}
    proxy = weir(config)
    host, port = admin_address(proxy)
    return proxy, server, f"{host}:{port}"


def test_status(weir, backend):
    proxy, server, address = served(weir, backend)
    for _ in range(3):
        proxy.ask()
    Admin(proxy).stats(requests=3)
    found = weir_command("status", "--admin", address)
    assert found.returncode == 0, found
    assert found.stdout.startswith("weir ") and "3 requests" in found.stdout
    line = next(line for line in found.stdout.splitlines() if server.address in line)
    assert line.split()[:5] == [server.address, "up", "1", "0", "3"]
    stats = json.loads(weir_command("status", "--json", "--admin", address).stdout)
    assert stats["total"]["requests"] == 3


@pytest.fixture
def nobody():
    """An address that is nobody else's, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_status_says_why_a_server_is_out(weir, nobody, tmp_path):
    address = nobody
    pools = {"main": {"servers": [address], "health": {"kind": "tcp", "every": "50ms"}}}
    proxy = weir({"listen": "127.0.0.1:0", "pools": pools, "admin": f"unix:{tmp_path}/a.sock"})
    # The file names the admin address.
    command = ["status", str(proxy.file)]
    eventually(lambda: "unhealthy" in weir_command(*command).stdout, "a server that is down")
    line = next(line for line in weir_command(*command).stdout.splitlines() if address in line)
    assert "connection refused" in line
    found = weir_command("status", WEIR_FILE=str(proxy.file))
    assert found.returncode == 0


def test_drain(weir, backend):
    proxy, _, address = served(weir, backend)
    found = weir_command("drain", "--admin", address)
    assert (found.returncode, found.stdout) == (0, "draining\n")
    assert proxy.wait() == 0
    found = weir_command("status", "--admin", address)
    assert found.returncode == 3 and "no process answers" in found.stderr


def test_an_upgrade_takes_as_long_as_it_takes():
    """Longer than other answers are waited for; a late one is not nobody's."""
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        late.listen()
        admin = f"127.0.0.1:{late.getsockname()[1]}"
        commands = [
            subprocess.Popen(
                [*binary(), name, "--admin", admin],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in ("status", "upgrade")
        ]
        taken = [late.accept()[0] for _ in commands]
        _, words = commands[0].communicate(timeout=DEADLINE + 20)
        assert commands[0].returncode == 1 and "has not answered in 10 seconds" in words
        body = '{"state":"upgraded","pid":1}'
        for one in taken:
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
            one.recv(65_536)
            try:
                one.sendall((head + body).encode())
            except ConnectionError:
                pass
            one.close()
        text, words = commands[1].communicate(timeout=DEADLINE)
        assert (commands[1].returncode, text, words) == (0, body, "")


def test_tokens(weir, backend, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    proxy, _, address = served(
        weir, backend, admin={"address": "127.0.0.1:0", "token-file": str(token)}
    )
    found = weir_command("status", "--admin", address)
    assert found.returncode == 1 and "401" in found.stderr
    found = weir_command("status", "--admin", address, "--token-file", str(token))
    assert found.returncode == 0, found


@pytest.mark.parametrize(
    "signal, command, word",
    [("SIGHUP", "reload", "reloaded"), ("SIGTERM", "drain", "draining")],
    ids=["reload", "drain"],
)
def test_by_number(weir, backend, signal, command, word):
    proxy = weir({"listen": "127.0.0.1:0", "servers": [backend().address]})
    found = weir_command(command, str(proxy.file), "--pid", str(proxy.pid))
    assert found.returncode == 0 and signal in found.stdout, found
    eventually(lambda: any(word in line for line in proxy.lines), word)


def test_a_number_that_is_somebody_elses(weir, tmp_path):
    """A number that outlived its process may be another's, whom the signal would end."""
    file = tmp_path / "weir.yaml"
    file.write_text('listen: ":1"\nroutes: [{respond: 404}]\n')
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        for command in ("reload", "upgrade", "drain"):
            found = weir_command(command, str(file), "--pid", str(stranger.pid))
            assert found.returncode == 3 and "is sleep, not Weir" in found.stderr, found
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    found = weir_command("reload", str(file), "--pid", str(stranger.pid))
    assert found.returncode == 3 and "no such process" in found.stderr.lower(), found
    for number in ("0", "-1"):
        found = weir_command("reload", str(file), f"--pid={number}")
        assert found.returncode == 2 and "--pid takes the number" in found.stderr, found
    found = weir_command("reload", "--admin", "127.0.0.1:1", "--pid", str(os.getpid()))
    assert found.returncode == 2 and "give one" in found.stderr, found


@pytest.mark.skipif(os.path.exists("/run/weir/weir.pid"), reason="a Weir runs on this machine")
def test_nobody_is_named(tmp_path):
    file = tmp_path / "weir.yaml"
    file.write_text('listen: ":1"\nroutes: [{respond: 404}]\n')
    found = weir_command("reload", str(file))
    assert found.returncode == 3 and "no process is named" in found.stderr, found


def test_without_an_admin_api(tmp_path):
    file = tmp_path / "weir.yaml"
    file.write_text('listen: ":1"\nroutes: [{respond: 404}]\n')
    found = weir_command("status", str(file))
    assert found.returncode == 1 and "no admin section" in found.stderr
    assert weir_command("status", str(tmp_path / "none.yaml")).returncode == 1
