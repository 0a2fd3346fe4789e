"""One worker does not turn any more: who asks is told, and the end comes all the same."""

import select
import signal

from harness import Weir, eventually
from harness.admin import Admin
from harness.held import Held

READY = {"address": "127.0.0.1:0", "ready-path": "/up"}


CONFIG = {
    "workers": 2, "listeners": [READY], "routes": [{"respond": 204}], "admin": "127.0.0.1:0",
    "shutdown-timeout": "1m",
}


def test_it_is_not_ready(weir):
    proxy = weir(CONFIG)
    admin = Admin(proxy)
    clients = [proxy.client() for _ in range(16)]
    assert all(client.ask(target="/up").status == 200 for client in clients)
    held = Held(proxy.pid, "weir-worker-1")
    try:
        eventually(lambda: admin.ask(target="/readyz").status == 503, "the admin API says so")
        assert admin.ask(target="/readyz").text == "a worker does not serve\n"
        assert admin.ask(target="/livez").status == 200
        for client in clients:
            client.send_request("GET", "/up")
        sockets = {client.sock: client for client in clients}
        answered, _, _ = select.select(list(sockets), [], [], 10)
        assert answered, "the other worker answers"
        found = sockets[answered[0]].response()
        assert (found.status, found.text) == (503, "a worker does not serve\n")
    finally:
        held.release()
    eventually(lambda: admin.ask(target="/readyz").status == 200, "it is ready again")
    eventually(lambda: proxy.ask(target="/up").status == 200, "clients are told")


def test_a_second_signal_ends_the_process(tmp_path):
    # By hand, as it does not end well.
    proxy = Weir(CONFIG, tmp_path)
    try:
        proxy.wait_until_listening()
        held = Held(proxy.pid, "weir-worker-1")
        proxy.drain()
        proxy.signal(signal.SIGTERM)
        eventually(lambda: any("it is left to itself" in line for line in proxy.lines), "the end")
        held.bury()
        assert proxy.wait() == 1
    finally:
        proxy.kill()
