"""What a flood does to another client: one run of `perf/floods`."""

import json
import os
import shutil
import ssl
import subprocess
import time

from harness.machine import Process, ProcessorTime, busy_nanoseconds, free_port, resident_bytes
from harness.measure import least_disturbed
from harness.peers import ONE, Peer, RunningPeer
from harness.prerequisites import run_folder
from harness.scenario import Stage, sleep_until, wait_for_calm

WORK_US = 200
_SECOND = 1_000_000_000
_TICK = 0.1
# `timeouts.send` and `timeouts.head` of Weir, in seconds.
SEND, HEAD = 5, 5


def client_hello():
    """The first bytes of a client of TLS 1.3 that offers the usual."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="victim.test").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


class Bench:
    """Weir on one CPU; the other client, the servers and, behind them, the attacker on the other."""

    def __init__(self, programs, proxy_cpu, load_cpu, options):
        self.programs = programs
        self.proxy_cpu = proxy_cpu
        self.load_cpu = load_cpu
        self.options = options
        self.values = {}
        self.folder = run_folder()
        self._make_certificate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=victim.test", "-addext",
             "subjectAltName=DNS:victim.test", "-keyout", self._path("site.key"),
             "-out", self._path("site.pem")],
            check=True, stderr=subprocess.DEVNULL)

    def busy(self):
        """Nanoseconds that Weir's and the load's CPU worked so far."""
        return [busy_nanoseconds(cpu) for cpu in (self.proxy_cpu, self.load_cpu)]

    def run(self, flood):
        """One run with a flood, or none. Returns the sample."""
        stage = Stage(self._path("stage"))
        servers = []
        try:
            cpu = ["--cpu", str(self.load_cpu)]
            for command in [
                [self.programs["endpoint"], *cpu, "--stage", stage.path, "--index", "0",
                 "--slots", "64"],
                [self.programs["backend"], *cpu],
            ]:
                servers.append(Process(command, self.load_cpu, pipe=True))
            ports = [int(server.popen.stdout.readline()) for server in servers]
            self.values = {"BACKEND": ports[0], "ATTACKED": ports[1], "TLS-PORT": free_port(),
                           "CERTIFICATES": self.folder, "SEND": SEND, "HEAD": HEAD}
            peer = Peer("weir", self.programs["weir"], {ONE: ["floods-weir.yaml"]},
                        ["run", "{file}"])
            with RunningPeer(peer, self) as proxy:
                return self._measure(proxy, stage, flood, servers)
        finally:
            for server in servers:
                server.stop()
            stage.close()

    def _attack(self, proxy, flood):
        command = [self.programs["flood"], "--cpu", str(self.load_cpu), "--idle",
                   "--connections", str(flood.connections), "--pause", str(flood.pause),
                   "--seconds", str(self.options.seconds + 60)]
        for name in ["opening", "repeat"]:
            with open(self._path(name), "wb") as file:
                file.write(getattr(flood, name))
            command += [f"--{name}", self._path(name)]
        port = self.values["TLS-PORT"] if flood.tls else proxy.port
        command += ["--port", str(port), "--answers", str(flood.answers),
                    *(["--until-answer"] if flood.tls else [])]
        return Process(command, self.load_cpu, log=os.path.join(proxy.folder, "flood"))

    def _measure(self, proxy, stage, flood, servers):
        # Both have begun when the time that counts begins.
        begin = time.monotonic_ns() + 2 * _SECOND
        end = begin + int(self.options.seconds * _SECOND)
        stage.set_changes([begin, end, end])
        client = Process([self.programs["arrivals"], "--cpu", str(self.load_cpu),
                          "--port", str(proxy.port), "--stage", stage.path,
                          "--rate", str(self.options.rate), "--work-us", str(WORK_US)],
                         self.load_cpu, log=os.path.join(proxy.folder, "arrivals"))
        time.sleep(1)
        pids = [proxy.process.pid]
        before = resident_bytes(pids)
        attacker = self._attack(proxy, flood) if flood else None
        try:
            sleep_until(begin)
            own = [proxy.process.pid, client.pid, *[server.pid for server in servers],
                   *([attacker.pid] if attacker else [])]
            work, busy, all_work = ProcessorTime(pids), sum(self.busy()), ProcessorTime(own)
            memory = [before]
            while time.monotonic_ns() < end:
                time.sleep(_TICK)
                memory.append(resident_bytes(pids))
            other = sum(self.busy()) - busy - ProcessorTime(own).since(all_work)
            work = ProcessorTime(pids).since(work)
            found = self._end(attacker)
            client.popen.wait(15)
            seen = json.loads(client.log_text())["first"]
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"the run broke off: {error}\n"
                               f"{client.log_text()}{proxy.process.log_text()}") from error
        finally:
            client.stop()
            if attacker:
                attacker.stop()
        return {"before": before, "most": max(memory), "cpu": work / (end - begin),
                "other": max(0, other) / (2 * (end - begin)), "attack": found,
                **{key: seen[key] for key in ["requests", "failed", "p50", "p99", "max"]}}

    @staticmethod
    def _end(attacker):
        """What the attacker found; None without one."""
        if not attacker:
            return None
        attacker.popen.terminate()
        attacker.popen.wait(10)
        return json.loads(attacker.log_text())


def measure(bench, flood):
    """The least disturbed one of a few runs."""
    options = bench.options

    def attempt():
        wait_for_calm(bench, options.max_other, options.patience)
        return bench.run(flood)

    return least_disturbed(attempt, options.max_other, options.tries, "perf/floods")


def ending(sample):
    """How the attacker's connections ended, in words."""
    found = sample["attack"]
    if not found:
        return "–"
    codes = {"0": "NO_ERROR", "1": "PROTOCOL_ERROR", "2": "INTERNAL_ERROR", "8": "CANCEL",
             "11": "ENHANCE_YOUR_CALM"}
    words = [f"GOAWAY {codes.get(code, code)} ×{count:,}" for code, count in found["ended"].items()]
    words += [f"RST_STREAM {codes.get(code, code)} ×{count:,}"
              for code, count in found["streams"].items()]
    words += [f"{title} ×{found[key]:,}" for key, title in
              [("large", "431"), ("closed", "closed"), ("reset", "reset")] if found[key]]
    return ", ".join(words) or ("left by itself" if found["left"] else "held")


def ended_well(flood, sample):
    """Whether connections ended as they have to."""
    found = sample["attack"]
    if flood.ends is None:
        return True
    if flood.ends == "431":
        return 0 < found["large"] >= 0.9 * (found["opened"] - found["held"])
    if flood.ends == "streams":
        return sum(found["streams"].values()) > 0 and found["held"] > 0
    if flood.ends == "closed":
        return sum(found["ended"].values()) + found["closed"] + found["reset"] > 0
    return set(found["ended"]) == {str(flood.ends)}
