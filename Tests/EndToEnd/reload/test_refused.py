"""A file that cannot be served changes nothing, and the answer says why."""

import json
import os
import signal
import socket
import subprocess

import pytest

from harness import Client, eventually
from harness.admin import admin_address
from harness.checks import refuses
from harness.proxy import binary
from harness.reload import ADMIN, Reloader, listening
from harness.secure import secure, secure_listener
from harness.wait import DEADLINE


def weir_command(*arguments):
    return subprocess.run(
        [*binary(), *arguments], capture_output=True, text=True, timeout=DEADLINE
    )


@pytest.fixture
def served(weir, backend):
    """A proxy over a backend, its file, and what must stay as it is."""
    server = backend()
    config = {
        "listen": "127.0.0.1:0",
        "pools": {"main": {"servers": [server.address]}},
        **ADMIN,
    }
    proxy = weir(config)
    one = Served(proxy, config, server)
    yield one
    one.still_serves()


class Served:
    def __init__(self, proxy, config, server):
        self.proxy, self.file, self.server = proxy, config, server
        self.admin = Reloader(proxy)
        self.client = proxy.client()
        assert self.client.ask().status == 200
        self.before = self.config()
        self.sockets = listening(proxy)
        self.successes = self.failures = 0

    def config(self):
        """The configuration in force."""
        found = self.admin.ask(target="/config")
        assert found.status == 200, found
        return found.body

    def refuse(self, config):
        """Asks for a file that cannot be served; returns the problem document."""
        document = self.admin.refuse(config)
        self.failures += 1
        self.still_serves()
        return document

    def still_serves(self):
        """Asserts that everything is as before."""
        assert self.client.ask().status == 200 and self.proxy.ask().status == 200
        assert self.config() == self.before
        reload = self.admin.json(target="/stats")["reload"]
        assert reload["successes"] == self.successes and reload["failures"] == self.failures
        assert reload["successful"] == (self.failures == 0)
        assert listening(self.proxy) == self.sockets


def test_mistakes_are_named_by_place_and_remedy(served):
    document = served.refuse(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\npools:\n  main:\n"
        "    servers: [127.0.0.1:80]\n    balanse: random\n"
    )
    assert document["title"] == "the file has mistakes"
    (mistake,) = document["diagnostics"]
    assert (mistake["line"], mistake["column"]) == (6, 5)
    assert mistake["id"] and mistake["severity"] == "error"
    assert "balanse" in mistake["message"] and "balance" in mistake["remedy"]
    assert mistake["file"] == str(served.proxy.file)
    told = [line for line in served.proxy.lines if "not reloaded" in line]
    assert len(told) == 1 and ":6:5:" in told[0] and mistake["id"] in told[0]


@pytest.mark.parametrize("text", ["", "listen: [", "listen: 127.0.0.1:0\n", "\xff\x00", "- a\n"])
def test_files_that_are_none(served, text):
    assert served.refuse(text)["diagnostics"]


def test_a_file_that_cannot_be_read(served):
    os.unlink(served.proxy.file)
    document = served.admin.problem(422, "POST", "/reload")
    served.failures += 1
    (mistake,) = document["diagnostics"]
    assert "no such file" in mistake["message"].lower(), mistake


def test_the_command_prints_the_mistakes(served):
    host, port = admin_address(served.proxy)
    command = ["reload", "--admin", f"{host}:{port}"]
    served.admin.write("listen: nonsense\npools: {}\n")
    found = weir_command(*command)
    served.failures += 1
    assert found.returncode == 1 and not found.stdout
    assert "not reloaded: the file has mistakes" in found.stderr
    assert "weir.yaml:1:9" in found.stderr, found.stderr
    found = weir_command(*command, "--json")
    served.failures += 1
    assert found.returncode == 1 and '"diagnostics"' in found.stdout


def test_the_command_prints_what_changes(served):
    host, port = admin_address(served.proxy)
    command = ["reload", "--admin", f"{host}:{port}"]
    file = {"workers": 2, "shutdown-timeout": "2s", **served.file}
    served.admin.write({**file, "timeouts": {"keep-alive": "60s"}})
    found = weir_command(*command)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "~ timeouts.keep-alive: 75s -> 60s\nreloaded\n"
    served.admin.write(file)
    found = weir_command(*command, "--json")
    assert found.returncode == 0 and json.loads(found.stdout)["state"] == "reloaded"
    found = weir_command(*command)
    assert (found.returncode, found.stdout) == (0, "reloaded: nothing has changed\n")
    served.successes = 3


def test_a_signal_explains_itself_in_the_log(served):
    served.admin.write("listen: nonsense\n")
    served.proxy.signal(signal.SIGHUP)
    eventually(
        lambda: any("not reloaded" in line and ":1:9" in line for line in served.proxy.lines),
        "the log tells of the mistake",
    )
    served.failures += 1


@pytest.fixture
def taken():
    """A port at which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield f"127.0.0.1:{other.getsockname()[1]}"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_port_that_is_taken(served, taken, tmp_path):
    """What could be opened before it is closed again."""
    port, path = free_port(), tmp_path / "new.sock"
    addresses = ["127.0.0.1:0", f"unix:{path}", f"127.0.0.1:{port}", taken]
    document = served.refuse({**served.file, "listen": addresses})
    assert taken in document["detail"] and not document["diagnostics"]
    assert refuses(("127.0.0.1", port)) and not path.exists()
    # A reload that can be served opens them.
    assert served.refuse({**served.file, "listen": [*addresses[:3], taken]})


def test_an_admin_address_that_is_taken(served, taken):
    document = served.refuse({**served.file, "listen": ["127.0.0.1:0"], "admin": taken})
    assert taken in document["detail"]


def test_an_admin_address_of_a_file_that_is_not_served(served, taken, tmp_path):
    port = free_port()
    for admin in (f"127.0.0.1:{port}", f"unix:{tmp_path}/admin.sock"):
        served.refuse({**served.file, "listen": ["127.0.0.1:0", taken], "admin": admin})
    assert refuses(("127.0.0.1", port)) and not (tmp_path / "admin.sock").exists()


def test_a_unix_socket_that_somebody_else_serves(served, tmp_path):
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        served.refuse({**served.file, "listen": ["127.0.0.1:0", f"unix:{path}"]})
        assert path.exists() and not refuses(str(path))


def test_files_that_are_missing(served, tmp_path):
    pair = {"certificate": f"{tmp_path}/none.pem", "key": f"{tmp_path}/none.key"}
    secured = {"address": "127.0.0.1:0", "tls": {"certificates": [pair]}}
    served.refuse({**served.file, "listen": [], "listeners": [secured]})
    sticky = {"sticky": {"secret-file": f"{tmp_path}/secret"}}
    served.refuse({**served.file, "pools": {"main": {**served.file["pools"]["main"], **sticky}}})
    served.refuse({**served.file, "admin": {"address": "127.0.0.1:0", "token-file": "none"}})
    log = {"access": {"to": f"{tmp_path}/none/access.log"}}
    served.refuse({**served.file, "log": log})
    os.mkfifo(tmp_path / "pipe")
    served.refuse({**served.file, "log": {"access": {"to": f"{tmp_path}/pipe"}}})


def test_a_certificate_that_does_not_fit_its_key(weir, backend, certificates):
    server = backend()
    good = {**secure_listener(certificates.site), "name": "secure"}
    config = {"listeners": [good], "servers": [server.address], **ADMIN}
    proxy = weir(config)
    admin = Reloader(proxy)
    client = secure(proxy)
    assert client.ask().status == 200
    wrong = {**certificates.site.entry, "key": str(certificates.other.key_file)}
    bad = {**good, "tls": {"certificates": [wrong]}}
    admin.refuse({**config, "listeners": [bad]})
    assert client.ask().status == 200 and secure(proxy).ask().status == 200


def test_who_asks_meanwhile_is_told_of_the_next(served):
    """Reloads that are asked for at once are done one after the other, the last file last."""
    file = {**served.file, "workers": 2, "shutdown-timeout": "2s"}
    served.admin.write("listen: nonsense\n")
    clients = [Client(served.admin.address) for _ in range(8)]
    for client in clients:
        client.send_request("POST", "/reload", host="localhost")
    for client in clients:
        assert client.response().status == 422
        client.close()
    served.admin.write(file)
    reload = served.admin.json(target="/stats")["reload"]
    assert 1 <= reload["failures"] <= 8
    served.failures = reload["failures"]
