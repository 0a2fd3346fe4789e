"""Configurations that many tests share."""

import json

from harness.secure import secure_listener, upstream_tls


def single(server, **more):
    """One listener before one server (a `Backend` or an address)."""
    address = server if isinstance(server, str) else server.address
    return {"listen": "127.0.0.1:0", "servers": [address], **more}


def pooled(server, pool, **more):
    """One listener before pool `main` with these keys beside its servers."""
    servers = addresses(server if isinstance(server, list) else [server])
    return {"listen": "127.0.0.1:0", "pools": {"main": {"servers": servers, **pool}}, **more}


def addresses(servers):
    """What a file says of these servers: backends, addresses or entries."""
    return [one if isinstance(one, (str, dict)) else one.address for one in servers]


CLEARTEXT2 = {"address": "127.0.0.1:0", "http2": "cleartext"}


def listener2(carrier, certificates):
    """A listener that speaks HTTP/2, by "tls" or "cleartext"."""
    return secure_listener(certificates.site) if carrier == "tls" else CLEARTEXT2


def pool2(carrier, certificates):
    """Keys of a pool whose servers speak HTTP/2, by "tls" or "cleartext"."""
    if carrier == "tls":
        return {"http2": True, "tls": upstream_tls(certificates)}
    return {"http2": "cleartext"}


LOGGED = {"log": {"access": {"to": "stdout", "format": "json"}}}


class Seen:
    """What the `echo` backend says that it saw."""

    def __init__(self, response):
        assert response.status == 200, response
        self.data = json.loads(response.body)

    def __getitem__(self, key):
        return self.data[key]

    def all(self, name):
        """Every value of this field, in order."""
        return [value for key, value in self.data["fields"] if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None
