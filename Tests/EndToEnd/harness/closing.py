"""A load of GETs and POSTs while the backends close kept connections at random."""

import json
import subprocess
from pathlib import Path

from harness.proxy import ROOT
from harness.wait import scaled

SUPPORT = ROOT / "Tests/Support"


def compiled(name, folder):
    """The program made from Tests/Support/NAME.c."""
    program = Path(folder) / name
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SUPPORT / f"{name}.c"]
    subprocess.run(command, check=True)
    return program


class ClosingBackends:
    """Servers that answer rightly and close connections when it suits them."""

    def __init__(self, folder, seed, posts, count=3):
        program = compiled("closing_backend", folder)
        self.counts = [Path(folder) / f"posts-{number}" for number in range(count)]
        self.processes = [
            subprocess.Popen(
                [str(part) for part in [program, seed + number, self.counts[number], posts]],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        self.addresses = [f"127.0.0.1:{int(one.stdout.readline())}" for one in self.processes]

    def end(self):
        """Ends them; returns their counts, and for each POST how often its head arrived."""
        for process in self.processes:
            process.terminate()
        counts = [json.loads(process.communicate()[0]) for process in self.processes]
        sums = {key: sum(one[key] for one in counts) for key in counts[0]}
        arrived = [sum(each) for each in zip(*(file.read_bytes() for file in self.counts))]
        return sums, arrived

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


class LoadResult:
    """What the client and the backends counted."""

    def __init__(self, client, backends, arrived, answered, resident):
        self.client = client
        self.backends = backends
        self.failures = client["failures"]
        self.resident = resident
        self.posts = len(answered)
        self.answered = sum(answered)
        arrived = arrived[: self.posts]
        self.repeated = sum(count > 1 for count in arrived)
        self.answered_unprocessed = sum(
            count == 0 and answer == 1 for count, answer in zip(arrived, answered)
        )
        self.failed_processed = sum(
            count > 0 and answer == 0 for count, answer in zip(arrived, answered)
        )

    def failed(self, method):
        """The failures of one method, by what happened."""
        return {
            name.removeprefix(f"{method} "): count
            for name, count in self.failures.items()
            if name.startswith(f"{method} ")
        }

    def wrongs(self):
        """Sentences on everything that must not be; empty if all is well."""
        failed_posts = sum(self.failed("POST").values())
        claims = {
            f"GETs failed: {self.failed('GET')}": bool(self.failed("GET")),
            f"bytes came unasked: {self.failures}": any("no request" in f for f in self.failures),
            f"POSTs failed otherwise than by a reset: {self.failed('POST')}": bool(
                set(self.failed("POST")) - {"502 upstream-reset"}
            ),
            f"{self.repeated} POSTs were processed more than once": self.repeated > 0,
            f"{self.answered_unprocessed} POSTs answered unprocessed": self.answered_unprocessed > 0,
            "POSTs are missing from the count": self.answered + failed_posts != self.posts,
            f"backends met wrong requests: {self.backends}": self.backends["wrong"] > 0,
            "no backend closed an idle connection": self.backends["closedIdle"] == 0,
        }
        return [sentence for sentence, holds in claims.items() if holds]


def run_load(proxy, backends, folder, gets, posts, pause, seed, connections=64):
    """Sends it all and returns a `LoadResult`; `pause` GETs in, and at the end, memory is read."""
    results = Path(folder) / "answered"
    port = proxy.address[1]
    arguments = [compiled("load_client", folder), port, connections, gets, posts, pause, seed, results]
    client = subprocess.Popen(
        [str(part) for part in arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    resident = []
    try:
        for expected in ("paused\n", "done\n"):
            line = client.stdout.readline()
            assert line == expected, f"the client ended early: {line!r}"
            resident.append(proxy.resident())
            client.stdin.write("\n")
            client.stdin.flush()
        counts = json.loads(client.communicate(timeout=scaled(60))[0])
    finally:
        if client.poll() is None:
            client.kill()
            client.communicate()
    sums, arrived = backends.end()
    return LoadResult(counts, sums, arrived, results.read_bytes(), resident)
