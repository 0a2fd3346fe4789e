"""Unix sockets and IPv6 on both sides, and what keeps a service from starting."""

import os
import socket
import stat
import subprocess

import pytest

from harness import Weir, binary
from harness.setups import LOGGED, Seen, single


class TestUnixSockets:
    def test_on_both_sides(self, weir, backend, tmp_path):
        server = backend(path=tmp_path / "server.sock")
        path = tmp_path / "weir.sock"
        config = {"listen": f"unix:{path}", "servers": [server.address], **LOGGED}
        proxy = weir(config)
        client = proxy.client()
        for number in range(5):
            seen = Seen(client.ask("POST", f"/{number}", body=b"b" * 100_000))
            assert seen["body"] == 100_000
        line = proxy.access(5)[4]
        assert line["client"] == "unix" and line["endpoint"] == server.address
        proxy.stop()
        assert not path.exists(), "the socket's file is left behind"

    def test_all_workers_accept_from_it(self, weir, backend, tmp_path):
        config = {"workers": 4, "listen": f"unix:{tmp_path / 'weir.sock'}"}
        proxy = weir({**config, "servers": [backend().address]})
        clients = [proxy.client() for _ in range(40)]
        for _ in range(3):
            assert all(client.ask().status == 200 for client in clients)

    @pytest.mark.parametrize("mode", ["0600", "0660", "0666", "0777", None])
    def test_its_rights(self, weir, backend, tmp_path, mode):
        path = tmp_path / "weir.sock"
        listener = {"address": f"unix:{path}"}
        if mode is not None:
            listener["socket-mode"] = mode
        previous = os.umask(0o077)
        try:
            weir({"listeners": [listener], "servers": [backend().address]})
        finally:
            os.umask(previous)
        assert stat.S_IMODE(path.stat().st_mode) == int(mode or "0660", 8)

    def test_a_file_left_behind_is_replaced(self, weir, backend, tmp_path):
        path = tmp_path / "weir.sock"
        config = {"listen": f"unix:{path}", "servers": [backend().address]}
        first = weir(config)
        assert first.ask().status == 200
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(tmp_path / "left.sock"))
        left.close()
        config["listen"] = f"unix:{tmp_path / 'left.sock'}"
        assert weir(config).ask().status == 200
        assert first.ask().status == 200

    def test_a_socket_that_somebody_serves_is_left_alone(self, weir, backend, tmp_path):
        config = {"listen": f"unix:{tmp_path / 'weir.sock'}", "servers": [backend().address]}
        first = weir(config)
        status, words = failing(config, tmp_path)
        assert status == 1 and "weir.sock" in words and "cannot listen" in words
        assert first.ask().status == 200

    def test_a_file_that_is_no_socket_is_left_alone(self, backend, tmp_path):
        path = tmp_path / "precious"
        path.write_text("data")
        config = {"listen": f"unix:{path}", "servers": [backend().address]}
        status, words = failing(config, tmp_path)
        assert status == 1 and "cannot listen" in words
        assert path.read_text() == "data"


class TestIPv6:
    def test_on_both_sides(self, weir, backend):
        server = backend(host="::1")
        proxy = weir({"listen": "[::1]:0", "servers": [server.address], **LOGGED})
        seen = Seen(proxy.ask(fields=[("X-Test", "1")]))
        assert seen.get("x-forwarded-for") == "::1"
        line = proxy.access()[0]
        assert line["client"] == "::1" and line["endpoint"] == server.address

    def test_a_bare_port_means_both_versions(self, weir, backend):
        proxy = weir({"listen": ":0", "servers": [backend().address], **LOGGED})
        port = proxy.urls[0].rstrip("/").rsplit(":", 1)[1]
        from harness import Client

        for host in ["127.0.0.1", "::1"]:
            client = Client((host, int(port)))
            proxy.clients.append(client)
            assert Seen(client.ask()).get("x-forwarded-for") == host
        # Of two workers, in whichever order.
        assert {line["client"] for line in proxy.access(2)} == {"127.0.0.1", "::1"}

    def test_from_one_version_to_the_other(self, weir, backend):
        four = weir({"listen": "127.0.0.1:0", "servers": [backend(host="::1").address]})
        six = weir({"listen": "[::1]:0", "servers": [backend().address]})
        assert Seen(four.ask()).get("x-forwarded-for") == "127.0.0.1"
        assert Seen(six.ask()).get("x-forwarded-for") == "::1"


def test_several_addresses_at_once(weir, backend, tmp_path):
    listen = ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0", f"unix:{tmp_path / 'w.sock'}"]
    proxy = weir({"listen": listen, "servers": [backend().address]}, listeners=4)
    for number in range(4):
        assert proxy.client(number).ask().status == 200


def failing(config, folder):
    """Starts what must not start; returns the exit status and what it said."""
    place = folder / "failing"
    place.mkdir(exist_ok=True)
    proxy = Weir(config, place)
    try:
        status = proxy.wait(20)
    except subprocess.TimeoutExpired as problem:
        proxy.kill()
        raise AssertionError("it serves although it must not") from problem
    return status, "\n".join(proxy.lines)


class TestStartFailures:
    def test_a_port_that_is_taken(self, backend, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            status, words = failing({"listen": address, "servers": [backend().address]}, tmp_path)
        assert status == 1
        assert f"cannot listen on {address}" in words and "another process listens" in words

    def test_a_port_that_another_weir_has(self, weir, backend, tmp_path):
        first = weir(single(backend()))
        address = "%s:%d" % first.address
        status, words = failing({"listen": address, "servers": [backend().address]}, tmp_path)
        assert status == 1 and f"cannot listen on {address}" in words
        assert first.ask().status == 200

    def test_an_address_of_another_machine(self, backend, tmp_path):
        config = {"listen": "192.0.2.1:0", "servers": [backend().address]}
        status, words = failing(config, tmp_path)
        assert status == 1 and "cannot listen on 192.0.2.1:0" in words

    def test_a_privileged_port_without_the_right(self, tmp_path):
        """Root is told to be nobody; for others the port is refused as it is."""
        floor = int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read())
        file = tmp_path / "weir.yaml"
        file.write_text('listen: "127.0.0.1:7"\nroutes: [{respond: 200}]\n')
        for folder in [*tmp_path.parents][:-2]:
            folder.chmod(folder.stat().st_mode | 0o011)
        tmp_path.chmod(0o755)
        command = [*binary(), "run", str(file)]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
        assert floor > 7, "on this machine no port is privileged"
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert done.returncode == 1
        assert "cannot listen on 127.0.0.1:7" in done.stderr
        assert "CAP_NET_BIND_SERVICE" in done.stderr

    def test_a_log_that_cannot_be_opened(self, backend, tmp_path):
        config = single(backend(), log={"access": str(tmp_path / "no" / "such" / "folder.log")})
        status, words = failing(config, tmp_path)
        assert status == 1 and "folder.log" in words

    def test_a_bad_file(self, tmp_path):
        status, words = failing({"listen": "127.0.0.1:0", "srevers": ["a:1"]}, tmp_path)
        assert status == 1 and "unknown-key" in words
