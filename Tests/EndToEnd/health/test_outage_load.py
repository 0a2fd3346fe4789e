"""Retries cannot make an outage worse: what they add to the servers' load is bounded."""

import threading
import time

import pytest

from harness.faults import closing, resetting, saying, silent
from harness.setups import pooled

SERVERS = 4
CLIENTS = 16
REQUESTS_EACH = 90
# Tries per request where nothing bounds them: three times the load.
ATTEMPTS = 3
# The time that a budget looks back on, in seconds; every run is shorter.
WINDOW = 10


CAUSES = {
    "status": (saying(503), {"status": [503]}),
    "reset": (resetting, {}),
    "close": (closing, {}),
    "timeout": (silent, {"on": ["timeout"], "try-timeout": "50ms"}),
}
# Each as written in the file, with its share and what is added to it per second.
BUDGETS = {
    "standard": ({}, 0.2, 10),
    "small": ({"budget": {"share": "5%", "min": "2/s"}}, 0.05, 2),
}


class Outage:
    """Clients that ask while every server fails, and the instants of all that was sent."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.sent = []
        self.statuses = set()

    def ask(self):
        """One client: a request after the other."""
        client = self.proxy.client()
        for _ in range(REQUESTS_EACH):
            self.sent.append(time.monotonic())
            response = client.ask()
            self.statuses.add(response.status)
            if response.get("connection") == "close":
                client.close()
                client = self.proxy.client()

    def run(self):
        threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def noted(script, arrived):
    """The script, with the instant of each request that reaches it."""

    def noting(connection):
        request = connection.request

        def note():
            found = request()
            if found is not None:
                arrived.append(time.monotonic())
            return found

        connection.request = note
        script(connection)

    return noting


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("cause", CAUSES)
def test_retries_add_no_more_than_the_budget(weir, backend, cause, budget):
    """At every instant of an outage, tries ≤ requests × (1 + share) + ten seconds' minimum."""
    script, keys = CAUSES[cause]
    written, share, minimum = BUDGETS[budget]
    arrived = []
    servers = [backend(noted(script, arrived), name=f"server {i}") for i in range(SERVERS)]
    backoff = {"base": "5ms", "max": "10ms"}
    retries = {"attempts": ATTEMPTS, "backoff": backoff, **keys, **written}
    outage = Outage(weir(pooled(servers, {"retries": retries})))

    outage.run()

    assert len(outage.sent) == CLIENTS * REQUESTS_EACH
    assert outage.statuses <= {502, 503, 504}
    assert outage.sent[-1] - outage.sent[0] < WINDOW, "the run was too slow to say anything"
    sent, begun = sorted(outage.sent), 0
    for tries, instant in enumerate(sorted(arrived), start=1):
        while begun < len(sent) and sent[begun] <= instant:
            begun += 1
        allowed = begun * (1 + share) + minimum * WINDOW
        assert tries <= allowed, f"{tries} tries for {begun} requests, {allowed:.0f} allowed"
    # The bound means something only if there were retries.
    assert len(arrived) > len(sent) * 1.02, f"{len(arrived)} tries for {len(sent)} requests"
