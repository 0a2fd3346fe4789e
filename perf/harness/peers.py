"""The proxies compared, and how each is started from its committed template."""

import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.request

from harness.machine import Process, free_port
from harness.prerequisites import PERF

ORDER = ["weir", "haproxy", "haproxy-again", "nginx", "nghttpx", "envoy", "caddy", "floor"]
BASE = "haproxy"
# What a proxy is set up for: one route, many hosts, TLS, HTTP/2 over TLS, and HTTP/2 to the
# servers besides; an access log, and traces. A proxy without a template for a kind is left out of
# its rows.
ONE, HOSTS, TLS, HTTP2, BOTH, LOG, TRACE = ("one", "hosts", "tls", "http2", "both", "log", "trace")


_CONDITION = re.compile("@IF-([A-Z]+)@")


class Peer:
    """One proxy: its program, and its templates by kind."""

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
        "weir": ("weir", {ONE: ["weir.yaml"], HOSTS: ["weir-hosts.yaml"], TLS: ["weir-tls.yaml"],
                          HTTP2: ["weir-tls.yaml"], BOTH: ["weir-http2.yaml"],
                          LOG: ["weir-log.yaml"], TRACE: ["weir-trace.yaml"]},
                 ["run", "{file}"], {}),
        "haproxy": ("haproxy", {ONE: ["haproxy.cfg"], HOSTS: ["haproxy-hosts.cfg", "hosts.map"],
                                TLS: ["haproxy-tls.cfg"], HTTP2: ["haproxy-tls.cfg"],
                                BOTH: ["haproxy-http2.cfg"], LOG: ["haproxy-log.cfg"],
                                TRACE: ["haproxy-trace.cfg"]},
                    ["-db", "-f", "{file}"], {}),
        "nginx": ("nginx", {ONE: ["nginx.conf"], HOSTS: ["nginx-hosts.conf"],
                            TLS: ["nginx-tls.conf"], HTTP2: ["nginx-tls.conf"],
                            LOG: ["nginx-log.conf"]},
                  ["-p", "{folder}", "-e", "stderr", "-c", "{file}"], {}),
        "nghttpx": ("nghttpx", {HTTP2: ["nghttpx.conf"], BOTH: ["nghttpx-http2.conf"]},
                    ["--conf={file}"], {}),
        "envoy": ("envoy", {ONE: ["envoy.yaml"], HOSTS: ["envoy-hosts.yaml"]},
                  ["-c", "{file}", "--concurrency", "1", "--disable-hot-restart",
                   "--log-level", "error"], {}),
        "caddy": ("caddy", {ONE: ["Caddyfile"], HOSTS: ["Caddyfile-hosts"]},
                  ["run", "--adapter", "caddyfile", "--config", "{file}"],
                  {"GOMAXPROCS": "1", "XDG_DATA_HOME": "{folder}",
                   "XDG_CONFIG_HOME": "{folder}"}),
        "floor": ("floor", {ONE: [], HOSTS: []}, ["{port}", "{backend}"], {}),
    }
    definitions["haproxy-again"] = definitions["haproxy"]
    peers = {}
    for name in ORDER:
        program, templates, command, environment = definitions[name]
        if program in paths:
            peers[name] = Peer(name, paths[program], templates, command, environment)
    return peers


def find_versions(peers):
    """Fills in the first line that names a version."""
    arguments = {"weir": "version", "haproxy": "-v", "nginx": "-v", "nghttpx": "--version",
                 "envoy": "--version", "caddy": "version"}
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
    """Fills a template. Neighbouring lines that begin with @EACH-HOST@ repeat together.

    A line that begins with @IF-NAME@ is there only if the value of that name is true.
    """
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
        condition = _CONDITION.match(line)
        if not condition:
            result.append(line)
        elif values[condition[1]]:
            result.append(line[condition.end():])
    flush()
    text = "".join(result)
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


class RunningPeer:
    """A started proxy, ready for requests. Ends, folder and all, with the `with` block."""

    def __init__(self, peer, bench, hosts=None, connections=1000, wrapper=(), patience=20,
                 kind=None):
        self.peer = peer
        self.kind = kind or (HOSTS if hosts else ONE)
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix=f"{peer.name}-", dir=bench.folder)
        self.process = None
        self.bench = bench
        self.values = {}
        # Processes that were started beside the first one.
        self.others = []
        try:
            self._start(hosts, connections, wrapper)
            self._wait_until_ready(patience)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def main_pid(self):
        """The process to which signals go: that of NAME.pid in the folder, if it is a daemon."""
        try:
            with open(os.path.join(self.folder, f"{self.peer.name}.pid")) as file:
                pid = int(file.read() or 0)
        except FileNotFoundError:
            pid = 0
        if pid:
            self.process.adopt(pid)
        return pid or self.process.pid

    def stop(self):
        if self.process:
            self.main_pid()
        for process in [self.process, *self.others]:
            if process:
                process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, hosts, connections, wrapper):
        names = [f"h{number}.example.com" for number in range(hosts or 0)]
        self.values = {"PORT": self.port, "FOLDER": self.folder, "MAX-CONNECTIONS": connections,
                       **self.bench.values, **self.peer.values}
        if self.kind == BOTH:
            self.values["BACKEND"] = self.values["STREAMS-BACKEND"]
        self.write(names)
        self.process = self.launch(wrapper)

    def write(self, hosts=(), **values):
        """Fills the templates, with these values for some of them. Each file changes at once."""
        self.values |= values
        os.makedirs(self.values["FOLDER"], exist_ok=True)
        for template in self.peer.templates[self.kind]:
            with open(os.path.join(PERF, "peers", template)) as file:
                text = _fill(file.read(), self.values, hosts)
            path = os.path.join(self.values["FOLDER"], os.path.basename(template))
            with open(path + ".new", "w") as file:
                file.write(text)
            os.rename(path + ".new", path)

    def path(self):
        """The file that the proxy is started with."""
        files = [os.path.basename(name) for name in self.peer.templates[self.kind]]
        return os.path.join(self.values["FOLDER"], files[0]) if files else ""

    def launch(self, wrapper=(), arguments=()):
        """A process of the proxy, with these arguments behind its own."""
        places = {"file": self.path(), "folder": self.folder, "port": self.port,
                  "backend": self.values.get("BACKEND", "")}
        command = [self.peer.program] + [word.format(**places) for word in self.peer.command]
        environment = {key: value.format(**places)
                       for key, value in self.peer.environment.items()}
        return Process([*wrapper, *command, *arguments], self.bench.proxy_cpu, environment,
                       log=os.path.join(self.folder, "output"))

    def _wait_until_ready(self, patience):
        deadline = time.monotonic() + patience
        scheme = "https" if self.kind in (TLS, HTTP2, BOTH) else "http"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}/b/100",
                                         headers={"Host": "h0.example.com"})
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=trusting))
        while True:
            try:
                with opener.open(request, timeout=patience) as answer:
                    if len(answer.read()) == 100:
                        return
            except OSError as error:
                problem = error
            # A daemon has left the process that was started, which ended with 0.
            if self.process.popen.poll() or time.monotonic() > deadline:
                text = self.process.log_text().strip()
                raise RuntimeError(f"{self.peer.name} does not serve: {problem}\n{text}")
            time.sleep(0.05)
