"""Changed files for a running proxy."""

import json
import os
import time
from pathlib import Path

from harness.admin import Admin
from harness.proxy import parse_address
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
                return parse_address(one["address"])
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
