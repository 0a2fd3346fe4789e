"""The proxy as a process."""

import json
import os
import re
import resource
import shlex
import subprocess
import threading
from pathlib import Path
from signal import SIGTERM

from harness.client import Client
from harness.wait import DEADLINE, eventually

ROOT = Path(__file__).resolve().parents[3]
_LISTENING = re.compile(r"listening on (\S+)")
_FAULTS = ("AddressSanitizer", "ThreadSanitizer", "Fatal error", "SUMMARY: ")


def binary():
    """The command that starts the proxy, as a list."""
    return shlex.split(os.environ.get("WEIR_BINARY", str(ROOT / ".build/release/weir")))


def parse_address(url):
    """`http://127.0.0.1:80`, `https://[::1]:443` or `unix:/path` as `Client` takes it."""
    if "unix:" in url:
        return url.split("unix:", 1)[1]
    host, port = url.split("://", 1)[1].rstrip("/").rsplit(":", 1)
    return host.strip("[]"), int(port)


class Weir:
    """A running proxy; `config` is the file's content as a dictionary, or its text."""

    def __init__(
        self,
        config,
        folder,
        descriptors=None,
        environment=None,
        prefix=(),
        command=None,
        pass_fds=(),
        executable=None,
    ):
        self.folder = Path(folder)
        self.file = self.folder / "weir.yaml"
        text = config if isinstance(config, str) else json.dumps(config, indent=2)
        self.file.write_text(text)
        self.lines = []
        self.output = []
        self.clients = []
        whole = executable or [*binary(), *(command or ["run", str(self.file)])]
        arguments = [*prefix, *whole]

        def prepare():
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            preexec_fn=prepare,
            pass_fds=pass_fds,
        )
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stderr, self.lines), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stdout, self.output), daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(pipe, lines):
        for line in pipe:
            lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def wait_until_listening(self, count=1):
        """Waits for `count` listeners; the lines of the log name their addresses."""

        def ready():
            return len(self.urls) >= count or self.process.poll() is not None

        eventually(ready, f"{count} listeners in {self.lines}", within=DEADLINE * 2)
        if len(self.urls) < count:
            for reader in self.readers:
                reader.join(5)
            raise AssertionError(
                f"ended with {self.process.returncode} before it listened:\n" + "\n".join(self.lines)
            )
        return self

    @property
    def urls(self):
        return [found.group(1) for line in list(self.lines) if (found := _LISTENING.search(line))]

    @property
    def url(self):
        return self.urls[0].rstrip("/")

    @property
    def address(self):
        return parse_address(self.url)

    def client(self, listener=0, **options):
        """A new connection to the listener with this number; closed with the proxy."""
        client = Client(parse_address(self.urls[listener]), **options)
        self.clients.append(client)
        return client

    def ask(self, method="GET", target="/", **options):
        """One request on a connection of its own."""
        client = self.client()
        try:
            return client.ask(method, target, **options)
        finally:
            client.close()

    # What the process uses.

    def resident(self):
        """Resident memory in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self):
        """CPU seconds of all threads so far."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total / 1e9

    def asleep(self):
        """Whether every thread waits, as between two turns of its loop."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        # The state follows the name, which may hold anything but ends with the last bracket.
        states = {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}
        return states == {"S"}

    # Its logs.

    def access(self, count=1, path=None, within=DEADLINE):
        """Waits for `count` JSON lines of the access log (stdout or the file) and returns them."""

        def lines():
            text = self.output if path is None else Path(path).read_text().splitlines()
            found = [json.loads(line) for line in list(text) if line.startswith("{")]
            return found if len(found) >= count else None

        return eventually(lines, f"{count} access log lines", within=within)

    # Its end.

    def signal(self, number):
        self.process.send_signal(number)

    def drain(self, number=SIGTERM):
        """Has it end by a signal, and waits until it has begun to."""
        self.signal(number)
        eventually(lambda: any("draining" in line for line in self.lines), "the drain to begin")

    def wait(self, within=DEADLINE):
        """Waits for the end and returns the exit status."""
        status = self.process.wait(timeout=within)
        for reader in self.readers:
            reader.join(DEADLINE)
        return status

    def stop(self):
        """Ends it as an operator does and returns the exit status, None if it had to be killed."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.signal(SIGTERM)
        try:
            return self.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            return None

    def kill(self):
        """Ends it whatever state it is in."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def faults(self):
        """Lines by which a sanitizer or the runtime reports a fault."""
        return [line for line in self.lines if any(fault in line for fault in _FAULTS)]


