"""Calls of gRPC by its own library: all four kinds, and how they end."""

import threading
import time

import grpc
import pytest

from harness import eventually
from harness.calls import DEADLINE_EXCEEDED, UNAVAILABLE, failure
from harness.http2 import CANCEL, H2Client

LONG = 20


def test_unary(server, through):
    one = server()
    proxy, stub = through(one)
    answer, call = stub.unary.with_call(b"hello", metadata=[("x-one", "1")], timeout=LONG)
    assert answer == b"echo:hello"
    assert dict(call.trailing_metadata())["x-trailer"] == "last"
    seen = one.service.metadata[0]
    assert seen["x-one"] == "1"
    assert LONG - 5 < one.service.remaining[0] <= LONG
    line = proxy.access(1)[0]
    assert (line["status"], line["grpc-status"], line["outcome"]) == (200, 0, "ok")


def test_many_calls_on_one_connection(server, through):
    one = server()
    _, stub = through(one, more={"workers": 1})
    calls = [stub.unary.future(b"%d" % number, timeout=LONG) for number in range(300)]
    assert [call.result() for call in calls] == [b"echo:%d" % number for number in range(300)]


def test_large_messages(server, through):
    _, stub = through(server())
    message = bytes(range(256)) * 8000
    assert stub.unary(message, timeout=LONG) == b"echo:" + message


def test_stream_of_answers(server, through):
    proxy, stub = through(server())
    answers = list(stub.counts(b"10000", timeout=LONG * 3))
    assert answers == [b"%d" % number for number in range(10_000)]
    assert proxy.access(1)[0]["grpc-status"] == 0


def test_stream_of_requests(server, through):
    _, stub = through(server())
    answer = stub.sums((b"x" * 10 for _ in range(10_000)), timeout=LONG * 3)
    assert answer == b"100000"


def test_streams_both_ways(server, through):
    _, stub = through(server())
    answers = list(stub.chats((b"%d" % n for n in range(10_000)), timeout=LONG * 3))
    assert answers == [b"re:%d" % number for number in range(10_000)]


def test_conversation(server, through):
    """Each message waits for the answer to the one before."""
    _, stub = through(server())
    turn = threading.Semaphore(1)

    def messages():
        for number in range(200):
            turn.acquire()
            yield b"%d" % number

    seen = []
    for answer in stub.chats(messages(), timeout=LONG):
        seen.append(answer)
        turn.release()
    assert seen == [b"re:%d" % number for number in range(200)]


@pytest.mark.parametrize("status", ["NOT_FOUND", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"])
def test_failures_of_the_server(server, through, status):
    proxy, stub = through(server())
    assert failure(lambda: stub.fails(status.encode(), timeout=LONG)) == grpc.StatusCode[status]
    line = proxy.access(1)[0]
    number = grpc.StatusCode[status].value[0]
    assert (line["status"], line["grpc-status"], line["outcome"]) == (200, number, "ok")


def test_unknown_method(server, through):
    _, stub = through(server())
    assert failure(lambda: stub.missing(b"", timeout=LONG)) == grpc.StatusCode.UNIMPLEMENTED


def test_client_cancels(server, through):
    one = server()
    proxy, stub = through(one)
    call = stub.waits.future(b"", timeout=LONG)
    assert one.service.started.wait(LONG)
    call.cancel()
    assert one.service.cancelled.wait(LONG)
    assert proxy.access(1)[0]["outcome"] == "client-aborted"


def test_client_cancels_inside_a_stream(server, through):
    one = server()
    _, stub = through(one)
    call = stub.half(b"", timeout=LONG)
    assert next(call) == b"first"
    call.cancel()
    assert one.service.cancelled.wait(LONG)


def test_deadline_of_the_client(server, through):
    """It reaches the server, and ends the exchange."""
    one = server()
    _, stub = through(one)
    began = time.monotonic()
    assert failure(lambda: stub.waits(b"", timeout=0.5)) == DEADLINE_EXCEEDED
    assert time.monotonic() - began < 5
    assert 0 < one.service.remaining[0] <= 0.5
    assert one.service.cancelled.wait(LONG)


def test_deadline_ends_the_exchange(backend2, clear_through):
    """Client and server that heed no deadline are told by the proxy."""
    codes = []
    proxy, _ = clear_through(backend2(lambda request: codes.append(request.gone())))
    client = H2Client(proxy)
    fields = [("content-type", "application/grpc"), ("grpc-timeout", "300m")]
    answer = client.open("POST", "/test.Echo/Waits", fields, end=False)
    client.write(answer, b"\0\0\0\0\0", end=True)
    client.finish(answer)
    assert (answer.status, answer.get("grpc-status")) == (200, "4")
    assert answer.get("x-weir-outcome") == "total-timeout"
    line = proxy.access(1)[0]
    assert (line["outcome"], line["grpc-status"]) == ("total-timeout", 4)
    eventually(lambda: codes == [CANCEL], "the reset")


def test_no_server(through, refused):
    proxy, stub = through(refused)
    assert failure(lambda: stub.unary(b"", timeout=LONG)) == UNAVAILABLE
    line = proxy.access(1)[0]
    assert (line["outcome"], line["status"], line["grpc-status"]) == ("connect-failed", 200, 14)


def test_no_route(server, clear_server, clear_through):
    one = clear_server()
    proxy, stub = clear_through(
        one, more={"routes": [{"match": "/test.Echo/Unary", "pool": "main"}]}
    )
    assert stub.unary(b"", timeout=LONG) == b"echo:"
    code = failure(lambda: stub.missing(b"", timeout=LONG))
    assert code == grpc.StatusCode.UNIMPLEMENTED
    line = proxy.access(2)[1]
    assert (line["outcome"], line["grpc-status"]) == ("no-route", 12)


def test_response_timeout(server, through):
    proxy, stub = through(server(), timeouts={"response": "300ms"}, retries=1)
    assert failure(lambda: stub.waits(b"", timeout=LONG)) == DEADLINE_EXCEEDED
    assert proxy.access(1)[0]["outcome"] == "response-timeout"


def test_server_restarts(clear_server, clear_through):
    """Calls that the old one has begun end, others go to the new one."""
    one = clear_server()
    _, stub = clear_through(one)
    assert stub.unary(b"a", timeout=LONG) == b"echo:a"
    one.close(grace=5)
    two = clear_server(port=one.port)
    eventually(lambda: answers(stub), "the new server")
    assert two.service.calls >= 1


def answers(stub):
    try:
        return stub.unary(b"b", timeout=LONG) == b"echo:b"
    except grpc.RpcError:
        return False


def test_status_that_is_tried_again(clear_server, clear_through):
    one, two = clear_server(), clear_server()
    retries = {"attempts": 4, "status": ["unavailable"], "budget": {"share": "100%"}}
    proxy, stub = clear_through(one, two, retries=retries)
    assert failure(lambda: stub.fails(b"UNAVAILABLE", timeout=LONG)) == UNAVAILABLE
    assert one.service.calls + two.service.calls == 4
    assert proxy.access(1)[0]["tries"] == 4
    assert failure(lambda: stub.fails(b"INTERNAL", timeout=LONG)) == grpc.StatusCode.INTERNAL
    assert one.service.calls + two.service.calls == 5


def test_status_that_ejects(clear_server, clear_through):
    one, two = clear_server(), clear_server()
    ejection = {"consecutive-failures": 3, "status": ["unavailable"], "base-time": "60s"}
    proxy, stub = clear_through(one, two, ejection=ejection, retries=1, more={"workers": 1})
    for _ in range(6):
        failure(lambda: stub.fails(b"UNAVAILABLE", timeout=LONG))
    eventually(lambda: any("eject" in line for line in proxy.lines), "the ejection")
    before = one.service.calls, two.service.calls
    for _ in range(10):
        assert stub.unary(b"", timeout=LONG) == b"echo:"
    after = one.service.calls, two.service.calls
    assert sorted([after[0] - before[0], after[1] - before[1]]) == [0, 10]


def test_status_that_does_not_eject(clear_server, clear_through):
    one, two = clear_server(), clear_server()
    proxy, stub = clear_through(one, two, retries=1, more={"workers": 1})
    for _ in range(30):
        failure(lambda: stub.fails(b"UNAVAILABLE", timeout=LONG))
    assert abs(one.service.calls - two.service.calls) <= 1
