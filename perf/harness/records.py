"""What client and endpoints wrote down about each request (see load/records.h)."""

import struct
from dataclasses import dataclass

_CLIENT = struct.Struct("=QQIHH")
_ENDPOINT = struct.Struct("=QIHH")
LISTENING, GET, POST, RESET = range(4)
# A status of the client's: its answer's head said 200, and then the connection ended.
CUT = 1002
_ENDINGS = {1000: "broken", 1001: "unanswered", CUT: "cut", 1003: "refused"}
_POST, _REUSED = 1, 2


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the client: when it was due, when it ended, and how."""

    due: int
    ended: int
    number: int
    status: int
    is_post: bool
    # Its connection had brought an answer before.
    is_reused: bool

    @property
    def failed(self):
        return self.status != 200

    @property
    def ending(self):
        """The status as text, or how else it ended."""
        return _ENDINGS.get(self.status, str(self.status))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that an endpoint met."""

    time: int
    number: int
    kind: int


def _records(path, form):
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return []
    # An endpoint that was killed while it wrote leaves part of a record at the most, at the end.
    return form.iter_unpack(data[:len(data) // form.size * form.size])


def client_requests(path):
    """All requests of the client, in the order in which they were due."""
    found = [Request(due, ended, number, status, bool(flags & _POST), bool(flags & _REUSED))
             for due, ended, number, status, flags in _records(path, _CLIENT)]
    return sorted(found, key=lambda request: request.due)


def endpoint_events(path):
    """All events of an endpoint, its restarts included."""
    return [Event(time, number, kind) for time, number, kind, _ in _records(path, _ENDPOINT)]
