"""Checks by grpc.health.v1, and by HTTP/2."""

import pytest

from harness import eventually
from harness.http2 import H2Client
from harness.http2_server import echo2
from harness.setups import CLEARTEXT2, pool2

FAST = {"every": "300ms", "rise": 1, "fall": 1}


def serves(stub):
    return lambda: stub.unary(b"", timeout=10) == b"echo:"


@pytest.mark.parametrize("service", [None, "shop.Orders"])
def test_health_of_a_server(server, through, service):
    one, two = server(), server()
    name = service or ""
    for each in (one, two):
        each.service.serving[name] = True
    health = {"kind": "grpc", **FAST, **({"service": service} if service else {})}
    proxy, stub = through(one, two, health=health)
    for state, words in [(False, "does not serve"), (None, "not-found")]:
        if state is None:
            del one.service.serving[name]
        else:
            one.service.serving[name] = state
        eventually(lambda: any(words in line for line in proxy.lines), words)
        before = calls(one)
        for _ in range(10):
            assert stub.unary(b"", timeout=10) == b"echo:"
        assert calls(one) == before
        one.service.serving[name] = True
        count = sum(" up" in line for line in proxy.lines)
        eventually(lambda: sum(" up" in line for line in proxy.lines) > count - 1, "it is up")
        eventually(lambda: comes_back(stub, one), "its share")


def comes_back(stub, one):
    before = calls(one)
    for _ in range(4):
        stub.unary(b"", timeout=10)
    return calls(one) > before


def calls(one):
    """Calls of clients: checks have no such field."""
    return sum("x-forwarded-for" in metadata for metadata in one.service.metadata)


def test_server_without_grpc(backend, clear_through):
    def old(connection):
        connection.exactly(24)
        connection.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        connection.rest()

    proxy, _ = clear_through(backend(old), health={"kind": "grpc", **FAST})
    eventually(lambda: any("no HTTP answer" in line for line in proxy.lines), "the check's failure")


def test_http_check_by_http2(weir, backend2, certificates, carrier):
    """A pool that speaks HTTP/2 is checked by it."""
    paths = []
    status = [200]

    def handler(request):
        if request.target == "/health":
            paths.append(request.target)
            request.answer(status[0], body="I am well")
        else:
            echo2(request)

    one = backend2(handler, pair=certificates.site if carrier == "tls" else None)
    health = {"path": "/health", "body": "well", "status": 200, **FAST}
    pool = {"servers": [one.address], "health": health, **pool2(carrier, certificates)}
    proxy = weir({"listeners": [CLEARTEXT2], "pools": {"main": pool}})
    eventually(lambda: len(paths) >= 3, "checks")
    assert H2Client(proxy).ask().status == 200
    status[0] = 500
    eventually(lambda: any("status 500" in line for line in proxy.lines), "a failed check")
