"""The cases of h2spec, 146 and a strict one, in bytes of our own, with the one right answer each.

h2spec takes a closed connection for right wherever a connection or a stream has to fail; here
the code is asked for as well.
"""

import pytest

from harness.frames import ends, play
from harness.http2 import PREFACE, PROTOCOL_ERROR, Frames
from harness.secure import secure_listener
from harness.setups import CLEARTEXT2
from http2 import spec_frames, spec_generic, spec_messages

CASES = {
    **{f"generic {name}": case for name, case in spec_generic.CASES.items()},
    **{f"http2 {name}": case for name, case in spec_frames.CASES.items()},
    **spec_messages.CASES,
}
# Over TLS nothing is different but how the bytes travel.
SAMPLE = list(CASES)[::9]
PAGE = {"routes": [{"respond": {"body": "more than five bytes"}}]}


def page(connection):
    while (request := connection.request()) is not None:
        connection.answer(body=b"" if request.method == "HEAD" else b"more than five bytes")


@pytest.fixture(scope="module")
def responder(shared_weir):
    return shared_weir({"listeners": [CLEARTEXT2], **PAGE})


@pytest.fixture(scope="module")
def proxy(shared_weir, shared_backend):
    return shared_weir({"listeners": [CLEARTEXT2], "servers": [shared_backend(page).address]})


@pytest.fixture(scope="module")
def secured(shared_weir, certificates):
    return shared_weir({"listeners": [secure_listener(certificates.site)], **PAGE})


def test_all_are_there():
    # 3.5/2, the bad preface, is below; 5.4.1/2 is the strict one.
    assert len(CASES) + 1 == 146 + 1


@pytest.mark.parametrize("name", CASES)
def test_before_a_server(proxy, name):
    play(proxy, CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_answered_by_the_proxy(responder, name):
    play(responder, CASES[name])


@pytest.mark.parametrize("name", SAMPLE)
def test_over_tls(secured, name):
    play(secured, CASES[name])


BAD_PREFACE = b"INVALID CONNECTION PREFACE\r\n\r\n"


@pytest.mark.parametrize("first", [BAD_PREFACE, PREFACE[:-2] + b"XX"])
def test_bad_preface_over_tls(secured, first):
    """§3.5, where ALPN has said that HTTP/2 is spoken."""
    frames = Frames(secured, preface=False)
    frames.send(first)
    ends(PROTOCOL_ERROR)(frames)


def test_bad_preface_in_the_clear(responder):
    """What has the preface's method was meant as HTTP/2, and is told so in HTTP/2."""
    frames = Frames(responder, preface=False)
    frames.send(PREFACE[:-2] + b"XX")
    ends(PROTOCOL_ERROR)(frames)


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (BAD_PREFACE, 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /\r\n", 400),
        (b"GET /\n", 400),
        (b"get / http/1.1\r\nHost: a\r\n\r\n", 400),
        (b"PRINT /\r\n", 400),
    ],
)
def test_bad_first_line_in_the_clear(responder, first, status):
    """All else is HTTP/1, whose answer a person can read."""
    client = responder.client()
    client.send(first)
    assert client.response().status == status and client.ended()


@pytest.mark.parametrize("first", [b"GET /\x01 HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA:\0\r\n\r\n"])
def test_bad_request_of_http1_on_the_same_port(responder, first):
    client = responder.client()
    client.send(first)
    assert client.response().status == 400 and client.ended()
