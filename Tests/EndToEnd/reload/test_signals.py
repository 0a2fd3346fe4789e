"""Reloads that meet a drain, a stop or each other."""

import json
import os
import signal
import socket
import threading
import time

from harness import Client, Weir, eventually, gated
from harness.checks import refuses
from harness.loads import Loads, fresh, kept
from harness.reload import ADMIN, Reloader


def file(server, **more):
    return {"listen": "127.0.0.1:0", "servers": [server.address], **ADMIN, **more}


def test_signals_and_requests_at_once(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    answers = []

    def ask():
        for number in range(10):
            admin.write(file(server, workers=2, timeouts={"keep-alive": f"{60 + number}s"}))
            client = Client(admin.address)
            client.send_request("POST", "/reload", host="localhost")
            answers.append(client.response().status)
            client.close()

    def signals():
        for _ in range(40):
            proxy.signal(signal.SIGHUP)
            time.sleep(0.002)

    with Loads() as loads:
        loads.run("kept", kept, proxy.client())
        loads.run("new", fresh, lambda: Client(proxy.address))
        asking = threading.Thread(target=ask)
        signalling = threading.Thread(target=signals)
        for thread in (asking, signalling):
            thread.start()
        for thread in (asking, signalling):
            thread.join()
        loads.progress()
        loads.end()
    assert answers == [200] * 10
    config = admin.ask(target="/config").body.decode()
    assert "keep-alive: 69s" in config


def test_signals_before_the_file_is_read(backend, tmp_path):
    pipe = tmp_path / "weir.yaml"
    os.mkfifo(pipe)
    folder = tmp_path / "folder"
    folder.mkdir()
    proxy = Weir(file(backend()), folder, command=["run", str(pipe)])
    try:
        # Open once the proxy reads.
        with open(pipe, "w", encoding="utf-8") as text:
            for one in (signal.SIGUSR1, signal.SIGHUP):
                proxy.signal(one)
            proxy.file.rename(pipe)
            text.write("nothing of use")
        proxy.wait_until_listening()
        eventually(lambda: any("reloaded" in line for line in proxy.lines), "what SIGHUP asks for")
    finally:
        proxy.kill()


def test_a_drain_refuses_reloads(weir, backend, gate):
    server = backend(gated(gate))
    proxy = weir(file(server, **{"shutdown-timeout": "1m"}))
    admin = Reloader(proxy)
    client = proxy.client()
    client.send_request()
    server.saw(1)
    proxy.drain()
    document = admin.refuse(file(server, **{"shutdown-timeout": "9s"}))
    assert "draining" in document["detail"]
    gate.set()
    assert client.response().status == 200
    assert proxy.wait() == 0


def test_a_drain_in_the_middle_of_a_reload(weir, names, backend, gate, tmp_path):
    """Listeners that the file brings are not listened at once the drain has begun."""
    server = backend(gated(gate))
    proxy = weir(file(server, **{"shutdown-timeout": "1m"}))
    admin = Reloader(proxy)
    clients = [proxy.client() for _ in range(8)]
    for client in clients:
        client.send_request()
    server.saw(8)
    names.hang()
    path = tmp_path / "new.sock"
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    pool = {"servers": [f"app.test:{server.port}"], "resolver": names.resolver(timeout="500ms")}
    config = file(server, listen=["127.0.0.1:0", f"127.0.0.1:{port}", f"unix:{path}"])
    config["routes"] = [{"match": "/found", "pool": "found"}, {"pool": "main"}]
    config["pools"] = {"found": pool, "main": {"servers": [server.address]}}
    del config["servers"]
    admin.write({"workers": 2, "shutdown-timeout": "1m", **config})
    asker = Client(admin.address)
    asker.send_request("POST", "/reload", host="localhost")
    # It waits for the name.
    eventually(path.exists, "the reload has begun")
    proxy.signal(signal.SIGTERM)
    asker.response()
    assert refuses(("127.0.0.1", port))
    names.go_on()
    gate.set()
    for client in clients:
        assert client.response().status == 200
    assert proxy.wait() == 0
    assert not path.exists()


def test_a_body_from_a_file_is_read_anew(weir, tmp_path):
    page = tmp_path / "page.txt"
    page.write_text("one")
    config = {
        "listen": "127.0.0.1:0",
        "routes": [{"respond": {"status": 200, "file": str(page)}}],
        **ADMIN,
    }
    proxy = weir(config)
    admin = Reloader(proxy)
    client = proxy.client()
    assert client.ask().body == b"one"
    page.write_text("two, longer")
    admin.take(config)
    assert client.ask().body == b"two, longer"


def test_who_is_trusted_changes(weir, backend):
    server = backend()
    proxy = weir(file(server))
    admin = Reloader(proxy)
    client = proxy.client()

    def seen():
        found = json.loads(client.ask(fields=[("X-Forwarded-For", "192.0.2.7")]).body)
        fields = {name.lower(): value for name, value in found["fields"]}
        return fields["x-forwarded-for"]

    assert seen() == "127.0.0.1"
    admin.take(file(server, **{"trusted-proxies": ["127.0.0.0/8"]}))
    client.close()
    client = proxy.client()
    assert seen() == "192.0.2.7, 127.0.0.1"
    admin.take(file(server))
    client.close()
    client = proxy.client()
    assert seen() == "127.0.0.1"
