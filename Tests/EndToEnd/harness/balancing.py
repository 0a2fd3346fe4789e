"""What the tests of balancing share: pools of named servers, and who answered."""

from harness.setups import Seen, pooled

STRATEGIES = [
    "round-robin",
    "least-connections",
    "least-bytes",
    "latency-weighted",
    "consistent-hash",
    "random",
    "prequal",
]


def entry(server, **more):
    """A server of a pool by its backend's name, which stays the same when its port does not."""
    return {"address": server.address, "name": server.name, **more}


def pool_of(servers, changes=None, **keys):
    """A configuration of one pool; `changes` has further keys of servers by their names."""
    entries = [entry(server, **(changes or {}).get(server.name, {})) for server in servers]
    return pooled(entries, keys)


def where(response):
    """The name of the `echo` backend that answered."""
    return Seen(response)["backend"]


def spread(client, count, **options):
    """How many of `count` requests over one connection each backend answered."""
    names = [where(client.ask(**options)) for _ in range(count)]
    return {name: names.count(name) for name in sorted(set(names))}
