"""gRPC with bytes for messages, which needs no protobuf: a server, clients, and its health."""

import os
import threading
from concurrent import futures

# The proxy is started beside it, by a fork that has nothing to do with it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import grpc  # noqa: E402

from harness.wait import DEADLINE

UNAVAILABLE, DEADLINE_EXCEEDED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED


class Service:
    """The methods of `/test.Echo/…`, and those of `grpc.health.v1.Health`."""

    def __init__(self):
        self.metadata = []
        self.remaining = []
        self.cancelled = threading.Event()
        self.started = threading.Event()
        self.calls = 0
        # By service: whether it serves; what is missing is unknown.
        self.serving = {"": True}

    def note(self, context):
        self.calls += 1
        self.metadata.append(dict(context.invocation_metadata()))
        self.remaining.append(context.time_remaining())

    def unary(self, request, context):
        self.note(context)
        context.set_trailing_metadata([("x-trailer", "last")])
        return b"echo:" + request

    def fails(self, request, context):
        self.note(context)
        context.abort(grpc.StatusCode[request.decode()], "as asked")

    def counts(self, request, context):
        self.note(context)
        for number in range(int(request)):
            yield b"%d" % number

    def sums(self, requests, context):
        self.note(context)
        return b"%d" % sum(len(one) for one in requests)

    def chats(self, requests, context):
        self.note(context)
        for one in requests:
            yield b"re:" + one

    def waits(self, request, context):
        self.note(context)
        context.add_callback(self.cancelled.set)
        self.started.set()
        self.cancelled.wait(DEADLINE)
        return b""

    def half(self, request, context):
        """One message, then nothing."""
        self.note(context)
        context.add_callback(self.cancelled.set)
        yield b"first"
        self.started.set()
        self.cancelled.wait(DEADLINE)

    def check(self, request, context):
        self.note(context)
        name = request[2:].decode() if request else ""
        if name not in self.serving:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown")
        return b"\x08\x01" if self.serving[name] else b"\x08\x02"


class Server:
    """A server of gRPC, in cleartext or with a `pair` over TLS."""

    def __init__(self, pair=None, options=(), port=0):
        self.service = service = Service()
        self.server = grpc.server(futures.ThreadPoolExecutor(64), options=list(options))
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        echo = {
            "Unary": unary(service.unary),
            "Fails": unary(service.fails),
            "Waits": unary(service.waits),
            "Counts": stream(service.counts),
            "Half": stream(service.half),
            "Sums": grpc.stream_unary_rpc_method_handler(service.sums),
            "Chats": grpc.stream_stream_rpc_method_handler(service.chats),
        }
        health = {"Check": unary(service.check)}
        self.server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("test.Echo", echo),
                grpc.method_handlers_generic_handler("grpc.health.v1.Health", health),
            )
        )
        place = f"127.0.0.1:{port}"
        if pair is None:
            self.port = self.server.add_insecure_port(place)
        else:
            with open(pair.key_file, "rb") as key, open(pair.certificate_file, "rb") as chain:
                credentials = grpc.ssl_server_credentials([(key.read(), chain.read())])
            self.port = self.server.add_secure_port(place, credentials)
        self.address = f"127.0.0.1:{self.port}"
        self.server.start()

    def close(self, grace=None):
        self.service.cancelled.set()
        self.server.stop(grace).wait(DEADLINE)


class Stub:
    """A client of the proxy, in cleartext or with an `authority` over TLS."""

    def __init__(self, proxy, authority=None, listener=0, address=None):
        place = address or proxy.urls[listener].split("://")[1].rstrip("/")
        options = [("grpc.enable_retries", 0)]
        if authority is None:
            self.channel = grpc.insecure_channel(place, options)
        else:
            with open(authority.file, "rb") as file:
                credentials = grpc.ssl_channel_credentials(file.read())
            options.append(("grpc.ssl_target_name_override", "example.test"))
            self.channel = grpc.secure_channel(place, credentials, options)
        name = "/test.Echo/"
        self.unary = self.channel.unary_unary(name + "Unary")
        self.fails = self.channel.unary_unary(name + "Fails")
        self.waits = self.channel.unary_unary(name + "Waits")
        self.missing = self.channel.unary_unary(name + "Missing")
        self.counts = self.channel.unary_stream(name + "Counts")
        self.half = self.channel.unary_stream(name + "Half")
        self.sums = self.channel.stream_unary(name + "Sums")
        self.chats = self.channel.stream_stream(name + "Chats")

    def close(self):
        self.channel.close()


def failure(call):
    """The status with which a call fails."""
    try:
        call()
    except grpc.RpcError as problem:
        return problem.code()
    raise AssertionError("the call did not fail")
