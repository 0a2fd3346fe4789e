"""A changed configuration each second, and a new process five times, as each proxy does it."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass

from harness.machine import free_port
from harness.outages import Scenario
from harness.peers import ONE, Peer
from harness.scenario import COMMANDS
from harness.streams import Streams

STREAMS = 32
# The endpoint that goes and comes back.
LEAVING = 3
# The share of requests that have a connection of their own.
FRESH = 0.2
# What changes from one reload to the next: the fourth endpoint, a route, a time-out (ms).
STEPS = [{"FOURTH": False}, {"FOURTH": True}, {"ADDED": True}, {"TIMEOUT": 600},
         {"FOURTH": False}, {"FOURTH": True}, {"ADDED": False}, {"TIMEOUT": 500},
         {"FOURTH": False}, {"FOURTH": True}]
RESTARTS = 5
# Seconds between reloads, between restarts, and watched behind the last one.
RELOAD_EVERY, RESTART_EVERY, WATCHED = 1, 4, 4
# How long what runs may take to end where the proxy allows for it; see perf/README.md.
_LONG, _SHORT = "10m", "2s"
# How long a changed configuration or a new process may take, in seconds.
_DEADLINE = 15


def _generation(port):
    """The number of the configuration that answers a new connection, as text; None: nobody does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET /generation HTTP/1.1\r\nHost: www.example.com\r\n"
                               b"Connection: close\r\n\r\n")
            with connection.makefile("rb") as file:
                head, _, body = file.read().partition(b"\r\n\r\n")
                return body.decode().strip() if b" 200 " in head.split(b"\r\n")[0] else None
    except OSError:
        return None


class Turning:
    """How one proxy is made to take a new configuration, and replaced by a new process."""

    # How long what runs may take to end, in a reload and in a restart.
    patience = (_LONG, _LONG)

    def __init__(self, proxy):
        self.proxy = proxy
        self.pid = proxy.main_pid()
        self.generation = 0

    def reload(self, **values):
        """Changes these values. Returns the seconds until a new connection meets the change."""
        return self._turn(self.take, values)

    def restart(self):
        """Returns the seconds until a new connection meets the new process."""
        return self._turn(self.replace, {})

    def _turn(self, act, values):
        self.generation += 1
        begin = time.monotonic()
        self.write(GENERATION=self.generation, **values)
        act()
        self.wait(begin)
        took = time.monotonic() - begin
        self.retire()
        self.proxy.process.pids()
        return took

    def wait(self, begin):
        """Until a new connection meets the generation written last."""
        while _generation(self.proxy.port) != str(self.generation):
            if time.monotonic() > begin + _DEADLINE:
                raise OSError(f"configuration {self.generation} is not served")
            time.sleep(0.005)

    def write(self, **values):
        self.proxy.write(**values)

    def take(self):
        os.kill(self.pid, signal.SIGHUP)

    def replace(self):
        raise NotImplementedError

    def retire(self):
        """What is left to do once the new one serves."""

    def until(self, find):
        """What `find` returns once it is true."""
        deadline = time.monotonic() + _DEADLINE
        while not (found := find()):
            if time.monotonic() > deadline:
                raise OSError("no new process was seen")
            time.sleep(0.005)
        return found


class WeirTurning(Turning):
    """SIGHUP; SIGUSR2."""

    def _find_new(self):
        with open(self.proxy.process.log) as log:
            found = re.findall(r"upgraded: process (\d+) serves", log.read())
        return int(found[-1]) if len(found) == self.generation else None

    def replace(self):
        os.kill(self.pid, signal.SIGUSR2)
        # An old process with nothing to finish has gone at once: its log tells of the new one.
        self.pid = self.until(self._find_new)
        self.proxy.process.adopt(self.pid)


class HAProxyTurning(Turning):
    """SIGUSR2 to the master for both: it starts a new worker, and the old one ends by itself."""

    def take(self):
        os.kill(self.pid, signal.SIGUSR2)

    replace = take


class NGINXTurning(Turning):
    """SIGHUP; SIGUSR2, then SIGWINCH and SIGQUIT to the old master."""

    patience = (_LONG, _SHORT)

    def __init__(self, proxy):
        super().__init__(proxy)
        self.old = None

    def _find_new(self):
        pid = self.proxy.main_pid()
        return pid if pid not in (self.old, self.proxy.process.pid) else None

    def replace(self):
        self.old = self.pid
        os.kill(self.old, signal.SIGUSR2)
        self.pid = self.until(self._find_new)

    def retire(self):
        if self.old:
            os.kill(self.old, signal.SIGWINCH)
            os.kill(self.old, signal.SIGQUIT)
            self.old = None


class EnvoyTurning(Turning):
    """Files moved into place, which Envoy watches; a hot restart with the next epoch."""

    def write(self, **values):
        # The files of a new process are its own, or the old one would take them too.
        if not set(values) - {"GENERATION"}:
            values["FOLDER"] = os.path.join(self.proxy.folder, str(self.generation))
        super().write(**values)

    def take(self):
        """All is done by then."""

    def replace(self):
        epoch = str(len(self.proxy.others) + 1)
        self.proxy.others.append(self.proxy.launch(arguments=["--restart-epoch", epoch]))


class CaddyTurning(Turning):
    """What `caddy reload` does, by the admin API; stop and start, as there is nothing else."""

    patience = (_LONG, "1s")

    def __init__(self, proxy):
        super().__init__(proxy)
        self.process = proxy.process

    def take(self):
        with open(self.proxy.path(), "rb") as file:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.proxy.values['ADMIN-PORT']}/load", file.read(),
                {"Content-Type": "text/caddyfile"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=_DEADLINE).close()

    def replace(self):
        # As its unit for systemd does it: SIGTERM, and SIGKILL five seconds later.
        self.process.popen.terminate()
        try:
            self.process.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.process.popen.kill()
            self.process.popen.wait()
        self.process = self.proxy.launch()
        self.proxy.others.append(self.process)


_TURNINGS = {"weir": WeirTurning, "haproxy": HAProxyTurning, "nginx": NGINXTurning,
             "envoy": EnvoyTurning, "caddy": CaddyTurning}
_TEMPLATES = {
    "weir": ["turnover-weir.yaml"], "haproxy": ["turnover-haproxy.cfg"],
    "nginx": ["turnover-nginx.conf"], "caddy": ["turnover-Caddyfile"],
    "envoy": ["turnover-envoy.yaml", "turnover-envoy-routes.yaml", "turnover-envoy-main.yaml",
              "turnover-envoy-long.yaml"],
}
# In place of those of perf/balance: a master and its worker, a base for hot restarts.
_COMMANDS = {
    "haproxy": ["-W", "-f", "{file}"],
    "envoy": ["-c", "{file}", "--concurrency", "1", "--log-level", "error",
              "--base-id", str(os.getpid()), "--drain-time-s", "2",
              "--parent-shutdown-time-s", "600"],
}


@dataclass(frozen=True)
class Turnover(Scenario):
    """A proxy's configurations, or processes, that follow each other. It has peers of its own."""

    is_restart: bool = False

    def peer(self, name, path):
        """The peer of this name, set up for this."""
        _, command, environment = COMMANDS[name]
        values = {"GENERATION": 0, "FOURTH": True, "ADDED": False, "TIMEOUT": 500,
                  "ADMIN-PORT": free_port(),
                  "PATIENCE": _TURNINGS[name].patience[self.is_restart]}
        return Peer(name, path, {ONE: _TEMPLATES[name]}, _COMMANDS.get(name, command),
                    environment, values)


def _reload(run):
    turning = _begin(run)
    for step in STEPS:
        run.fault()
        run.took.append(turning.reload(**step))
        run.wait_until(run.windows[-1].begin, RELOAD_EVERY)
    _end(run)


def _restart(run):
    turning = _begin(run)
    for _ in range(RESTARTS):
        run.fault()
        run.took.append(turning.restart())
        run.wait_until(run.windows[-1].begin, RESTART_EVERY)
    _end(run)


def _begin(run):
    run.streams = Streams(run.proxy.port, STREAMS)
    return _TURNINGS[run.proxy.peer.name](run.proxy)


def _end(run):
    run.wait(WATCHED)
    run.streams.finish()


SCENARIOS = [
    Turnover("h", f"{len(STEPS)} reloads, one a second", _reload, fresh=FRESH),
    Turnover("i", f"{RESTARTS} new processes, one every {RESTART_EVERY} s", _restart,
             fresh=FRESH, is_restart=True),
]
