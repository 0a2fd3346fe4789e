#!/usr/bin/env python3
"""1,000,000 GETs and 100,000 POSTs over 64 connections, while three backends close kept
connections at random. No GET may fail, no POST may arrive twice, memory may not grow."""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import Weir  # noqa: E402
from harness.closing import ClosingBackends, run_load  # noqa: E402

GETS = int(os.environ.get("WEIR_LOAD_GETS", "1000000"))
POSTS = GETS // 10
GROWTH = 1 << 20


def measure(folder, seed):
    backends = ClosingBackends(folder, seed, POSTS)
    proxy = None
    try:
        config = {"listen": "127.0.0.1:0", "workers": 2, "servers": backends.addresses}
        proxy = Weir(config, folder).wait_until_listening()
        result = run_load(proxy, backends, folder, GETS, POSTS, GETS // 10, seed)
        status = proxy.stop()
        return result, status, proxy.faults()
    finally:
        backends.kill()
        if proxy is not None:
            proxy.kill()


def report(result, seconds):
    at_first, at_last = result.resident
    backends = result.backends
    print(f"{GETS} GETs and {POSTS} POSTs over 64 connections in {seconds:.0f} s")
    print(
        f"backends: {backends['answers']} answers on {backends['opened']} connections; closed "
        f"{backends['closedAnswered']} behind an answer ({backends['announced']} announced), "
        f"{backends['closedIdle']} while idle"
    )
    print(f"client: {result.client['opened']} connections opened")
    print(f"GETs that failed: {sum(result.failed('GET').values())} {result.failed('GET') or ''}")
    print(f"POSTs answered with 200: {result.answered}")
    failed = result.failed("POST")
    print(f"POSTs that failed: {sum(failed.values())}, by outcome: {failed or 'none'}")
    print(
        f"  of these, {result.failed_processed} had reached a backend; "
        f"POSTs that reached a backend more than once: {result.repeated}"
    )
    print(
        f"resident memory: {at_first / 1024:.0f} KiB after {GETS // 10} GETs, "
        f"{at_last / 1024:.0f} KiB after {GETS}: {(at_last - at_first) / 1024:+.0f} KiB"
    )


def main():
    seed = int(os.environ.get("WEIR_LOAD_SEED", str(time.time_ns() % 1_000_000)))
    print(f"seed {seed} (WEIR_LOAD_SEED)", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result, status, faults = measure(folder, seed)
    report(result, time.monotonic() - start)
    wrongs = result.wrongs() + faults
    if abs(result.resident[1] - result.resident[0]) >= GROWTH:
        wrongs.append("resident memory moved by 1 MiB or more")
    if status != 0:
        wrongs.append(f"the proxy ended with {status}")
    for wrong in wrongs:
        print(f"WRONG: {wrong}")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
