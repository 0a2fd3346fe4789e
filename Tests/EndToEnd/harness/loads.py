"""Loads that go on while something happens, and tell whether anybody notices."""

import base64
import os
import threading

from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from harness.tunnels import UPGRADE
from harness.wait import eventually


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
        """Ends all of them; each has made a step, and nothing may have failed."""
        self.ends.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures
        assert all(self.counts.values()), self.counts

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


def fresh(connect, target="/", see=lambda client: None):
    """Requests on a connection each, which is shown to `see` before it is closed."""
    while True:
        client = connect()
        try:
            response = client.ask(target=target)
            assert response.status == 200, response
            see(client)
        finally:
            client.close()
        yield


def reopened(connect, target="/", most=None):
    """Requests on a connection that stays, until an answer says close or it had `most`."""
    while True:
        client, count = connect(), 0
        try:
            while count != most:
                response = client.ask(target=target)
                assert response.status == 200, response
                count += 1
                yield
                if response.get("connection") == "close":
                    break
        finally:
            client.close()


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
    fields = [*UPGRADE, ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13")]
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
