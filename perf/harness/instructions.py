"""User instructions per request, counted by callgrind.

A proxy is run twice under valgrind, for a few requests and for more; the difference has
neither start nor end in it. Client and backend run outside.
"""

import os
import re
import shutil
import time

from harness.measure import Row
from harness.peers import RunningPeer

_FEW, _MANY, _CONNECTIONS, _STREAMS = 2000, 12000, 8, 8
# The rows whose requests are counted.
ROWS = ["get-100", "log-100", "trace-100", "tls-100", "h2-100", "h2-h2-100"]


def _total(folder):
    """Instructions in callgrind's files of one run."""
    total = 0
    for name in os.listdir(folder):
        if name.startswith("callgrind.out"):
            with open(os.path.join(folder, name)) as file:
                found = re.search(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE)
                total += int(found.group(1)) if found else 0
    return total


def _run(bench, peer, row, valgrind, requests):
    row = Row("instructions", "", [*row.arguments, "--requests", str(requests)],
              connections=_CONNECTIONS, kind=row.kind, streams=min(row.streams, _STREAMS))
    counts = os.path.join(bench.folder, "callgrind")
    os.makedirs(counts, exist_ok=True)
    try:
        wrapper = [valgrind, "--tool=callgrind",
                   f"--callgrind-out-file={counts}/callgrind.out.%p"]
        with RunningPeer(peer, bench, wrapper=wrapper, patience=60, kind=row.kind) as running:
            client, counters = bench.start_client(running, row, [])
            try:
                deadline = time.monotonic() + 300
                while client.running() and time.monotonic() < deadline:
                    time.sleep(0.1)
                state = counters.read()
                if state["errors"] or state["requests"] < requests:
                    raise RuntimeError(f"{peer.name} under valgrind: {client.log_text()}")
            finally:
                client.stop()
        return _total(counts)
    finally:
        shutil.rmtree(counts)


def count(bench, peer, row, valgrind):
    """Instructions per request of a row, over 8 connections of at most 8 streams."""
    few, many = (_run(bench, peer, row, valgrind, requests) for requests in (_FEW, _MANY))
    if many <= few:
        raise RuntimeError(f"{peer.name}: callgrind counted {few} and then {many} instructions")
    return (many - few) / (_MANY - _FEW)
