"""`timeouts`: how long clients are waited for. Times are bounded from below exactly, from above
by the deadline of a test, so that a busy machine changes nothing."""

import contextlib
import ctypes
import os
import socket
import stat
import threading
import time

import pytest

from harness import DEADLINE, Closed, WireError, eventually, scaled
from harness.checks import assert_own_answer, assert_refused, outcome_of, untouched
from harness.http2 import H2Client
from harness.setups import LOGGED, single
from harness.tunnels import UPGRADE, mirroring

# The time-out under test; what must not run into it happens ten times as fast.
SECONDS = scaled(0.6)
VALUE = f"{SECONDS * 1000:.0f}ms"
# Timers are rounded to their wheel's ticks.
LEAST = SECONDS * 0.95


@contextlib.contextmanager
def no_sooner(least=LEAST):
    """What runs inside takes at least this long."""
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert least <= took < DEADLINE + SECONDS, f"took {took:.3f} s, {least:.3f} s are due"


def drip(send, count=15):
    """Sends `count` bytes over more than the time-out, none of them late."""
    for _ in range(count):
        send(b"x")
        time.sleep(SECONDS / 10)


class TestHead:
    def test_a_head_that_stops_gets_408(self, weir, backend):
        server = backend()
        proxy = weir(single(server, timeouts={"head": VALUE}, **LOGGED))
        client = proxy.client()
        with no_sooner():
            client.send("GET / HTTP/1.1\r\nHos")
            assert_refused(client, 408, "head-timeout")
        untouched(server)
        assert outcome_of(proxy) == "head-timeout"

    def test_a_head_that_drips_gets_408_too(self, weir, backend):
        server = backend()
        client = weir(single(server, timeouts={"head": VALUE})).client()
        client.send("GET / HTTP/1.1\r\nX-Long: ")
        with no_sooner(), contextlib.suppress(OSError):
            drip(client.send, 12)
        with contextlib.suppress(Closed):
            assert_own_answer(client.response(), 408, "head-timeout", closes=True)
        untouched(server)

    def test_it_counts_from_the_first_byte(self, weir, backend):
        client = weir(single(backend(), timeouts={"head": VALUE})).client()
        for _ in range(2):
            time.sleep(SECONDS * 1.3)
            assert client.ask().status == 200

    def test_a_head_in_pieces_within_it_is_served(self, weir, backend):
        client = weir(single(backend(), timeouts={"head": "30s"})).client()
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
            client.send(bytes([byte]))
            time.sleep(0.002)
        assert client.response().status == 200


class TestKeepAlive:
    @pytest.mark.parametrize("requests", [0, 1])
    def test_an_idle_connection_ends_without_a_word(self, weir, backend, requests):
        client = weir(single(backend(), timeouts={"keep-alive": VALUE})).client()
        with no_sooner(LEAST if requests else LEAST * 0.9):
            for _ in range(requests):
                assert client.ask().status == 200
            assert client.ended()

    def test_each_request_starts_it_anew(self, weir, backend):
        value = f"{SECONDS * 2000:.0f}ms"
        client = weir(single(backend(), timeouts={"keep-alive": value})).client()
        for _ in range(4):
            assert client.ask().status == 200
            time.sleep(SECONDS * 0.7)
        assert client.ask().status == 200

    def test_it_does_not_count_while_a_request_runs(self, weir, backend):
        def late(connection):
            while connection.request() is not None:
                time.sleep(SECONDS * 1.5)
                connection.answer()

        client = weir(single(backend(late), timeouts={"keep-alive": VALUE})).client()
        assert client.ask().status == 200


def until_cut(connection):
    """Reads a request that the proxy gives up in the middle."""
    with contextlib.suppress(WireError):
        while connection.request() is not None:
            connection.answer()


class TestBody:
    @pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
    def test_a_body_that_stops_gets_408(self, weir, backend, framing):
        server = backend(until_cut)
        proxy = weir(single(server, timeouts={"body": VALUE}, **LOGGED))
        client = proxy.client()
        with no_sooner():
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nab")
            assert_refused(client, 408, "body-timeout")
        eventually(lambda: not server.open_connections)
        assert not server.requests
        assert outcome_of(proxy) == "body-timeout"

    def test_silence_counts_and_not_the_whole(self, weir, backend):
        server = backend()
        client = weir(single(server, timeouts={"body": VALUE})).client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n")
        drip(client.send, 15)
        assert client.response().status == 200
        assert len(server.requests[0].body) == 15

    def test_it_ends_with_the_answers_head(self, weir, backend):
        """Afterwards the pool's `stream` holds, so a client may be silent for longer."""

        def early(connection):
            connection.request_head()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            connection.exactly(10)
            connection.send("cd")

        client = weir(single(backend(early), timeouts={"body": VALUE})).client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        eventually(client.fill)
        time.sleep(SECONDS * 1.5)
        client.send(b"x" * 10)
        assert client.response().body == b"abcd"


def flood(size):
    """Answers with so many bytes that they cannot all wait in socket buffers."""

    def script(connection):
        while connection.request() is not None:
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
            for _ in range(size // 65536):
                connection.send(b"z" * 65536)

    return script


class TestSend:
    SIZE = 48 * 1024 * 1024

    def test_a_client_that_does_not_read_is_cut(self, weir, backend):
        proxy = weir(single(backend(flood(self.SIZE)), timeouts={"send": VALUE}, **LOGGED))
        client = proxy.client(receive_buffer=4096)
        with no_sooner():
            client.send_request()
            line = proxy.access(1, within=DEADLINE * 2)[0]
        assert line["outcome"] == "send-timeout"
        client.keeps = False
        with pytest.raises(Closed):
            client.response()

    def test_a_client_that_reads_slowly_is_served(self, weir, backend):
        proxy = weir(single(backend(flood(8 << 20)), timeouts={"send": VALUE}, **LOGGED))
        client = proxy.client(receive_buffer=65536)
        client.send_request()
        got = 0
        for _ in range(15):
            got += len(client.sock.recv(262_144))
            time.sleep(SECONDS / 10)
        while got < 8 << 20:
            data = client.sock.recv(1 << 20)
            assert data, "cut while it read"
            got += len(data)
        assert proxy.access(1)[0]["outcome"] == "ok"

    def trickle(self, proxy, sock, size):
        """Reads for three times the time-out, too slowly for the kernel to report room, then the
        rest; returns how much came and the line of the log."""
        got = 0
        for _ in range(30):
            got += len(sock.recv(32_768))
            time.sleep(SECONDS / 10)
        while data := sock.recv(1 << 20):
            got += len(data)
            if got > size:
                break
        return got, proxy.access(1)[0]

    def test_a_client_of_http2_that_reads_slowly_is_served(self, weir, backend):
        """What counts is what it acknowledges: windows as large as these hold nothing back."""
        listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
        server = backend(flood(self.SIZE))
        config = {"listeners": [listener], "servers": [server.address]}
        proxy = weir({**config, "timeouts": {"send": VALUE}, **LOGGED})
        client = H2Client(proxy, settings={4: (1 << 31) - 1}, receive_buffer=65536)
        client.credit((1 << 31) - 1 - 65535)
        client.open()
        got, line = self.trickle(proxy, client.stream.sock, self.SIZE)
        assert got > self.SIZE and line["outcome"] == "ok"

    # The largest that a file's answer may be.
    OWN = 4 << 20

    @pytest.mark.parametrize("http2", [False, True])
    def test_a_large_answer_of_the_file_is_timed_and_logged_like_any(self, weir, tmp_path, http2):
        (tmp_path / "large").write_bytes(b"z" * self.OWN)
        config = {
            "listeners": [{"address": "127.0.0.1:0", "http2": "cleartext"}],
            "routes": [{"respond": {"file": str(tmp_path / "large")}}],
            "timeouts": {"send": VALUE},
            **LOGGED,
        }
        proxy = weir(config)
        if http2:
            client = H2Client(proxy, settings={4: (1 << 31) - 1}, receive_buffer=65536)
            client.credit((1 << 31) - 1 - 65535)
            client.open()
            sock = client.stream.sock
        else:
            client = proxy.client(receive_buffer=65536)
            client.send_request()
            client.keeps = False
            sock = client.sock
        got, line = self.trickle(proxy, sock, self.OWN)
        assert got > self.OWN and line["outcome"] == "ok"
        assert line["bytes-out"] > self.OWN and line["duration"] > SECONDS * 2
        assert line["path"] == "/"

    def test_a_large_answer_of_the_file_that_is_cut_is_logged_so(self, weir, tmp_path):
        (tmp_path / "large").write_bytes(b"z" * self.OWN)
        routes = [{"respond": {"file": str(tmp_path / "large")}}]
        config = {"listen": "127.0.0.1:0", "routes": routes, "timeouts": {"send": VALUE}}
        proxy = weir({**config, **LOGGED})
        client = proxy.client(receive_buffer=4096)
        client.keeps = False
        with no_sooner():
            client.send_request()
            line = proxy.access(1, within=DEADLINE * 2)[0]
        assert line["outcome"] == "send-timeout" and line["bytes-out"] < self.OWN


def kernel_times(proxy):
    """TCP_USER_TIMEOUT of each connection that the proxy has, by a copy of its descriptor."""
    found = []
    process = os.pidfd_open(proxy.pid)
    for number in os.listdir(f"/proc/{proxy.pid}/fd"):
        copy = ctypes.CDLL(None).syscall(PIDFD_GETFD, process, int(number), 0)
        if copy < 0:
            continue
        if not stat.S_ISSOCK(os.fstat(copy).st_mode):
            os.close(copy)
            continue
        with socket.socket(fileno=copy) as sock, contextlib.suppress(OSError):
            sock.getpeername()
            found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
    os.close(process)
    return found


PIDFD_GETFD = 438


def test_the_kernel_cuts_nobody_by_a_time_of_its_own(weir, backend):
    """A shut window is for the time-outs of the file, on either side; what TCP_USER_TIMEOUT counts
    would come before them."""
    gate = threading.Event()
    server = backend(lambda connection: (connection.request(), gate.wait(DEADLINE)))
    proxy = weir({"workers": 1, **single(server)})
    client = proxy.client()
    client.keeps = False
    client.send_request()
    server.saw(1)
    times = kernel_times(proxy)
    gate.set()
    assert len(times) >= 2 and not any(times)


class TestTunnel:
    def opened(self, weir, backend):
        client = weir(single(backend(mirroring), timeouts={"tunnel": VALUE})).client()
        assert client.ask(fields=UPGRADE).status == 101
        return client

    def test_silence_on_both_sides_ends_it(self, weir, backend):
        client = self.opened(weir, backend)
        client.send(b"a")
        assert client.exactly(1) == b"a"
        with no_sooner(LEAST * 0.95):
            assert client.ended()

    def test_bytes_of_either_side_keep_it(self, weir, backend):
        client = self.opened(weir, backend)
        drip(lambda byte: (client.send(byte), client.exactly(1)), 20)
        client.send(b"end")
        assert client.exactly(3) == b"end"


def test_no_client_holds_a_worker(weir, backend):
    """Many slow clients of each kind leave others served at once."""
    proxy = weir({"workers": 1, **single(backend(until_cut))})
    for _ in range(50):
        proxy.client().send("GET / HTTP/1.1\r\nHo")
        proxy.client().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        proxy.client()
    done = threading.Event()

    def fast():
        for _ in range(20):
            assert proxy.ask().status == 200
        done.set()

    threading.Thread(target=fast, daemon=True).start()
    assert done.wait(DEADLINE), "slow clients held up fast ones"
