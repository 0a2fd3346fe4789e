"""Four endpoints of which one is slow, then another fails; and one run of a proxy before them."""

import json
import mmap
import os
import shutil
import struct
import time

from harness.machine import Process, ProcessorTime, busy_nanoseconds
from harness.measure import least_disturbed
from harness.peers import ONE, Peer, RunningPeer
from harness.prerequisites import run_folder

SLOTS = 8
MEAN_US = 8000
SLOWER = 10
FAIL_US = 1000
# How much slower each endpoint is in the warm-up, the first and the second phase; 0: it fails.
SLOWNESS = [(1, SLOWER, 1), (1, 1, 0), (1, 1, 1), (1, 1, 1)]
SLOW, FAILING = 0, 1
PHASES = ["first", "second"]
SCOPES = [*PHASES, "both"]

# What the four do in the first phase, the slow one at its slow speed. Requests per second.
CAPACITY = sum(SLOTS / (MEAN_US * speeds[1] / 1e6) for speeds in SLOWNESS)

OPTIONAL = ["weir-round-robin", "weir-random", "weir-least-bytes", "weir-prequal-probed",
            "haproxy-roundrobin", "nginx-retrying"]
DEFAULT = ["weir-latency-weighted", "weir-least-connections", "weir-prequal",
           "haproxy-leastconn", "haproxy-random", "nginx", "envoy", "caddy"]

_HAPROXY_WORDS = {"leastconn": "leastconn", "random": "random(2)", "roundrobin": "roundrobin"}
COMMANDS = {
    "weir": ("balance-weir.yaml", ["run", "{file}"], {}),
    "haproxy": ("balance-haproxy.cfg", ["-db", "-f", "{file}"], {}),
    "nginx": ("balance-nginx.conf", ["-p", "{folder}", "-e", "stderr", "-c", "{file}"], {}),
    "envoy": ("balance-envoy.yaml", ["-c", "{file}", "--concurrency", "1",
                                     "--disable-hot-restart", "--log-level", "error"], {}),
    "caddy": ("balance-Caddyfile", ["run", "--adapter", "caddyfile", "--config", "{file}"],
              {"GOMAXPROCS": "1", "XDG_DATA_HOME": "{folder}", "XDG_CONFIG_HOME": "{folder}"}),
}


def make_peer(name, path):
    """The peer of a name in DEFAULT or OPTIONAL."""
    program, _, variant = name.partition("-")
    template, command, environment = COMMANDS[program]
    values = {}
    if name == "weir-prequal-probed":
        values["BALANCE"] = "{strategy: prequal, probe: {path: /load}}"
    elif program == "weir":
        values["BALANCE"] = variant
    elif program == "haproxy":
        values["BALANCE"] = _HAPROXY_WORDS[variant]
    elif program == "nginx":
        again = " http_503" if variant == "retrying" else ""
        values["NEXT-UPSTREAM"] = "error timeout" + again
    return Peer(name, path, {ONE: [template]}, command, environment, values)


class Stage:
    """The page that endpoints and arrivals read times and faults from (see load/stage.h)."""

    _BYTES = 4096
    FAULTS = ["well", "hangs", "fails", "slow", "resets"]

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(self._BYTES)
            self._map = mmap.mmap(file.fileno(), self._BYTES)

    def set_changes(self, instants):
        struct.pack_into("=3Q", self._map, 0, *instants)

    def set_fault(self, index, fault):
        """From now on this ails the endpoint; one of FAULTS."""
        struct.pack_into("=Q", self._map, 64 + 64 * index + 48, self.FAULTS.index(fault))

    def endpoint(self, index):
        """Requests taken, and most requests inside, by phase."""
        words = struct.unpack_from("=8Q", self._map, 64 + 64 * index)
        return words[0:3], words[3:6]

    def checks(self, index):
        """Checks that the endpoint answered so far."""
        return struct.unpack_from("=Q", self._map, 64 + 64 * index + 56)[0]

    def close(self):
        self._map.close()


def sleep_until(nanoseconds):
    time.sleep(max(0, nanoseconds - time.monotonic_ns()) / 1e9)


class Bench:
    """One CPU for the proxy, one for everything else, and the length of the phases."""

    def __init__(self, programs, proxy_cpu, load_cpu, seconds, warm_up=1.0):
        self.programs = programs
        self.proxy_cpu = proxy_cpu
        self.load_cpu = load_cpu
        self.seconds = seconds
        self.warm_up = warm_up
        self.values = {}
        self.folder = run_folder()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, peer, rate, seed):
        """One run. Returns the sample; raises RuntimeError if it is worth nothing."""
        stage = Stage(os.path.join(self.folder, "stage"))
        endpoints = []
        try:
            for index, speeds in enumerate(SLOWNESS):
                endpoints.append(self._start_endpoint(index, speeds, stage))
            ports = [process.popen.stdout.readline() for process in endpoints]
            self.values = {f"BACKEND-{index + 1}": int(port) for index, port in enumerate(ports)}
            with RunningPeer(peer, self, connections=8192) as proxy:
                return self._measure(proxy, endpoints, stage, rate, seed)
        finally:
            for process in endpoints:
                process.stop()
            stage.close()

    def _start_endpoint(self, index, speeds, stage):
        return Process([self.programs["endpoint"], "--cpu", str(self.load_cpu),
                        "--stage", stage.path, "--index", str(index), "--slots", str(SLOTS),
                        "--slowness", ",".join(map(str, speeds)), "--fail-us", str(FAIL_US)],
                       self.load_cpu, pipe=True)

    def _measure(self, proxy, endpoints, stage, rate, seed):
        begin = time.monotonic_ns() + int((self.warm_up + 0.05) * 1e9)
        change = begin + int(self.seconds * 1e9)
        end = change + int(self.seconds * 1e9)
        stage.set_changes([begin, change, end])
        log = os.path.join(proxy.folder, "arrivals")
        client = Process([self.programs["arrivals"], "--cpu", str(self.load_cpu),
                          "--port", str(proxy.port), "--stage", stage.path,
                          "--rate", str(rate), "--work-us", str(MEAN_US), "--seed", str(seed)],
                         self.load_cpu, log=log)
        try:
            sleep_until(begin)
            groups = {"proxy": proxy.process.pids(),
                      "load": [client.pid, *[process.pid for process in endpoints]]}
            before = self._snapshot(groups)
            sleep_until(end)
            after = self._snapshot(groups)
            client.popen.wait(15)
            result = json.loads(client.log_text())
        except (OSError, ValueError) as error:
            raise RuntimeError(f"{proxy.peer.name}: the run broke off: {error}\n"
                               f"{client.log_text()}{proxy.process.log_text()}") from error
        finally:
            client.stop()
        return self._sample(result, before, after, stage)

    def _snapshot(self, groups):
        return {"time": time.monotonic_ns(),
                "own": {name: ProcessorTime(pids) for name, pids in groups.items()},
                "busy": self.busy()}

    def busy(self):
        """Nanoseconds that the proxy's and the load's CPU worked so far."""
        return [busy_nanoseconds(cpu) for cpu in (self.proxy_cpu, self.load_cpu)]

    def _sample(self, result, before, after, stage):
        window = after["time"] - before["time"]
        own = {name: reading.since(before["own"][name]) / window
               for name, reading in after["own"].items()}
        busy = [(now - then) / window for now, then in zip(after["busy"], before["busy"])]
        taken, most = zip(*[stage.endpoint(index) for index in range(len(SLOWNESS))])
        requests = [max(1, result[phase]["requests"]) for phase in PHASES]
        return {
            **result,
            "busy": sum(busy) / 2,
            "proxy_cpu": own["proxy"],
            "load_cpu": own["load"],
            "other": max(0.0, sum(busy) - sum(own.values())) / 2,
            "taken": [list(counts) for counts in taken],
            "most": [list(counts) for counts in most],
            "slow_share": taken[SLOW][1] / requests[0],
            "failing_share": taken[FAILING][2] / requests[1],
        }


def wait_for_calm(bench, most_other, patience):
    """Waits until the CPUs have little to do, or for `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before, then = bench.busy(), time.monotonic_ns()
        time.sleep(0.25)
        window = 2 * (time.monotonic_ns() - then)
        if (sum(bench.busy()) - sum(before)) / window <= most_other:
            return


def measure(bench, peer, rate, seed, most_other, tries, patience):
    """One sample, begun when the CPUs have little to do: the least disturbed one."""
    def attempt():
        wait_for_calm(bench, most_other, patience)
        return bench.run(peer, rate, seed)

    return least_disturbed(attempt, most_other, tries, "perf/balance")
