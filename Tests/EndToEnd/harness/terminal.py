"""A command in a pseudo-terminal, with the screen that its user would see."""

import codecs
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from harness.wait import DEADLINE, eventually

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    """What a terminal makes of its input, as far as commands here use it; no line wraps."""

    def __init__(self, rows, columns):
        self.resize(rows, columns)
        self.modes = {}
        self.styles = set()
        self.rest = ""

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0

    def feed(self, text):
        text = self.rest + text
        place = 0
        self.rest = ""
        while place < len(text):
            if text[place] == "\x1b":
                found = SEQUENCE.match(text, place)
                if not found:
                    assert len(text) - place < 20, f"an unknown sequence: {text[place:place + 20]!r}"
                    self.rest = text[place:]
                    return
                self._sequence(*found.groups())
                place = found.end()
                continue
            self._put(text[place])
            place += 1

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row = min(self.row + 1, self.rows - 1)
        else:
            assert character >= " ", f"a control character: {character!r}"
            self.cells[self.row][min(self.column, self.columns - 1)] = character
            self.column = min(self.column + 1, self.columns)

    def _sequence(self, parameters, final):
        if final == "H" and not parameters:
            self.row = self.column = 0
        elif final == "K" and not parameters:
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
        elif final == "m":
            self.styles.add(parameters)
        elif final in "hl" and parameters.startswith("?"):
            self.modes[parameters[1:]] = final == "h"
        else:
            raise AssertionError(f"an unknown sequence: {parameters}{final}")

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)


class Terminal:
    """A command that runs in a terminal of its own; `keys` types, `text` is what is seen."""

    def __init__(self, command, rows=30, columns=110, **environment):
        self.master, self.slave = pty.openpty()
        self.screen = Screen(rows, columns)
        self._size(rows, columns)
        self.before = termios.tcgetattr(self.slave)

        def prepare():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        own = {**os.environ, "TERM": "xterm-256color", **environment}
        if "NO_COLOR" not in environment:
            own.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=prepare,
            env=own,
        )
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self.lock:
                self.screen.feed(decoder.decode(data))

    def _size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        """Another size, of which the kernel tells the command."""
        with self.lock:
            self.screen.resize(rows, columns)
        self._size(rows, columns)

    def keys(self, text):
        os.write(self.master, text.encode())

    @property
    def text(self):
        with self.lock:
            return self.screen.text()

    def shows(self, words, within=DEADLINE):
        """Waits until the screen has these words and returns the line."""

        def found():
            return [line for line in self.text.splitlines() if words in line]

        try:
            return eventually(found, repr(words), within=within)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen:\n{self.text}") from None

    def wait(self):
        """Waits for the end and returns the exit status."""
        status = self.process.wait(DEADLINE)
        self.errors = self.process.stderr.read().decode()
        return status

    def is_given_back(self):
        """Whether the terminal is as it was before the command."""
        modes = self.screen.modes
        asked = modes.get("1049") or modes.get("25") is False or modes.get("7") is False
        return not asked and termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(DEADLINE)
        self.process.stderr.close()
        os.close(self.slave)
        self.thread.join(DEADLINE)
        os.close(self.master)
