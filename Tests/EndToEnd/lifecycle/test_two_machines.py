"""`examples/two-machines.yaml` on two machines, and the file by which keepalived asks them."""

import os
import re
import shlex
import subprocess

import pytest

from harness import Weir, eventually
from harness.admin import admin_address
from harness.backend import answer
from harness.examples import FOLDER, Example

FILE = FOLDER / "two-machines.yaml"
KEEPALIVED = FOLDER / "two-machines/keepalived.conf"


@pytest.fixture
def machines(tmp_path, backend):
    """Two proxies by the same file and the same secret, and their servers' backend."""
    server = backend(host="0.0.0.0")
    copy = Example(FILE, tmp_path, server)
    text = copy.path.read_text()
    assert text.count("drain-delay: 5s") == 1
    copy.path.write_text(text.replace("drain-delay: 5s", "drain-delay: 2s"))
    started = [Weir("", tmp_path, command=["run", str(copy.path)]) for _ in range(2)]
    yield [one.wait_until_listening() for one in started], server
    for one in started:
        assert one.stop() == 0, one.lines


def script(proxy):
    """The command by which keepalived asks, for this machine's admin API."""
    (command,) = re.findall(r'^\s*script "(.+)"$', KEEPALIVED.read_text(), re.M)
    assert command.count("127.0.0.1:9900") == 1
    host, port = admin_address(proxy)
    return shlex.split(command.replace("127.0.0.1:9900", f"{host}:{port}"))


def test_keepalived_is_told_of_a_drain_while_requests_go_on(machines):
    (first, second), server = machines
    ready = lambda proxy: subprocess.run(script(proxy)).returncode == 0
    assert ready(first) and ready(second)
    # A request that runs keeps the first one from ending.
    held = []

    def hold(connection):
        while (request := connection.request()) is not None:
            if request.target == "/held":
                held.append(connection)
            else:
                connection.answer()

    server.script = hold
    client = first.client()
    client.send_request(target="/held")
    eventually(lambda: held, "a request under way")
    first.process.terminate()
    eventually(lambda: not ready(first), "the first machine to be left alone")
    # Who comes before keepalived has moved the address is still served.
    assert first.ask(target="/lb-ready").status == 503 and first.ask().status == 200
    assert first.process.poll() is None and ready(second)
    assert second.ask(target="/lb-ready").status == 200
    held[0].send(answer(200, b"done"))
    assert client.response().body == b"done"


def test_a_client_keeps_its_server_on_the_other_machine(machines):
    (first, second), _ = machines
    for number in range(4):
        response = first.ask(target=f"/{number}")
        cookie = response.get("set-cookie").split(";")[0]
        again = second.ask(target="/elsewhere", fields=[("Cookie", cookie)])
        # A token that the second machine did not understand would be replaced.
        assert again.status == 200 and again.get("set-cookie") is None


@pytest.mark.parametrize("mistake", [False, True], ids=["as it is", "with a mistake"])
def test_keepalived_takes_the_file(tmp_path, mistake):
    text = KEEPALIVED.read_text()
    assert text.count("interface eth0") == text.count("advert_int") == 1
    # VRRP wants an interface that is there and not the loopback.
    interface = next(name for name in sorted(os.listdir("/sys/class/net")) if name != "lo")
    text = text.replace("interface eth0", f"interface {interface}")
    file = tmp_path / "keepalived.conf"
    file.write_text(text.replace("advert_int", "advert_in") if mistake else text)
    file.chmod(0o600)
    done = subprocess.run(
        ["/usr/sbin/keepalived", "--config-test", "--use-file", str(file)],
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    # Where it may not become another user it ends by a signal, having said what is wrong.
    assert done.returncode in (0, 4, 5, -15), done
    assert ("Unknown keyword 'advert_in'" in done.stderr) == mistake, done
    assert mistake or not done.stderr, done


def test_bird_takes_the_file():
    done = subprocess.run(
        ["/usr/sbin/bird", "-p", "-c", str(FOLDER / "two-machines/bird.conf")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done
