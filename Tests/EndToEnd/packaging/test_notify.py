"""What a service manager is told: readiness, the end, and that every worker turns."""

import os
import signal
import time

from harness import DEADLINE, eventually, gated, scaled
from harness.held import Held
from harness.manager import Manager
from harness.setups import single

WATCHDOG = 2.0 * scaled(1)


def watched(manager):
    return manager.environment(WATCHDOG_USEC=str(int(WATCHDOG * 1e6)))


def test_ready_once_it_serves_and_stopping_when_it_drains(weir, backend, manager):
    proxy = weir(single(backend()), environment=manager.environment())
    ready = manager.told("READY")
    assert ready["READY"] == "1" and ready["STATUS"] == f"serving at {proxy.url}"
    assert proxy.ask().status == 200
    proxy.signal(signal.SIGTERM)
    assert manager.told("STOPPING") == {"STOPPING": "1", "STATUS": "draining"}
    assert proxy.wait() == 0
    # Nobody asked for signs of life.
    assert [sorted(told) for _, told in manager.messages] == [
        ["READY", "STATUS"], ["STATUS", "STOPPING"]
    ]


def test_an_abstract_socket(weir, backend):
    manager = Manager(f"@weir-{os.getpid()}")
    try:
        weir(single(backend()), environment=manager.environment())
        manager.told("READY")
    finally:
        manager.close()


def test_a_manager_that_is_gone_is_no_reason_to_serve_less(weir, backend, tmp_path):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "200000"}
    proxy = weir(single(backend()), environment=environment)
    assert proxy.ask().status == 200


def test_the_watchdog_is_fed_in_time(weir, backend, manager):
    weir({"workers": 3, **single(backend())}, environment=watched(manager))
    manager.told("WATCHDOG", 4)
    times = [*manager.times("READY"), *manager.times("WATCHDOG")]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert max(gaps) < WATCHDOG * 0.8, gaps
    assert min(gaps) > WATCHDOG * 0.25, gaps


def test_it_is_fed_while_requests_finish(weir, backend, manager, gate):
    config = {"shutdown-timeout": "30s", **single(backend(gated(gate)))}
    proxy = weir(config, environment=watched(manager))
    client = proxy.client()
    client.send_request("GET", "/")
    eventually(lambda: manager.times("WATCHDOG"), "signs of life")
    proxy.signal(signal.SIGTERM)
    manager.told("STOPPING")
    fed = len(manager.times("WATCHDOG"))
    manager.told("WATCHDOG", fed + 2)


def test_a_worker_that_hangs_is_told_of_and_feeds_nobody(weir, backend, manager):
    config = {"workers": 3, **single(backend())}
    proxy = weir(config, environment=watched(manager))
    manager.told("WATCHDOG")
    held = Held(proxy.pid, "weir-worker-1")
    try:
        line = eventually(
            lambda: next((one for one in proxy.lines if "has hung" in one), None), "the line"
        )
        assert "worker 1 has hung for " in line and "it was stopped" in line
        assert not [one for one in proxy.lines if "worker 0" in one or "worker 2" in one]
        fed, since = len(manager.times("WATCHDOG")), time.monotonic()
        eventually(lambda: time.monotonic() > since + 2 * WATCHDOG, within=DEADLINE)
        assert len(manager.times("WATCHDOG")) == fed
    finally:
        held.release()
    eventually(lambda: any("worker 1 turns again" in one for one in proxy.lines), "its return")
    manager.told("WATCHDOG", fed + 1)
    hung = [one for one in proxy.lines if "has hung" in one]
    assert 1 <= len(hung) <= 4, "a hang is told of again when it has lasted twice as long"
