"""What befalls four endpoints in each scenario of `perf/faults`, and one run before them."""

import json
import os
import shutil
import time
from dataclasses import dataclass, field

from harness import records
from harness.machine import Process, ProcessorTime, busy_nanoseconds
from harness.peers import ONE, Peer, RunningPeer
from harness.prerequisites import run_folder
from harness.scenario import COMMANDS, Stage, sleep_until

PROXIES = ["weir", "haproxy", "nginx", "envoy", "caddy"]
ENDPOINTS = 4
SLOTS = 8
MEAN_US = 5000
FAIL_US = 1000
# What every configuration under peers/faults-* gives one try, in seconds.
TRY_TIMEOUT = 0.5
# After this the client takes a request for failed, in seconds.
PATIENCE = 3
# The endpoint to which things happen where they happen to one only.
FAULTY = 0
_SECOND = 1_000_000_000


def make_peer(name, path, template=None):
    """The peer of a name in PROXIES; `template` replaces its committed configuration."""
    standard, command, environment = COMMANDS[name]
    chosen = template or standard.replace("balance-", "faults-")
    return Peer(name, path, {ONE: [chosen]}, command, environment)


@dataclass
class Window:
    """From one fault to the next one, or to the end of the run: nanoseconds."""

    begin: int
    end: int = 0


@dataclass
class Run:
    """Endpoints under load. A scenario's script calls it; it writes down what happened when."""

    bench: object
    stage: Stage
    pace: float
    endpoints: list = field(default_factory=list)
    addresses: list = field(default_factory=list)
    windows: list = field(default_factory=list)
    healed: int = 0
    # The proxy, streams through it, and how long each of its changes took, in seconds.
    proxy: object = None
    streams: object = None
    took: list = field(default_factory=list)

    def log(self, index):
        """The file that this endpoint writes its events to."""
        return os.path.join(self.bench.folder, f"events-{index}")

    def launch(self, index):
        """Starts the endpoint, again on the address it had."""
        host = f"127.0.0.{index + 2}"
        port = self.addresses[index][1] if index < len(self.addresses) else 0
        process = Process([self.bench.programs["endpoint"], "--cpu", str(self.bench.load_cpu),
                           "--stage", self.stage.path, "--index", str(index),
                           "--slots", str(SLOTS), "--fail-us", str(FAIL_US),
                           "--address", host, "--port", str(port), "--graceful", "1",
                           "--records", self.log(index)], self.bench.load_cpu, pipe=True)
        line = process.popen.stdout.readline()
        if index == len(self.endpoints):
            self.endpoints.append(process)
            self.addresses.append((host, int(line)))
            return
        self.endpoints[index].stop()
        self.endpoints[index] = process
        if not line:
            raise RuntimeError(f"endpoint {index + 1} could not listen again")

    def wait(self, seconds):
        """Lets this time go by, longer or shorter by --pace."""
        time.sleep(seconds * self.pace)

    def wait_until(self, begin, seconds):
        """Until this time has gone by since an instant."""
        sleep_until(begin + int(seconds * self.pace * _SECOND))

    def fault(self):
        """A fault begins now."""
        now = time.monotonic_ns()
        if self.windows:
            self.windows[-1].end = now
        self.windows.append(Window(now))

    def kill(self, index):
        """As `kill -9` does."""
        self.endpoints[index].popen.kill()
        self.endpoints[index].popen.wait()

    def end_gracefully(self, index):
        """SIGTERM, and waiting until it has finished what it had."""
        self.endpoints[index].popen.terminate()
        self.endpoints[index].popen.wait(10)

    def ail(self, fault, seconds):
        """Something ails the faulty endpoint for this long."""
        self.fault()
        self.stage.set_fault(FAULTY, fault)
        self.wait(seconds)
        self.stage.set_fault(FAULTY, "well")
        self.healed = time.monotonic_ns()


def _kill_and_start(run):
    for _ in range(5):
        run.fault()
        run.kill(FAULTY)
        run.wait(1)
        run.launch(FAULTY)
        run.wait(1.5)


def _all_fail(run):
    run.fault()
    for index in range(ENDPOINTS):
        run.kill(index)
    run.wait(5)
    for index in range(ENDPOINTS):
        run.launch(index)
    run.healed = time.monotonic_ns()
    run.wait(7)


def _restart_all(run):
    for index in range(ENDPOINTS):
        run.fault()
        run.end_gracefully(index)
        run.wait(0.5)
        run.launch(index)
        run.wait(1.5)


def _ailing(fault, seconds, afterwards):
    def script(run):
        run.ail(fault, seconds)
        run.wait(afterwards)

    return script


@dataclass(frozen=True)
class Scenario:
    """One thing that goes wrong. `notices`: seconds from a request to the failure it shows.

    `fresh`: the share of requests that have a connection of their own.
    """

    letter: str
    title: str
    script: object
    is_one_ailing: bool = False
    notices: float = 0.0
    fresh: float = 0.0


SCENARIOS = [
    Scenario("a", "one is killed and started again a second later, five times", _kill_and_start),
    Scenario("b", "one accepts but never answers for 5 s", _ailing("hangs", 5, 2), True,
             TRY_TIMEOUT),
    Scenario("c", "one answers 500 in 1 ms for 5 s; its checks pass", _ailing("fails", 5, 2), True,
             FAIL_US / 1e6),
    Scenario("d", "one is ten times slower for 10 s", _ailing("slow", 10, 1), True),
    Scenario("e", "one resets every tenth connection for 6 s", _ailing("resets", 6, 1), True),
    Scenario("f", "all are killed and started again 5 s later", _all_fail),
    Scenario("g", "all are restarted gracefully, one after the other", _restart_all),
]


class Bench:
    """One CPU for the proxy, one for everything else; the load; and how fast time goes by."""

    def __init__(self, programs, proxy_cpu, load_cpu, rate, posts, pace, warm_up=2.0):
        self.programs = programs
        self.proxy_cpu = proxy_cpu
        self.load_cpu = load_cpu
        self.rate = rate
        self.posts = posts
        self.pace = pace
        self.warm_up = warm_up
        self.values = {}
        self.folder = run_folder()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def busy(self):
        """Nanoseconds that the proxy's and the load's CPU worked so far."""
        return [busy_nanoseconds(cpu) for cpu in (self.proxy_cpu, self.load_cpu)]

    def run(self, peer, scenario, seed):
        """One run: requests, events by endpoint, and the `Run`. RuntimeError: worth nothing."""
        stage = Stage(os.path.join(self.folder, "stage"))
        run = Run(self, stage, self.pace)
        try:
            for index in range(ENDPOINTS):
                if os.path.exists(run.log(index)):
                    os.unlink(run.log(index))
                run.launch(index)
            self.values = {}
            for index, (host, port) in enumerate(run.addresses):
                self.values.update({f"BACKEND-{index + 1}": f"{host}:{port}",
                                    f"HOST-{index + 1}": host, f"PORT-{index + 1}": port})
            with RunningPeer(peer, self, connections=8192) as proxy:
                requests, other = self._load(proxy, run, scenario, seed)
                if not proxy.process.running() and not run.took:
                    raise RuntimeError(f"{peer.name} ended:\n{proxy.process.log_text()}")
            events = [records.endpoint_events(run.log(index)) for index in range(ENDPOINTS)]
            return requests, events, run, other
        finally:
            for process in run.endpoints:
                process.stop()
            stage.close()

    def _load(self, proxy, run, scenario, seed):
        log = os.path.join(self.folder, "arrivals")
        written = os.path.join(self.folder, "requests")
        for path in (log, written):
            if os.path.exists(path):
                os.unlink(path)
        begin = time.monotonic_ns() + int(self.warm_up * _SECOND)
        run.stage.set_changes([begin, begin, begin + 3600 * _SECOND])
        client = Process([self.programs["arrivals"], "--cpu", str(self.load_cpu),
                          "--port", str(proxy.port), "--stage", run.stage.path,
                          "--rate", str(self.rate), "--posts", str(self.posts),
                          "--work-us", str(MEAN_US), "--seed", str(seed),
                          "--fresh", str(scenario.fresh),
                          "--patience", str(PATIENCE), "--records", written],
                         self.load_cpu, log=log)
        try:
            sleep_until(begin)
            before = self._snapshot(proxy, client)
            run.proxy = proxy
            scenario.script(run)
            # Processes that ended have taken their times along: nothing can be said then.
            other = None if run.took else self._other(before, self._snapshot(proxy, client))
            run.windows[-1].end = time.monotonic_ns()
            run.stage.set_changes([begin, begin, run.windows[-1].end])
            client.popen.wait(PATIENCE + 5)
            json.loads(client.log_text())
        except (OSError, ValueError, TimeoutError) as error:
            raise RuntimeError(f"{proxy.peer.name}: the run broke off: {error}\n"
                               f"{client.log_text()}{proxy.process.log_text()}") from error
        finally:
            client.stop()
        return records.client_requests(written), other

    def _snapshot(self, proxy, client):
        pids = [*proxy.process.pids(), client.pid]
        return time.monotonic_ns(), sum(self.busy()), ProcessorTime(pids)

    @staticmethod
    def _other(before, after):
        """The share of the two CPUs that went to something else than proxy and client.

        The endpoints are among it, a few per cent: those that were killed take their times along.
        """
        window = 2 * (after[0] - before[0])
        return max(0.0, (after[1] - before[1] - after[2].since(before[2])) / window)
