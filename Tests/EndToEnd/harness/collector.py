"""Traces as servers are told of them, and a collector that says what is wrong with its spans."""

import json
import re
import threading

from harness.wait import eventually

HEX = re.compile(r"[0-9a-f]+\Z")
WRITTEN = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])\Z")

# A caller's place in a trace.
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"


def told(request):
    """(trace, span, sampled) of the one `traceparent` that a server got."""
    values = [value for name, value in request.fields if name.lower() == "traceparent"]
    assert len(values) == 1, values
    found = WRITTEN.match(values[0])
    assert found and "0" * 16 not in found.group(2), values
    return found.group(1), found.group(2), found.group(3) == "1"


def is_id(text, digits):
    return len(text) == digits and HEX.match(text) and set(text) != {"0"}


def attributes(entries):
    """Attributes as a dictionary; each has a text or an integer, which JSON has as text."""
    found = {}
    for entry in entries:
        assert set(entry) == {"key", "value"}, entry
        [(kind, value)] = entry["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str), entry
        assert entry["key"] not in found, f"{entry['key']} twice"
        found[entry["key"]] = int(value) if kind == "intValue" else value
    return found


class Span:
    """One span, checked by the shape that opentelemetry-proto gives it."""

    KEYS = {"traceId", "spanId", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
            "endTimeUnixNano", "attributes", "status"}

    def __init__(self, value, service):
        assert set(value) <= self.KEYS, value
        assert is_id(value["traceId"], 32) and is_id(value["spanId"], 16), value
        self.trace, self.id = value["traceId"], value["spanId"]
        self.parent = value.get("parentSpanId")
        assert self.parent is None or is_id(self.parent, 16), value
        assert value["flags"] & 0x1FF == 0x101, value
        assert value["kind"] in (2, 3), value
        self.kind = {2: "server", 3: "client"}[value["kind"]]
        self.name = value["name"]
        self.start, self.end = (int(value[key]) for key in ("startTimeUnixNano",
                                                            "endTimeUnixNano"))
        assert 1.6e18 < self.start <= self.end < 4e18, value
        self.failed = "status" in value
        assert value.get("status", {"code": 2}) == {"code": 2}, value
        self.attributes = attributes(value["attributes"])
        self.service = service


class Collector:
    """Takes spans at `/v1/traces`; `fault(connection)` in place of that while it is set."""

    def __init__(self, backend, fault=None, **options):
        self.fault = fault
        self.spans = []
        self.sizes = []
        self.lock = threading.Lock()
        self.server = backend(self.serve, name="collector", **options)

    @property
    def url(self):
        scheme = "https" if self.server.context else "http"
        return f"{scheme}://{self.server.address}"

    @property
    def requests(self):
        return len(self.server.requests)

    def serve(self, connection):
        fault = self.fault
        if fault is not None:
            fault(connection)
            return
        while (request := connection.request()) is not None:
            spans = self.read(request)
            with self.lock:
                self.sizes.append(len(spans))
                self.spans += spans
            connection.answer(body="{}", fields=[("Content-Type", "application/json")])

    @staticmethod
    def read(request):
        """The spans of a request."""
        assert (request.method, request.target) == ("POST", "/v1/traces"), request
        assert request.get("content-type") == "application/json"
        value = json.loads(request.body)
        [resource] = value.pop("resourceSpans")
        assert not value
        service = attributes(resource["resource"]["attributes"])["service.name"]
        [scope] = resource["scopeSpans"]
        assert scope["scope"]["name"] == "weir"
        spans = [Span(one, service) for one in scope["spans"]]
        assert 1 <= len(spans) <= 512
        return spans

    def wait(self, count, kind=None):
        """Waits for so many spans and returns them by the order in which they began."""

        def those():
            with self.lock:
                found = [one for one in self.spans if kind in (None, one.kind)]
            return found if len(found) >= count else None

        found = eventually(those, f"{count} spans", within=20)
        return sorted(found, key=lambda one: (one.start, one.kind == "client"))


