"""The rows, and one measurement of one proxy on one row."""

import ctypes
import json
import mmap
import os
import shutil
import time

from harness.machine import Process, ProcessorTime, busy_nanoseconds, resident_bytes
from harness.peers import BOTH, HOSTS, HTTP2, LOG, ONE, TLS, TRACE, RunningPeer
from harness.prerequisites import make_certificate, run_folder, say

_SUB_BUCKETS = 128
_BUCKETS = 4480
_FIELDS = ["requests", "errors", "opened", "open", "bytes", "settled"]


class Row:
    """A kind of load. `hosts`: how many routes by host the proxy has; None: one route for all.

    `kind`: what the proxy is set up for; `streams`: how many requests of HTTP/2 each connection
    has under way, 0 where the client speaks HTTP/1.
    """

    def __init__(self, name, title, arguments, connections=64, size=100, hosts=None, idle=False,
                 keeps_alive=True, kind=None, streams=0):
        self.name = name
        self.title = title
        self.arguments = arguments
        self.connections = connections
        self.size = size
        self.hosts = hosts
        self.idle = idle
        self.keeps_alive = keeps_alive
        self.kind = kind or (HOSTS if hosts else ONE)
        self.streams = streams

    @property
    def is_secure(self):
        """Whether its clients speak TLS."""
        return self.kind in (TLS, HTTP2, BOTH)

    def warm_up(self):
        """A row of the same kind that keeps its few connections alive."""
        arguments = ["--tls"] if self.is_secure and not self.streams else []
        return Row("warm", "", arguments, kind=self.kind, streams=self.streams)


ROWS = [
    Row("get-100", "100 B answers, 64 kept-alive connections", []),
    Row("get-10k", "10 KiB answers, 64 kept-alive connections", [], size=10240),
    Row("get-1m", "1 MiB answers, 16 kept-alive connections", [], connections=16, size=1048576),
    Row("new-connection", "100 B answers, a new connection per request, 64 at once",
        ["--new-connections"], keeps_alive=False),
    Row("post-16k", "16 KiB posts, 64 kept-alive connections", ["--post", "16384"]),
    Row("hosts-1", "100 B answers, 1 host", [], hosts=1),
    Row("hosts-1000", "100 B answers, 1,000 hosts in turn", [], hosts=1000),
    Row("idle", "idle kept-alive connections", ["--idle"], idle=True, connections=10000),
    Row("log-100", "100 B answers with an access log, 64 kept-alive connections", [], kind=LOG),
    Row("trace-100", "100 B answers in traces, 64 kept-alive connections", [], kind=TRACE),
    Row("tls-100", "100 B answers over TLS, 64 kept-alive connections", ["--tls"], kind=TLS),
    Row("tls-1m", "1 MiB answers over TLS, 16 kept-alive connections", ["--tls"], connections=16,
        size=1048576, kind=TLS),
    Row("tls-full", "100 B answers, a full TLS handshake per request, 64 at once",
        ["--tls", "--new-connections"], keeps_alive=False, kind=TLS),
    Row("tls-resumed", "100 B answers, a resumed TLS handshake per request, 64 at once",
        ["--resume", "--new-connections"], keeps_alive=False, kind=TLS),
    Row("h2-100", "100 B answers by HTTP/2 over TLS, 16 connections of 32 streams", [],
        connections=16, streams=32, kind=HTTP2),
    Row("h2-10k", "10 KiB answers by HTTP/2 over TLS, 16 connections of 32 streams", [],
        connections=16, streams=32, size=10240, kind=HTTP2),
    Row("h2-h2-100", "100 B answers by HTTP/2 over TLS and from the server by HTTP/2", [],
        connections=16, streams=32, kind=BOTH),
    Row("idle-tls", "idle kept-alive connections over TLS", ["--tls", "--idle"], idle=True,
        connections=10000, kind=TLS),
    Row("idle-h2", "idle connections of HTTP/2 over TLS", ["--idle"], idle=True,
        connections=10000, kind=HTTP2, streams=1),
]


class _Counters:
    """The counters that client and backend share with us (see load/shared.h)."""

    def __init__(self, path):
        size = 8 * (8 + _BUCKETS)
        with open(path, "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self._words = (ctypes.c_uint64 * (8 + _BUCKETS)).from_buffer(self._map)

    def read(self):
        words = list(self._words)
        values = dict(zip(_FIELDS, words))
        values["histogram"] = words[8:]
        return values


def _quantile(histogram, quantile):
    """Microseconds; the middle of the bucket."""
    wanted, seen = quantile * sum(histogram), 0
    for index, count in enumerate(histogram):
        seen += count
        if count and seen >= wanted:
            if index < _SUB_BUCKETS:
                return index / 1e3
            shift = index // _SUB_BUCKETS - 1
            return ((_SUB_BUCKETS + index % _SUB_BUCKETS + 0.5) * (1 << shift)) / 1e3
    return 0.0


class Bench:
    """The backend, and the CPUs: one for the proxy, one for everything else."""

    def __init__(self, programs, proxy_cpu, load_cpu, seconds, warm_up=0.7):
        self.programs = programs
        self.proxy_cpu = proxy_cpu
        self.load_cpu = load_cpu
        self.seconds = seconds
        self.warm_up = warm_up
        self.folder = run_folder()
        self._backends, self._backend_counters = [], {}
        self.values = {
            "BACKEND": self._start_backend("backend"),
            "STREAMS-BACKEND": self._start_backend("streams_backend"),
            **make_certificate(programs["openssl"], self.folder),
        }

    def _start_backend(self, name):
        """The port of a backend that is started."""
        self._backend_counters[name] = _Counters(self._path(name))
        process = Process([self.programs[name], "--cpu", str(self.load_cpu),
                           "--counters", self._path(name)], self.load_cpu, pipe=True)
        self._backends.append(process)
        return int(process.popen.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._backends:
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def start_client(self, peer, row, arguments, connections=None):
        """A client and its counters."""
        counters = _Counters(self._path("client"))
        program = "streams" if row.streams else "client"
        command = [self.programs[program], "--cpu", str(self.load_cpu),
                   "--port", str(peer.port), "--size", str(row.size),
                   "--connections", str(connections or row.connections),
                   "--streams" if row.streams else "--hosts",
                   str(row.streams or row.hosts or 1), "--counters", self._path("client")]
        log = os.path.join(peer.folder, "client")
        client = Process(command + row.arguments + arguments, self.load_cpu, log=log)
        return client, counters

    def _snapshot(self, pids, row, client_counters):
        backend = "streams_backend" if row.kind == BOTH else "backend"
        return {
            "time": time.monotonic(),
            "processor": ProcessorTime(pids),
            "client": client_counters.read(),
            "backend": self._backend_counters[backend].read(),
            "busy": busy_nanoseconds(self.proxy_cpu),
            "load_busy": busy_nanoseconds(self.load_cpu),
        }

    def load(self, peer, row):
        """Runs one loaded row. Returns the sample; raises if an answer was not right."""
        with RunningPeer(peer, self, row.hosts, kind=row.kind) as running:
            client, counters = self.start_client(running, row, [])
            try:
                time.sleep(self.warm_up)
                pids = running.process.pids()
                before = self._snapshot(pids, row, counters)
                time.sleep(self.seconds)
                after = self._snapshot(pids, row, counters)
                memory = resident_bytes(pids)
            except OSError as error:
                raise RuntimeError(f"{peer.name} ended: {running.process.log_text()}") from error
            finally:
                client.stop()
            errors = self._problem(row, peer, before, after)
            if errors:
                text = client.log_text() + running.process.log_text()
                raise RuntimeError(f"{peer.name}, {row.name}: {errors}\n{text}")
            return self._sample(before, after, memory)

    @staticmethod
    def _difference(before, after, side, field):
        return after[side][field] - before[side][field]

    def _problem(self, row, peer, before, after):
        """What makes a measurement worthless, or None."""
        requests = self._difference(before, after, "client", "requests")
        opened = self._difference(before, after, "client", "opened")
        upstream = self._difference(before, after, "backend", "opened")
        if after["client"]["errors"]:
            return f"{after['client']['errors']} errors at the client"
        if self._difference(before, after, "backend", "errors"):
            return "errors at the backend"
        if requests < row.connections:
            return f"only {requests} requests"
        if row.keeps_alive and opened:
            return f"{opened} connections were not kept alive by the proxy"
        # Streams want many connections at once, as many as there are or fewer.
        allowed = requests * (0.03 if row.streams else 0.01) + row.connections
        if (row.keeps_alive or peer.name != "floor") and upstream > allowed:
            return f"{upstream} connections to the backend for {requests} requests"
        if abs(self._difference(before, after, "client", "bytes") - requests * row.size) \
                > 2 * row.connections * max(1, row.streams) * row.size:
            return "sizes of answers do not add up"
        return None

    def _sample(self, before, after, memory):
        requests = self._difference(before, after, "client", "requests")
        window = after["time"] - before["time"]
        own = after["processor"].since(before["processor"])
        histogram = [now - then for now, then in
                     zip(after["client"]["histogram"], before["client"]["histogram"])]
        return {
            "cpu": own / requests / 1e3,
            "rate": requests / window,
            "p50": _quantile(histogram, 0.5),
            "p99": _quantile(histogram, 0.99),
            "memory": memory,
            "load": own / window / 1e9,
            "other": (after["busy"] - before["busy"] - own) / window / 1e9,
            "load_cpu_busy": (after["load_busy"] - before["load_busy"]) / window / 1e9,
            "requests": requests,
            "upstream_opened": self._difference(before, after, "backend", "opened"),
        }

    def idle(self, peer, row, connections):
        """Memory per idle connection, after each has done one request."""
        with RunningPeer(peer, self, connections=connections + 100, kind=row.kind) as running:
            client, _ = self.start_client(running, row.warm_up(), [])
            time.sleep(self.warm_up)
            client.stop()
            time.sleep(0.5)
            pids = running.process.pids()
            before = resident_bytes(pids)
            client, counters = self.start_client(running, row, [], connections)
            try:
                deadline = time.monotonic() + 60
                while not counters.read()["settled"]:
                    if time.monotonic() > deadline or not client.running():
                        raise RuntimeError(
                            f"{peer.name}: idle connections are not complete:"
                            f" {counters.read()['open']}\n{client.log_text()}")
                    time.sleep(0.05)
                time.sleep(1)
                after = resident_bytes(pids)
                state = counters.read()
                if state["errors"] or state["open"] != connections:
                    raise RuntimeError(f"{peer.name}: idle connections were closed\n"
                                       f"{client.log_text()}")
            finally:
                client.stop()
            return {"memory": (after - before) / connections, "other": 0.0,
                    "resident": after}


def least_disturbed(attempt, most_other, tries, program):
    """One sample of `attempt()`, repeated while other work took too much of the CPU.

    A measurement that failed is repeated too; the sample's `failures` say why, at most three
    times. After the last try the least disturbed sample counts, marked `disturbed`; if none
    succeeded, the failure is raised.
    """
    best, failures, problem = None, [], None
    for _ in range(tries):
        try:
            sample = attempt()
        except RuntimeError as error:
            say(f"{program}: {error}")
            failures.append(str(error).splitlines()[0])
            problem = error
            if len(failures) == 3:
                break
            continue
        if best is None or sample["other"] < best["other"]:
            best = sample
        if best["other"] <= most_other:
            break
    if best is None:
        raise problem
    best["disturbed"] = best["other"] > most_other
    best["failures"] = failures
    return best


def measure(bench, row, peer, connections, most_other, tries):
    """One sample of a row and a peer: the least disturbed one."""
    def attempt():
        return bench.idle(peer, row, connections) if row.idle else bench.load(peer, row)

    return least_disturbed(attempt, most_other, tries, "perf/compare")


def as_json(value):
    return json.dumps(value, indent=1, sort_keys=True)
