"""A real name server (Knot) on loopback, whose records a test changes."""

import signal
import socket
import subprocess
from pathlib import Path

from harness.wait import DEADLINE, eventually

_CONFIGURATION = """
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: test
    storage: "{folder}"
    file: test.zone
    journal-content: none
"""


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1 at this moment."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


class NameServer:
    """Knot, with the zone `test`; `set` replaces its records."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = self.folder / "knot.sock"
        self.serial = 0
        self.port = free_port()
        self.process = None
        self.set(reload=False)
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def resolver(self, **more):
        """The `resolver` of a configuration that asks this server."""
        return {"servers": [self.address], **more}

    def start(self):
        """Starts the server, at its old port if it was there before."""
        file = self.folder / "knot.conf"
        file.write_text(_CONFIGURATION.format(folder=self.folder, port=self.port))
        self.process = subprocess.Popen(
            ["/usr/sbin/knotd", "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stderr=(self.folder / "knot.log").open("ab"),
        )
        eventually(self._serves, "the name server serves")

    def _serves(self):
        assert self.process.poll() is None, (self.folder / "knot.log").read_text()
        return self.control("zone-status", "test").returncode == 0

    def control(self, *arguments):
        """Tells the server something and waits until it is done."""
        command = ["/usr/sbin/knotc", "-b", "-s", str(self.socket), *arguments]
        return subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)

    def set(self, *records, reload=True):
        """Makes these the zone's only records, such as `app 1 A 127.0.0.1`."""
        self.serial += 1
        lines = [f"@ 1 SOA ns.test. mail.test. {self.serial} 3600 600 86400 1", "@ 1 NS ns.test."]
        text = "\n".join(["$ORIGIN test.", *lines, "ns 1 A 127.0.0.1", *records]) + "\n"
        (self.folder / "test.zone").write_text(text)
        if reload:
            done = self.control("zone-reload", "test")
            assert done.returncode == 0, done

    def stop(self):
        """Ends the server: questions are refused by the kernel."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def hang(self):
        """Has it answer nothing until `stop`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Has it answer again."""
        self.process.send_signal(signal.SIGCONT)
