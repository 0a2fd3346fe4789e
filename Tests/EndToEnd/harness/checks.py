"""Assertions that many tests share."""

from harness.client import Client
from harness.wait import eventually

# The outcome that belongs to a refusal with this status.
REFUSALS = {
    400: "bad-request",
    405: "method-refused",
    413: "body-too-large",
    414: "target-too-long",
    431: "head-too-large",
    505: "version-refused",
}


def assert_own_answer(response, status, *outcomes, closes=None):
    """`response` was made by Weir itself, with this status and one of these outcomes."""
    assert response.status == status, response
    outcome, request_id = response.get("x-weir-outcome"), response.get("x-request-id")
    assert outcome and request_id, response
    assert not outcomes or outcome in outcomes, f"outcome {outcome}, not one of {outcomes}"
    assert (response.get("content-type") or "").startswith("text/plain"), response
    if response.body:
        assert outcome in response.text and request_id in response.text, response
    if closes is not None:
        assert (response.get("connection") == "close") == closes, response
    return outcome


def assert_refused(client, status, *outcomes, to="GET"):
    """The answer is Weir's own refusal and the connection ends behind it."""
    response = client.response(to=to)
    expected = outcomes or [REFUSALS[status]] if status in REFUSALS else outcomes
    assert_own_answer(response, status, *expected, closes=True)
    if to != "HEAD":
        assert response.body, "a refusal explains itself"
    assert client.ended(), f"more after the refusal: {client.buffer[:200]!r}"
    return response


def untouched(server):
    """Asserts that this backend got no byte and no connection."""
    assert not server.connections, [bytes(one.received) for one in server.connections]


def outcome_of(proxy, count=1, **options):
    """The outcome in the last of `count` lines of the access log."""
    return proxy.access(count, **options)[count - 1]["outcome"]


def idle(proxy, server, count=0):
    """Waits until only `count` upstream connections to this backend stand."""
    eventually(lambda: server.open_connections <= count, f"{count} connections at {server.name}")


def refuses(address):
    """Whether nothing listens there."""
    try:
        Client(address, timeout=1).close()
    except (ConnectionError, FileNotFoundError):
        return True
    return False
