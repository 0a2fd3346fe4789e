"""What the end-to-end tests stand on: the proxy as a process, scripted backends, raw clients."""

from harness.backend import Backend, Connection, answer, echo, fixed, gated
from harness.client import Client
from harness.proxy import Weir, binary
from harness.wait import DEADLINE, SLOWNESS, eventually, scaled
from harness.wire import Closed, Message, Stream, WireError

__all__ = [
    "Backend",
    "Client",
    "Closed",
    "Connection",
    "DEADLINE",
    "Message",
    "SLOWNESS",
    "Stream",
    "Weir",
    "WireError",
    "answer",
    "binary",
    "echo",
    "eventually",
    "fixed",
    "gated",
    "scaled",
]
