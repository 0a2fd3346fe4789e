"""Deadlines: a test waits for a condition, never for a time to pass."""

import os
import time

# How much slower than a release binary on an idle machine things may be.
SLOWNESS = float(os.environ.get("WEIR_TEST_SLOWNESS", "1"))

# Seconds after which something that ought to happen at once is taken for lost.
DEADLINE = 10.0 * SLOWNESS


def scaled(seconds):
    """`seconds`, longer where the binary is slow."""
    return seconds * SLOWNESS


def eventually(condition, what="the condition", within=DEADLINE):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {within:.1f} s; last value {value!r}")
        time.sleep(0.005)
