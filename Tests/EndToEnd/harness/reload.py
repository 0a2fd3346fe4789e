"""Changed files for a running proxy, and loads that tell whether anybody notices."""

import base64
import json
import os
import threading
import time
from pathlib import Path

from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from harness.admin import Admin
from harness.client import Client
from harness.wait import eventually
from harness.websocket import ServerSide, mirror

ADMIN = {"admin": "127.0.0.1:0"}


class Reloader(Admin):
    """The admin API of a proxy whose file changes."""

    def write(self, config):
        """Puts a file, or its text, in the place of the one before, in one step."""
        text = config if isinstance(config, str) else json.dumps(config, indent=2)
        new = self.proxy.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.proxy.file)

    def take(self, config):
        """Has this file served; returns the answer."""
        if isinstance(config, dict):
            config = {"workers": 2, "shutdown-timeout": "2s", **config}
        self.write(config)
        found = self.json("POST", "/reload")
        assert found["state"] == "reloaded", found
        return found

    def changed(self, config):
        """Has this file served; returns the kinds and keys of what changed."""
        return {(one["kind"], one["key"]) for one in self.take(config)["changes"]}

    def refuse(self, config):
        """Asks for a file that cannot be served; returns the problem document."""
        if isinstance(config, dict):
            config = {"workers": 2, "shutdown-timeout": "2s", **config}
        self.write(config)
        return self.problem(422, "POST", "/reload")

    def listener(self, name):
        """Where the listener of this name listens, as `Client` takes it; None if there is none."""
        for one in self.json(target="/stats")["listeners"]:
            if one["name"] == name:
                address = one["address"]
                if "unix:" in address:
                    return address.split("unix:", 1)[1]
                host, port = address.split("://")[1].rstrip("/").rsplit(":", 1)
                return host.strip("[]"), int(port)
        return None


def everything(connection):
    """A script that sends events without end, mirrors messages, and else says its name."""
    while (request := connection.request_head()) is not None:
        connection.note(request)
        if request.has("upgrade"):
            mirror(ServerSide(connection, request))
            return
        connection.body(request)
        if request.target == "/events":
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not connection.backend.closing:
                connection.send("8\r\ndata: 1\n\r\n")
                time.sleep(0.005)
        connection.answer(body=connection.backend.name)


class Loads:
    """Loads side by side, each a generator whose every step is a success."""

    def __init__(self):
        self.failures = []
        self.counts = {}
        self.ends = threading.Event()
        self.threads = []

    def run(self, name, work, *arguments):
        """Begins one."""
        self.counts[name] = 0

        def body():
            try:
                for _ in work(*arguments):
                    self.counts[name] += 1
                    if self.ends.is_set():
                        return
            except Exception as problem:
                self.failures.append(f"{name} after {self.counts[name]}: {problem!r}")

        self.threads.append(threading.Thread(target=body, daemon=True))
        self.threads[-1].start()

    def progress(self, steps=2):
        """Waits until each has made so many further steps, or one has failed."""
        before = dict(self.counts)

        def done():
            return self.failures or all(self.counts[one] >= before[one] + steps for one in before)

        eventually(done, f"progress of every load since {before}")
        assert not self.failures, self.failures

    def end(self):
        """Ends all of them; nothing may have failed."""
        self.ends.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.set()


def kept(client, target="/"):
    """Requests on one connection."""
    while True:
        response = client.ask(target=target)
        assert response.status == 200 and response.get("connection") is None, response
        yield


def fresh(connect, target="/"):
    """Requests on a connection each."""
    while True:
        client = connect()
        response = client.ask(target=target)
        assert response.status == 200, response
        client.close()
        yield


def streams(client, target="/"):
    """Requests on one connection of HTTP/2."""
    while True:
        answer = client.ask(target=target)
        assert answer.status == 200 and not client.goaways, (answer, client.goaways)
        yield


def events(client, target="/events"):
    """An answer without an end."""
    client.send_request(target=target)
    client.line()
    client.field_lines()
    while True:
        assert client.chunk() == b"data: 1\n"
        yield


def messages(client, target="/chat"):
    """Messages back and forth over a WebSocket of HTTP/1."""
    key = base64.b64encode(os.urandom(16)).decode()
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    fields += [("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13")]
    assert client.ask(target=target, fields=fields).status == 101
    socket = Connection(ConnectionType.CLIENT)
    number = 0
    while True:
        number += 1
        client.send(socket.send(TextMessage(data=str(number))))
        found = []
        while not found:
            assert client.buffer or client.fill(), "the tunnel ended"
            socket.receive_data(client.buffer)
            client.buffer = b""
            found = [one.data for one in socket.events()]
        assert found == [str(number)]
        yield


def refuses(address):
    """Whether nothing listens there."""
    try:
        Client(address, timeout=1).close()
    except (ConnectionError, FileNotFoundError):
        return True
    return False


def listening(proxy):
    """How many sockets the process listens at, closed listeners' that were kept open included."""
    listens = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{proxy.pid}/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                listens.add(words[9])
    for line in Path(f"/proc/{proxy.pid}/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[3], 16) & 0x10000:
            listens.add(words[6])
    count = 0
    for descriptor in Path(f"/proc/{proxy.pid}/fd").iterdir():
        try:
            count += os.readlink(descriptor).removeprefix("socket:[").rstrip("]") in listens
        except FileNotFoundError:
            pass
    return count
