"""What RFC 9113 and RFC 7541 want of the frames and blocks that the proxy itself sends."""

import hpack.exceptions
import pytest
from hyperframe.frame import (
    DataFrame,
    HeadersFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from harness import fixed
from harness.client import encode_chunks
from harness.data import whole
from harness.frames import data, headers, ping, reset, setting, settings, update
from harness.http2 import NO_ERROR, PROTOCOL_ERROR, Frames
from harness.wire import Closed

CLEARTEXT = {"address": "127.0.0.1:0", "http2": "cleartext"}


def served(weir, server, **options):
    return Frames(weir({"listeners": [CLEARTEXT], "servers": [server.address]}), **options)


def answer_of(frames, stream=1):
    """Every frame of the stream up to its end."""
    found = []
    while (one := frames.next()) is not None:
        if one.stream_id != stream:
            continue
        found.append(one)
        if isinstance(one, RstStreamFrame) or "END_STREAM" in one.flags:
            return found
    raise Closed(f"ended inside an answer: {frames.seen[-5:]}")


def sized(connection):
    while (request := connection.request()) is not None:
        connection.answer(body=whole(int(request.target[1:])))


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_table_of_the_size_that_the_client_wants(weir, backend, size):
    """RFC 7541 §4.2: a smaller table is announced in the next block, and kept to."""
    frames = served(weir, backend(fixed("HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n")))
    frames.send(frames.request(1))
    answer_of(frames)
    frames.decoder.max_allowed_table_size = size
    frames.send(settings(table_size=size))
    while "ACK" not in frames.until(SettingsFrame).flags:
        pass
    for stream in (3, 5):
        frames.send(frames.request(stream))
        head = answer_of(frames, stream)[0]
        assert dict(head.fields)["x-one"] == "1"
        assert frames.decoder.header_table.maxsize <= size


def test_the_decoder_would_notice(weir, backend):
    """The control: without an announcement the test above fails."""
    frames = served(weir, backend())
    frames.decoder.max_allowed_table_size = 0
    frames.send(frames.request(1))
    with pytest.raises(hpack.exceptions.InvalidTableSizeError):
        answer_of(frames)


@pytest.mark.parametrize("most", [16384, 20000, (1 << 24) - 1])
def test_frames_of_the_size_that_the_client_takes(weir, backend, most):
    """§4.2."""
    frames = served(weir, backend(sized), settings=setting(5, most) + setting(4, 1 << 24))
    frames.send(update(0, 1 << 24), frames.request(1, target="/1000000"))
    pieces = [one.data for one in answer_of(frames) if isinstance(one, DataFrame)]
    assert b"".join(pieces) == whole(1_000_000) and max(map(len, pieces)) <= most


def test_windows_are_never_overrun(weir, backend):
    """§6.9.1: of stream and connection the smaller one counts, to the byte."""
    frames = served(weir, backend(sized), settings=setting(4, 100_000))
    frames.send(frames.request(1, target="/70000"), frames.request(3, target="/70000"))
    got = {1: 0, 3: 0}
    left = 65535
    while sum(got.values()) < 140_000:
        if left == 0:
            # Nothing of either comes before there is room again.
            frames.send(ping(b"anything"))
            while (one := frames.next()).type != 6:
                assert not isinstance(one, DataFrame), one
            left = min(1000 + sum(got.values()) // 2, 140_000)
            frames.send(update(0, left))
        one = frames.until(DataFrame)
        got[one.stream_id] += one.flow_controlled_length
        left -= one.flow_controlled_length
        assert left >= 0, f"{-left} bytes beyond the window"
    assert got == {1: 70_000, 3: 70_000}


def test_window_opens_again(weir, backend):
    """§6.9: bytes that were used are given back, of streams and of the connection."""
    server = backend()
    frames = served(weir, server)
    windows = {0: 65535, 1: frames.until(SettingsFrame).settings[4]}
    frames.send(frames.request(1, "POST", end=False))
    left = 3_000_000
    while left:
        room = min(*windows.values(), 16384, left)
        if room < min(16384, left):
            one = frames.until(WindowUpdateFrame)
            windows[one.stream_id] += one.window_increment
            continue
        frames.send(data(1, b"x" * room))
        windows = {stream: window - room for stream, window in windows.items()}
        left -= room
    frames.send(data(1, end=True))
    head = next(one for one in answer_of(frames) if isinstance(one, HeadersFrame))
    assert dict(head.fields)[":status"] == "200"
    assert len(server.requests[0].body) == 3_000_000


@pytest.mark.parametrize("head", ["200 OK", "204 No Content", "304 Not Modified", "404 Not Found"])
def test_shape_of_answers(weir, backend, head):
    """§8.1: interim heads, one final head, DATA, at most one trailer section, one end."""
    has_body = head[:3] in ("200", "404")
    body = encode_chunks([b"hello"], [("X-Sum", "1")]) if has_body else b""
    framing = "Transfer-Encoding: chunked\r\n" if has_body else ""
    text = f"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 {head}\r\n{framing}X-Y: z\r\n\r\n"
    frames = served(weir, backend(fixed(text, body)))
    frames.send(frames.request(1))
    found = answer_of(frames)
    kinds = [type(one).__name__ for one in found]
    parts = ["HeadersFrame", "HeadersFrame"] + (["DataFrame", "HeadersFrame"] if has_body else [])
    assert kinds == parts
    assert [("END_STREAM" in one.flags) for one in found] == [False] * (len(parts) - 1) + [True]
    for one in found:
        if isinstance(one, HeadersFrame):
            names = [name for name, _ in one.fields]
            assert names == [name.lower() for name in names]
    assert [found[0].fields[0], found[1].fields[0]] == [(":status", "103"), (":status", head[:3])]
    for one in found[:2]:
        assert [name for name, _ in one.fields if name.startswith(":")] == [":status"]
    if has_body:
        assert found[3].fields == [("x-sum", "1")]


def test_switching_protocols_never_passes(weir, backend):
    """§8.6: there is no 101 in HTTP/2."""
    script = fixed("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    frames = served(weir, backend(script))
    frames.send(frames.request(1))
    assert dict(answer_of(frames)[0].fields)[":status"] == "502"


def test_nothing_is_pushed(weir, backend):
    """§8.4: neither to those that take it, nor of answers that ask for it."""
    link = "Link: </style.css>; rel=preload; as=style\r\n"
    script = fixed(f"HTTP/1.1 200 OK\r\n{link}Content-Length: 2\r\n\r\nhi")
    frames = served(weir, backend(script), settings=setting(2, 1))
    frames.send(frames.request(1))
    answer_of(frames)
    frames.send(ping(b"anything"))
    while (one := frames.next()).type != 6:
        pass
    assert not any(isinstance(one, PushPromiseFrame) for one in frames.seen)
    assert all(one.stream_id in (0, 1) for one in frames.seen)


def test_no_reset_answers_a_reset(weir, backend):
    """§5.4.2."""
    frames = served(weir, backend())
    frames.send(headers(1, frames.block([("x", "y")])))
    assert frames.outcome(1) == ("reset", PROTOCOL_ERROR)
    frames.send(reset(1), reset(1), frames.request(3, "POST", end=False), reset(3), reset(3))
    frames.serves(5)
    resets = [one for one in frames.seen if isinstance(one, RstStreamFrame)]
    assert len(resets) == 1, resets


def test_an_answer_before_the_end_of_its_request(weir, backend):
    """§8.1: the rest of the request is refused with NO_ERROR, once the answer is whole."""

    def script(connection):
        while (head := connection.request_head()) is not None:
            if head.method == "POST":
                connection.answer(403, b"no", [("Connection", "close")], reason="No")
                connection.sock.shutdown(1)
                connection.rest()
                return
            connection.answer(body="plain")

    frames = served(weir, backend(script))
    frames.send(frames.request(1, "POST", fields=[("content-length", "1000000")], end=False))
    answer = answer_of(frames)
    assert dict(answer[0].fields)[":status"] == "403" and "END_STREAM" in answer[-1].flags
    assert frames.until(RstStreamFrame, 1).error_code == NO_ERROR
    frames.serves(3)


def test_upgrade_of_http1_to_http2_is_passed_over(weir, backend):
    """§3.1: the token h2c is obsolete; the request is one of HTTP/1 like others."""
    proxy = weir({"listeners": [CLEARTEXT], "servers": [backend().address]})
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")]
    found = proxy.ask(fields=[*fields, ("HTTP2-Settings", "AAMAAABkAAQAAP__")])
    assert found.status == 200 and found.get("upgrade") is None
