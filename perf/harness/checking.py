"""What checking many endpoints costs Weir: one run of `perf/checks`, with checks or without."""

import json
import os
import shutil
import time

from harness.machine import Process, ProcessorTime, busy_nanoseconds
from harness.measure import least_disturbed
from harness.peers import ONE, Peer, RunningPeer
from harness.prerequisites import run_folder
from harness.scenario import Stage, sleep_until, wait_for_calm

WORK_US = 200
# Endpoint 0 of the stage serves the requests, endpoint 1 all that is checked.
_SERVING, _CHECKED = 0, 1
_SECOND = 1_000_000_000
# How often the number of checks is read, to see bursts.
_TICK = 0.1


def addresses(count, port):
    """So many loopback addresses of one server, 127.1.0.0 and up."""
    return [f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}:{port}"
            for number in range(count)]


class Bench:
    """Two CPUs, of which Weir has one to itself; the load; and how long it lasts."""

    def __init__(self, programs, proxy_cpu, load_cpu, options):
        self.programs = programs
        self.proxy_cpu = proxy_cpu
        self.load_cpu = load_cpu
        self.options = options
        self.values = {}
        self.folder = run_folder()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def busy(self):
        """Nanoseconds that Weir's and the load's CPU worked so far."""
        return [busy_nanoseconds(cpu) for cpu in (self.proxy_cpu, self.load_cpu)]

    def run(self, with_checks):
        """One run. Returns the sample; raises RuntimeError if it is worth nothing."""
        stage = Stage(os.path.join(self.folder, "stage"))
        servers = []
        try:
            for index, host in [(_SERVING, "127.0.0.1"), (_CHECKED, "0.0.0.0")]:
                servers.append(Process(
                    [self.programs["endpoint"], "--cpu", str(self.load_cpu),
                     "--stage", stage.path, "--index", str(index), "--address", host],
                    self.load_cpu, pipe=True))
            serving, checked = [int(server.popen.stdout.readline()) for server in servers]
            health = f"health: {{path: /healthz, every: {self.options.every}s}}"
            self.values = {
                "BACKEND": f"127.0.0.1:{serving}",
                "SERVERS": ", ".join(f'"{one}"'
                                     for one in addresses(self.options.endpoints, checked)),
                "HEALTH": health if with_checks else "",
            }
            peer = Peer("weir", self.programs["weir"], {ONE: ["checks-weir.yaml"]},
                        ["run", "{file}"])
            wrapper = [] if self.options.pinned else [
                "taskset", "--cpu-list", f"{self.proxy_cpu},{self.load_cpu}"]
            with RunningPeer(peer, self, wrapper=wrapper, patience=60) as proxy:
                return self._measure(proxy, stage, servers)
        finally:
            for server in servers:
                server.stop()
            stage.close()

    def _measure(self, proxy, stage, servers):
        # Each endpoint has had its first check when the time of one round is over.
        begin = time.monotonic_ns() + int((self.options.every + 2) * _SECOND)
        end = begin + int(self.options.seconds * _SECOND)
        stage.set_changes([begin, end, end])
        client = Process([self.programs["arrivals"], "--cpu", str(self.load_cpu),
                          "--port", str(proxy.port), "--stage", stage.path,
                          "--rate", str(self.options.rate), "--work-us", str(WORK_US)],
                         self.load_cpu, log=os.path.join(proxy.folder, "arrivals"))
        try:
            sleep_until(begin)
            pids = [proxy.process.pid, client.pid, *[server.pid for server in servers]]
            before = self._snapshot(pids, stage)
            counts = [stage.checks(_CHECKED)]
            while time.monotonic_ns() < end:
                time.sleep(_TICK)
                counts.append(stage.checks(_CHECKED))
            after = self._snapshot(pids, stage)
            client.popen.wait(15)
            result = json.loads(client.log_text())
        except (OSError, ValueError) as error:
            raise RuntimeError(f"the run broke off: {error}\n"
                               f"{client.log_text()}{proxy.process.log_text()}") from error
        finally:
            client.stop()
        return self._sample(result["first"], before, after, counts)

    def _snapshot(self, pids, stage):
        """`pids`: Weir's first, whose first thread is the one of control."""
        with open(f"/proc/{pids[0]}/task/{pids[0]}/schedstat") as file:
            control = int(file.read().split()[0])
        return {"time": time.monotonic_ns(), "control": control,
                "weir": ProcessorTime(pids[:1]), "all": ProcessorTime(pids),
                "checks": stage.checks(_CHECKED), "busy": sum(self.busy())}

    @staticmethod
    def _sample(found, before, after, counts):
        window = after["time"] - before["time"]
        own = after["all"].since(before["all"])
        steps = [later - earlier for earlier, later in zip(counts, counts[1:])]
        return {
            "control": (after["control"] - before["control"]) / window,
            "cpu": after["weir"].since(before["weir"]) / window,
            "checks": (after["checks"] - before["checks"]) / (window / 1e9),
            "burst": max(steps),
            "other": max(0.0, after["busy"] - before["busy"] - own) / (2 * window),
            **{key: found[key] for key in ["requests", "failed", "p50", "p99", "p999", "max"]},
        }


def measure(bench, with_checks):
    """The least disturbed one of a few runs."""
    options = bench.options

    def attempt():
        wait_for_calm(bench, options.max_other, options.patience)
        return bench.run(with_checks)

    return least_disturbed(attempt, options.max_other, options.tries, "perf/checks")
