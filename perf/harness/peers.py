"""The proxies compared, and how each is started from its committed template."""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

from harness.machine import Process, free_port
from harness.prerequisites import PERF

ORDER = ["weir", "haproxy", "haproxy-again", "nginx", "envoy", "caddy", "floor"]
BASE = "haproxy"


class Peer:
    """One proxy: its program, its template for one route, and the one for many hosts."""

    def __init__(self, name, program, templates, command, environment=None, values=None):
        self.name = name
        self.program = program
        self.templates = templates
        self.command = command
        self.environment = environment or {}
        self.values = values or {}
        self.version = "unknown"


def make_peers(paths):
    """The peers whose programs are known, by name. `paths`: program paths by program name."""
    definitions = {
        "weir": ("weir", ["weir.yaml"], ["weir-hosts.yaml"], ["run", "{file}"], {}),
        "haproxy": ("haproxy", ["haproxy.cfg"], ["haproxy-hosts.cfg", "hosts.map"],
                    ["-db", "-f", "{file}"], {}),
        "nginx": ("nginx", ["nginx.conf"], ["nginx-hosts.conf"],
                  ["-p", "{folder}", "-e", "stderr", "-c", "{file}"], {}),
        "envoy": ("envoy", ["envoy.yaml"], ["envoy-hosts.yaml"],
                  ["-c", "{file}", "--concurrency", "1", "--disable-hot-restart",
                   "--log-level", "error"], {}),
        "caddy": ("caddy", ["Caddyfile"], ["Caddyfile-hosts"],
                  ["run", "--adapter", "caddyfile", "--config", "{file}"],
                  {"GOMAXPROCS": "1", "XDG_DATA_HOME": "{folder}",
                   "XDG_CONFIG_HOME": "{folder}"}),
        "floor": ("floor", [], [], ["{port}", "{backend}"], {}),
    }
    definitions["haproxy-again"] = definitions["haproxy"]
    peers = {}
    for name in ORDER:
        program, one, many, command, environment = definitions[name]
        if program in paths:
            peers[name] = Peer(name, paths[program], {1: one, 2: many}, command, environment)
    return peers


def find_versions(peers):
    """Fills in the first line that names a version."""
    arguments = {"weir": "version", "haproxy": "-v", "nginx": "-v", "envoy": "--version",
                 "caddy": "version"}
    for name, peer in peers.items():
        program = name.partition("-")[0]
        if program not in arguments:
            peer.version = "this repository's perf/floor"
            continue
        result = subprocess.run([peer.program, arguments[program]], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
        text = lines[0] if lines else "unknown"
        peer.version = text.replace(peer.program, "").replace("version:", "").strip()


def _fill(template, values, hosts):
    """Fills a template. Neighbouring lines that begin with @EACH-HOST@ repeat together."""
    result, block = [], []

    def flush():
        for host in hosts if block else []:
            result.extend(line.replace("@HOST@", host) for line in block)
        block.clear()

    for line in template.splitlines(keepends=True):
        if line.startswith("@EACH-HOST@"):
            block.append(line.removeprefix("@EACH-HOST@"))
            continue
        flush()
        result.append(line)
    flush()
    text = "".join(result)
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


class RunningPeer:
    """A started proxy, ready for requests. Ends, folder and all, with the `with` block."""

    def __init__(self, peer, bench, hosts=None, connections=1000, wrapper=(), patience=20):
        self.peer = peer
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix=f"{peer.name}-", dir=bench.folder)
        self.process = None
        try:
            self._start(bench, hosts, connections, wrapper)
            self._wait_until_ready(patience)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process:
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, bench, hosts, connections, wrapper):
        names = [f"h{number}.example.com" for number in range(hosts or 0)]
        values = {"PORT": self.port, "FOLDER": self.folder, "MAX-CONNECTIONS": connections,
                  **bench.values, **self.peer.values}
        for template in self.peer.templates[2 if hosts else 1]:
            with open(os.path.join(PERF, "peers", template)) as file:
                text = _fill(file.read(), values, names)
            with open(os.path.join(self.folder, os.path.basename(template)), "w") as file:
                file.write(text)
        files = [os.path.basename(name) for name in self.peer.templates[2 if hosts else 1]]
        places = {"file": os.path.join(self.folder, files[0]) if files else "",
                  "folder": self.folder, "port": self.port, "backend": values.get("BACKEND", "")}
        command = [self.peer.program] + [word.format(**places) for word in self.peer.command]
        environment = {key: value.format(**places)
                       for key, value in self.peer.environment.items()}
        self.process = Process([*wrapper, *command], bench.proxy_cpu, environment,
                               log=os.path.join(self.folder, "output"))

    def _wait_until_ready(self, patience):
        deadline = time.monotonic() + patience
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/b/100",
                                         headers={"Host": "h0.example.com"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                with opener.open(request, timeout=patience) as answer:
                    if len(answer.read()) == 100:
                        return
            except OSError as error:
                problem = error
            if not self.process.running() or time.monotonic() > deadline:
                text = self.process.log_text().strip()
                raise RuntimeError(f"{self.peer.name} does not serve: {problem}\n{text}")
            time.sleep(0.05)
