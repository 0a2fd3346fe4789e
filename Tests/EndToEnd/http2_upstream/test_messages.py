"""All that a message has passes between HTTP/1 and HTTP/2 on either side, in any combination."""

import json
import threading

import pytest

from harness import Closed, eventually
from harness.data import whole
from harness.http2 import CANCEL, H2Client
from harness.setups import LOGGED, pooled

SIZE = 3_000_000


class Client1:
    """A client of HTTP/1 with the calls of `H2Client` that the table needs."""

    def __init__(self, proxy, **options):
        self.client = proxy.client(**options)

    def ask(self, method="GET", target="/", fields=(), body=None, trailers=None, length=True):
        lines = [f"{method} {target} HTTP/1.1", "host: example.test"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body is not None:
            chunked = trailers or not length
            lines.append("transfer-encoding: chunked" if chunked else f"content-length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n"
        if body is not None and (trailers or not length):
            pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
            data += b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n"
            data += b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers or ()) + b"\r\n"
        elif body is not None:
            data += body
        sender = threading.Thread(target=self._send, args=(data,), daemon=True)
        sender.start()
        return self.client.response(method)

    def _send(self, data):
        try:
            self.client.send(data)
        except OSError:
            pass

    def abort(self, method, target):
        self.client.send(f"{method} {target} HTTP/1.1\r\nhost: example.test\r\n\r\n")
        return self.client.reset


class Client2(H2Client):
    def abort(self, method, target):
        answer = self.open(method, target)
        return lambda: self.reset(answer)


def read_client(kind, proxy, **options):
    return Client1(proxy, **options) if kind == "h1" else Client2(proxy, **options)


class Server1:
    """What the table's server does, by HTTP/1."""

    def __init__(self):
        self.held = threading.Event()
        self.reset = threading.Event()

    def __call__(self, connection):
        while (request := connection.request()) is not None:
            target = request.target
            if target == "/large":
                connection.answer(body=whole(SIZE))
            elif target == "/chunked":
                data = whole(SIZE)
                connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for at in range(0, SIZE, 30_000):
                    piece = data[at : at + 30_000]
                    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                connection.send("0\r\nx-sum: 12\r\n\r\n")
            elif target == "/abort":
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"x" * 500)
                return
            elif target == "/never":
                self.held.set()
                if connection.ended():
                    self.reset.set()
                return
            else:
                seen = {
                    "method": request.method,
                    "length": len(request.body),
                    "trailers": request.trailers,
                    "fields": request.fields,
                }
                body = b"" if request.method == "HEAD" else json.dumps(seen).encode()
                connection.answer(body=body)


class Server2(Server1):
    """The same by HTTP/2."""

    def __call__(self, request):
        body = request.whole()
        if request.target == "/large":
            request.answer(body=whole(SIZE))
        elif request.target == "/chunked":
            request.head()
            data = whole(SIZE)
            for at in range(0, SIZE, 30_000):
                request.write(data[at : at + 30_000])
            request.end([("x-sum", "12")])
        elif request.target == "/abort":
            request.head(fields=[("content-length", "1000")])
            request.write(b"x" * 500)
            request.reset()
        elif request.target == "/never":
            self.held.set()
            assert request.gone() == CANCEL
            self.reset.set()
        else:
            seen = {
                "method": request.method,
                "length": len(body),
                "trailers": request.trailers,
                "fields": request.fields,
            }
            data = b"" if request.method == "HEAD" else json.dumps(seen).encode()
            request.answer(body=data)


@pytest.fixture(params=["h1", "h2"])
def from_client(request):
    return request.param


@pytest.fixture(params=["h1", "h2"])
def pair(request, weir, backend, backend2, clear2):
    """The proxy before one server that speaks as the parameter says, and the server's script."""
    listeners = [{"address": "127.0.0.1:0", "http2": "cleartext"}]

    def start(**pool):
        if request.param == "h1":
            script = Server1()
            config = pooled(backend(script), pool, **LOGGED)
            config.pop("listen")
            return weir({**config, "listeners": listeners, "workers": 1}), script
        script = Server2()
        return weir(clear2(backend2(script), more=LOGGED, **pool)), script

    return start


def test_get(pair, from_client):
    proxy, _ = pair()
    client = read_client(from_client, proxy)
    for _ in range(3):
        answer = client.ask()
        assert answer.status == 200
        assert json.loads(answer.body)["method"] == "GET"


def test_head(pair, from_client):
    proxy, _ = pair()
    client = read_client(from_client, proxy)
    for _ in range(3):
        answer = client.ask("HEAD")
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("length", [True, False])
def test_large_post(pair, from_client, length):
    proxy, _ = pair()
    client = read_client(from_client, proxy)
    answer = client.ask("POST", body=whole(SIZE), length=length)
    assert json.loads(answer.body)["length"] == SIZE
    assert json.loads(client.ask("POST", body=b"", length=length).body)["length"] == 0


@pytest.mark.parametrize("target", ["/large", "/chunked"])
def test_large_answer(pair, from_client, target):
    proxy, _ = pair()
    client = read_client(from_client, proxy)
    for _ in range(2):
        answer = client.ask(target=target)
        assert answer.body == whole(SIZE)
        if target == "/chunked":
            assert answer.trailers == [("x-sum", "12")]


def test_trailers_of_a_request(pair, from_client):
    proxy, _ = pair()
    answer = read_client(from_client, proxy).ask(
        "POST", body=b"abc", trailers=[("x-sum", "12"), ("x-more", "ok")], length=False
    )
    seen = json.loads(answer.body)
    assert (seen["length"], seen["trailers"]) == (3, [["x-sum", "12"], ["x-more", "ok"]])


def test_client_aborts(pair, from_client):
    proxy, script = pair()
    abort = read_client(from_client, proxy).abort("GET", "/never")
    assert script.held.wait(10)
    abort()
    assert script.reset.wait(10)
    assert proxy.access(1)[0]["outcome"] == "client-aborted"
    assert json.loads(read_client(from_client, proxy).ask().body)["method"] == "GET"


def test_server_aborts_inside_an_answer(pair, from_client):
    proxy, _ = pair()
    client = read_client(from_client, proxy)
    # Where the reset overtakes the head, there is still time to say what happened.
    try:
        answer = client.ask(target="/abort")
        broken = answer.status == 502 or not answer.ended
    except Closed:
        broken = True
    assert broken
    assert proxy.access(1)[0]["outcome"] == "upstream-reset"


def test_slow_client(pair, from_client):
    """A client that reads nothing for a while gets all the same, and holds nobody else up."""
    proxy, _ = pair()
    before = proxy.resident()
    if from_client == "h1":
        slow = proxy.client(receive_buffer=4096)
        slow.send("GET /large HTTP/1.1\r\nhost: example.test\r\n\r\n")
    else:
        slow = H2Client(proxy, credits=False)
        answer = slow.open(target="/large")
        slow.until(lambda: len(answer.data) >= 65_535, "a shut window")
    other = read_client(from_client, proxy)
    for _ in range(20):
        assert other.ask().status == 200
    assert proxy.resident() - before < 8 << 20
    if from_client == "h1":
        assert slow.response().body == whole(SIZE)
    else:
        slow.credits = True
        slow.credit(1 << 24)
        slow.h2.increment_flow_control_window(1 << 24, answer.id)
        slow.flush()
        slow.finish(answer)
        assert answer.body == whole(SIZE)
    eventually(lambda: proxy.access(21), "the log of all")
