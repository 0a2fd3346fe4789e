"""A steady load of GETs, each answer noted with its time and its backend."""

import json
import threading
import time

from harness.client import Client
from harness.wire import Closed


def name_in(body):
    """The backend's name in the body of an `echo` backend; None in others."""
    try:
        return json.loads(body)["backend"]
    except ValueError:
        return None


class Steady:
    """Clients on kept connections; `failures` must stay empty."""

    def __init__(self, proxy, clients=4, pause=0.005):
        self.answers = []
        self.failures = []
        self.ends = threading.Event()
        self.pause = pause
        self.threads = [
            threading.Thread(target=self._run, args=(proxy.address,), daemon=True)
            for _ in range(clients)
        ]
        for thread in self.threads:
            thread.start()

    def _run(self, address):
        client = Client(address)
        while not self.ends.is_set():
            start = time.monotonic()
            try:
                response = client.ask(target="/steady")
                if response.status == 200:
                    self.answers.append((start, name_in(response.body)))
                else:
                    self.failures.append((start, response))
            except (Closed, AssertionError, OSError) as problem:
                self.failures.append((start, repr(problem)))
                client.close()
                client = Client(address)
            time.sleep(self.pause)
        client.close()

    def backends(self, since):
        """Who answered the requests that began after this time."""
        return {name for start, name in list(self.answers) if start > since}

    def first(self, name, since):
        """Seconds from `since` to the first later request that this backend got; None if none."""
        times = [start - since for start, one in list(self.answers) if one == name]
        return min((each for each in times if each >= 0), default=None)

    def last(self, name, since):
        """Seconds from `since` to the last request that this backend got; negative if before."""
        times = [start - since for start, one in list(self.answers) if one == name]
        return max(times, default=float("-inf"))

    def end(self):
        """Ends the load; returns the failures."""
        self.ends.set()
        for thread in self.threads:
            thread.join()
        return self.failures

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
