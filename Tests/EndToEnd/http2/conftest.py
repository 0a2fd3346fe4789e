"""HTTP/2 is asked for over TLS and in cleartext, which must make no difference."""

import pytest

from harness.setups import addresses, listener2


@pytest.fixture
def over(carrier, certificates):
    """`over(server, …)` is a configuration of one listener that speaks HTTP/2."""
    return lambda *servers, **more: configuration(carrier, certificates, *servers, **more)


@pytest.fixture
def cleartext(certificates):
    """As `over`, where the carrier makes no difference at all."""
    return lambda *servers, **more: configuration("cleartext", certificates, *servers, **more)


def configuration(carrier, certificates, *servers, **more):
    found = {"listeners": [listener2(carrier, certificates)], **more}
    if servers:
        found["servers"] = addresses(servers)
    return found
