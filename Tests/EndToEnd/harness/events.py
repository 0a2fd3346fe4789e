"""Events of pools and servers in Weir's own log."""

from harness.wait import eventually


def events(proxy, kind):
    """The lines of this kind so far."""
    return [line for line in list(proxy.lines) if f" {kind} " in line]


def told(proxy, kind, count=1):
    """Waits for so many events of a kind, and returns the last one."""
    eventually(lambda: len(events(proxy, kind)) >= count, f"{count} {kind} in {proxy.lines}")
    return events(proxy, kind)[count - 1]
