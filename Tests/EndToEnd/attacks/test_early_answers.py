"""Answers that come before their request has ended must not move the border between requests."""

import pytest

from harness import eventually
from harness.setups import single

RESPOND = {"listen": "127.0.0.1:0", "workers": 1, "routes": [{"respond": {"body": "hi" * 500_000}}]}


def test_body_that_was_never_sent_does_not_swallow_the_next_request(weir, backend):
    """A client that waits for a 100 and gets a final answer may leave its body out."""

    def script(connection):
        while (request := connection.request_head()) is not None:
            connection.note(request)
            connection.answer(body="early")

    client = weir(single(backend(script), workers=1)).client()
    client.send_request("POST", fields=[("Expect", "100-continue"), ("Content-Length", "500")])
    response = client.response()
    assert (response.status, response.text) == (200, "early")
    assert response.get("connection") == "close"
    assert client.ended()


@pytest.mark.parametrize("size", [100, 100_000])
def test_body_behind_a_slowly_read_answer_is_no_request(weir, size):
    """The answer leaves late and the body comes later still: it is read past, whatever it says."""
    proxy = weir({**RESPOND, "log": {"access": {"to": "stdout", "format": "json"}}})
    client = proxy.client(receive_buffer=4096)
    client.send(f"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
    first = client.response()
    assert first.body == b"hi" * 500_000 and first.get("connection") is None
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    client.send((smuggled * size)[:size])
    client.send_request(target="/second")
    assert client.response().status == 200
    paths = [line["path"] for line in proxy.access(2)]
    assert paths == ["/first", "/second"]
    eventually(lambda: len(proxy.output) == 2, "no third request")
