"""Hundreds of files one after the other, each with other names."""

from pathlib import Path

import pytest

from harness import Client, eventually
from harness.reload import ADMIN, Reloader, everything
from harness.secure import secure_listener

pytestmark = [pytest.mark.alone, pytest.mark.release]


def threads(proxy):
    return len(list(Path(f"/proc/{proxy.pid}/task").iterdir()))


def test_ever_other_names(weir, backend, certificates):
    """Memory, descriptors and threads end where they were after the first of them."""
    server = backend(everything, name="server")

    def config(number):
        pools = {
            f"pool-{number}-{one}": {
                "servers": [{"address": server.address, "name": f"server-{number}-{one}"}],
                "balance": ["random", "consistent-hash", "prequal", "latency-weighted"][one % 4],
                "health": {"path": f"/health/{number}", "every": "1s"},
                "sticky": True,
            }
            for one in range(4)
        }
        routes = [
            {
                "name": f"route-{number}-{one}",
                "match": f"/{number}/{one}",
                "pool": f"pool-{number}-{one}",
                "request-headers": {"set": {f"X-{number}-{one}": "y" * 100}},
            }
            for one in range(4)
        ]
        return {
            "listeners": [
                {"address": "127.0.0.1:0", "name": "stays"},
                {"address": f"127.0.0.{2 + number % 50}:0", "name": f"listener-{number}"},
                {**secure_listener(certificates.site), "name": f"secure-{number}"},
            ],
            "pools": pools,
            "routes": routes,
            "shutdown-timeout": "1s",
            **ADMIN,
        }

    proxy = weir(config(0), listeners=3)
    admin = Reloader(proxy)
    client = proxy.client()
    measured = []
    for number in range(1, 401):
        admin.take(config(number))
        assert client.ask(target=f"/{number}/{number % 4}").status == 200
        if number % 10 == 0:
            new = Client(admin.listener(f"listener-{number}"))
            assert new.ask(target=f"/{number}/0").status == 200
            new.close()
        if number in (100, 400):
            # Idle connections and what was cut have gone.
            admin.take(config(number))
            measured.append((proxy.resident(), proxy.descriptors(), threads(proxy)))
    (before, descriptors, count), (after, later, now) = measured
    assert now == count and later <= descriptors + 10, measured
    # What names leave behind: their texts, a few hundred bytes a reload.
    assert after - before < 6 << 20, f"{(after - before) >> 10} KiB more for 300 reloads"
    eventually(lambda: len(admin.json(target="/stats")["routes"]) == 5, "the routes of the last")
