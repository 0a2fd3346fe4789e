"""A service manager's side: what it is told, the sockets that it passes, who it starts it as."""

import os
import socket
import sys
import threading
import time

from harness.wait import eventually

# Puts the descriptors where sd_listen_fds(3) has them, and becomes the program.
_PASSING = """
import fcntl, os, sys
names, count = sys.argv[1], int(sys.argv[2])
passed = [int(one) for one in sys.argv[3 : 3 + count]]
kept = [fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in passed]
for number, one in enumerate(kept):
    os.dup2(one, 3 + number)
    os.close(one)
environment = {
    **os.environ, "LISTEN_FDS": str(count), "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names
}
command = sys.argv[3 + count :]
os.execvpe(command[0], command, environment)
"""


def passing(sockets, names=""):
    """What has `Weir` started with these listening sockets, as a socket unit has it."""
    numbers = [one.fileno() for one in sockets]
    prefix = [sys.executable, "-c", _PASSING, names, str(len(numbers)), *map(str, numbers)]
    return {"prefix": prefix, "pass_fds": numbers}


class Manager:
    """Listens at NOTIFY_SOCKET; `messages` are (time, assignments)."""

    def __init__(self, address):
        self.address = str(address)
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.address[1:] if self.address[0] == "@" else self.address)
        if self.address[0] != "@":
            os.chmod(self.address, 0o777)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            text = self.socket.recv(65536).decode()
            if text == "end":
                return
            lines = [line.split("=", 1) for line in text.splitlines()]
            self.messages.append((time.monotonic(), dict(lines)))

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.address, **more}

    def times(self, key):
        """When this was assigned."""
        return [when for when, assigned in list(self.messages) if key in assigned]

    def told(self, key, count=1):
        """Waits for the message with this assignment that comes as this one of its kind."""

        def found():
            all_of_it = [one for _, one in list(self.messages) if key in one]
            return all_of_it[count - 1] if len(all_of_it) >= count else None

        return eventually(found, f"{count} × {key} in {self.messages}")

    def close(self):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(b"end", self.socket.getsockname())
        one.close()
        self.thread.join(5)
        self.socket.close()


def free_low_port(host="127.0.0.1"):
    """A port below 1024 at which nobody listens."""
    for port in range(1023, 600, -1):
        with socket.socket() as one:
            try:
                one.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("every port below 1024 is taken")
