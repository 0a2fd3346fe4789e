"""HTTP/2 is asked for over TLS and in cleartext, which must make no difference."""

import pytest

from harness.secure import secure_listener


@pytest.fixture(params=["tls", "cleartext"])
def over(request, certificates):
    """`over(server, …)` is a configuration of one listener that speaks HTTP/2."""
    return lambda *servers, **more: configuration(request.param, certificates, *servers, **more)


@pytest.fixture
def cleartext(certificates):
    """As `over`, where the carrier makes no difference at all."""
    return lambda *servers, **more: configuration("cleartext", certificates, *servers, **more)


def configuration(carrier, certificates, *servers, **more):
    if carrier == "tls":
        listener = secure_listener(certificates.site)
    else:
        listener = {"address": "127.0.0.1:0", "http2": "cleartext"}
    found = {"listeners": [listener], **more}
    if servers:
        found["servers"] = [one if isinstance(one, str) else one.address for one in servers]
    return found
