"""TLS over sockets, in memory, so that every record is in the test's hands."""

import socket
import ssl
import subprocess
import threading

from harness.client import Client, connect
from harness.wait import DEADLINE, scaled
from harness.wire import Stream


class Truncated(ConnectionError):
    """The stream ended without close_notify: somebody else may have cut it."""


def client_context(authority=None, alpn=("http/1.1",), pair=None, newest=None, oldest=None):
    """What a client wants of TLS; without `authority` it takes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority.file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if pair is not None:
        context.load_cert_chain(pair.certificate_file, pair.key_file)
    _bound(context, oldest, newest)
    return context


def server_context(pair, alpn=(), clients=None, newest=None, oldest=None):
    """How a backend speaks TLS; `clients` is the authority of the certificates it asks for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate_file, pair.key_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if clients is not None:
        context.load_verify_locations(clients.file)
        context.verify_mode = ssl.CERT_REQUIRED
    _bound(context, oldest, newest)
    return context


def _bound(context, oldest, newest):
    # Python takes a stream that was cut for one that ended.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if oldest is not None:
        context.minimum_version = oldest
    if newest is not None:
        context.maximum_version = newest


class SecureSocket:
    """A socket that speaks TLS; its methods are those of a socket that `Stream` uses.

    Unlike `ssl.SSLSocket` it tells an end with close_notify from one without, and can say
    close_notify without waiting for the other side's.
    """

    def __init__(self, sock, context, server_side=False, server_name=None, session=None):
        self.raw = sock
        # One thread may send while another receives: records must leave in their order.
        self.lock = threading.RLock()
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming,
            self.outgoing,
            server_side=server_side,
            server_hostname=None if server_side else server_name,
            session=session,
        )

    def flush(self):
        """Sends the records that are ready."""
        with self.lock:
            if data := self.outgoing.read():
                self.raw.sendall(data)

    def step(self):
        """Goes on with the handshake as far as what has come allows; True once it is done."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def receive(self):
        """Takes in more records; False at the end of the stream."""
        data = self.raw.recv(262144)
        with self.lock:
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()
        return bool(data)

    def handshake(self):
        """The whole handshake; `ssl.SSLError` says why it failed."""
        try:
            while not self.step():
                self.flush()
                if not self.receive():
                    raise Truncated("the stream ended in the handshake")
        finally:
            try:
                self.flush()
            except OSError:
                pass
        return self

    def recv(self, size):
        while True:
            try:
                with self.lock:
                    return self.tls.read(size)
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLEOFError as problem:
                raise Truncated("the stream ended without close_notify") from problem
            except ssl.SSLError as problem:
                raise ConnectionError(str(problem)) from problem

    def sendall(self, data):
        view = memoryview(data)
        while view:
            with self.lock:
                count = self.tls.write(view[:65536])
                self.flush()
            view = view[count:]

    def say_end(self):
        """Sends close_notify and waits for nothing."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()

    def shutdown(self, how):
        if how != socket.SHUT_RD:
            self.say_end()
        self.raw.shutdown(how)

    def close(self):
        self.raw.close()

    def __getattr__(self, name):
        return getattr(self.raw, name)


class SecureClient(Client):
    """One connection to the proxy by TLS; its handshake is done unless `handshake` is false."""

    def __init__(
        self,
        address,
        context=None,
        server_name="example.test",
        session=None,
        timeout=DEADLINE,
        receive_buffer=None,
        handshake=True,
    ):
        sock = connect(address, timeout, receive_buffer)
        secure = SecureSocket(
            sock, context or client_context(), server_name=server_name, session=session
        )
        Stream.__init__(self, secure, timeout)
        if handshake:
            try:
                secure.handshake()
            except BaseException:
                sock.close()
                raise

    @property
    def tls(self):
        return self.sock.tls

    @property
    def serial(self):
        """The number of the certificate that the proxy showed; the client must check it."""
        return int(self.tls.getpeercert()["serialNumber"], 16)

    def reset(self):
        """Closes with a TCP reset, without a word of TLS."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def cut(self):
        """Ends the TCP stream without close_notify, as an attacker could."""
        self.sock.raw.shutdown(socket.SHUT_WR)


def secure(proxy, context=None, listener=0, **options):
    """A connection by TLS to the proxy, closed with it."""
    from harness.proxy import parse_address

    client = SecureClient(parse_address(proxy.urls[listener]), context, **options)
    proxy.clients.append(client)
    return client


def secure_listener(certificates, *more, **keys):
    """A listener with TLS; `keys` are those of `tls`."""
    pairs = [one.entry for one in [certificates, *more]]
    return {"address": "127.0.0.1:0", "tls": {"certificates": pairs, **keys}}


def upstream_tls(certificates, **keys):
    """`tls` of a pool whose servers show `certificates.site`; a key that is None is left out."""
    known = {"server-name": "example.test", "authority": str(certificates.authority.file)}
    return {key: value for key, value in {**known, **keys}.items() if value is not None}


def s_client(proxy, *options, given="Q\n", listener=0):
    """What `openssl s_client` prints."""
    host, port = proxy.urls[listener].split("://")[1].rstrip("/").rsplit(":", 1)
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", *map(str, options)]
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=scaled(20),
    )
    return done.stdout + done.stderr
