"""The admin API of a running proxy."""

import json
import re

from harness.client import Client
from harness.proxy import parse_address
from harness.wait import eventually

_ADMIN = re.compile(r"admin API on (\S+)")


def admin_address(proxy):
    """Where the proxy's admin API listens."""

    def found():
        for line in list(proxy.lines):
            if match := _ADMIN.search(line):
                return parse_address(match.group(1))
        return None

    return eventually(found, "an admin API")


class Admin:
    """Asks the admin API, on a connection for each request unless it is told otherwise."""

    def __init__(self, proxy, token=None):
        self.proxy = proxy
        self.address = admin_address(proxy)
        self.token = token

    def ask(self, method="GET", target="/", body=None, fields=(), host="127.0.0.1:9900"):
        """One answer; `body` is bytes, or what is sent as JSON."""
        fields = list(fields)
        if self.token is not None:
            fields.append(("Authorization", f"Bearer {self.token}"))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.append(("Content-Type", "application/json"))
        client = Client(self.address)
        try:
            return client.ask(method, target, body=body, fields=fields, host=host)
        finally:
            client.close()

    def json(self, method="GET", target="/", status=200, **options):
        """The document of an answer with this status."""
        found = self.ask(method, target, **options)
        assert found.status == status, (found.status, found.body)
        return json.loads(found.body)

    def stats(self, requests=None):
        """What `/stats` says; waits until so many requests are counted, which is just behind
        their answers."""

        def found():
            stats = self.json(target="/stats")
            return stats if requests in (None, stats["total"]["requests"]) else None

        return eventually(found, f"{requests} requests in the statistics")

    def endpoint(self, name, pool="main"):
        """What `/pools/{pool}` says of an endpoint."""
        endpoints = self.json(target=f"/pools/{pool}")["endpoints"]
        return next(one for one in endpoints if one["name"] == name)

    def metrics(self):
        """By name and labels: the values of `/metrics`."""
        found = self.ask(target="/metrics")
        assert found.status == 200
        values = {}
        for line in found.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                assert name not in values, f"{name} twice"
                values[name] = float(value)
        return values

    def problem(self, status, method="GET", target="/", **options):
        """The problem document of an answer with this status (RFC 9457)."""
        found = self.ask(method, target, **options)
        assert found.status == status, (found.status, found.body)
        assert found.get("content-type") == "application/problem+json"
        document = json.loads(found.body)
        assert document["status"] == status and document["title"] and document["detail"]
        return document


class EventStream:
    """The server-sent events of `/events`, as they come."""

    def __init__(self, admin, fields=(), query=""):
        self.client = Client(admin.address)
        self.client.send_request("GET", f"/events{query}", fields=fields, host="localhost")
        assert self.client.line() == b"HTTP/1.1 200 OK"
        lines = self.client.field_lines()
        assert ("content-type", "text/event-stream") in lines, lines

    def next(self):
        """The next event: its id (None without one), its kind and its document."""
        event = {}
        while True:
            # Events end in LF alone.
            while b"\n" not in self.client.buffer:
                assert self.client.fill(), "the stream ended"
            line, self.client.buffer = self.client.buffer.split(b"\n", 1)
            if not line and "data" in event:
                return event.get("id"), event["event"], json.loads(event["data"])
            if b": " in line:
                name, value = line.decode().split(": ", 1)
                event[name] = value

    def close(self):
        self.client.close()
