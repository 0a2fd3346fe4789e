"""What `nghttp` gets, the client of nghttp2."""

import re
import subprocess

import pytest

from harness import answer, scaled
from harness.data import whole


def nghttp(*arguments):
    """What it prints, body and frames."""
    command = ["nghttp", "--no-verify-peer", f"--timeout={scaled(20):.0f}s", *arguments]
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, timeout=scaled(60), check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def url(weir, backend, over):
    def script(connection):
        while (request := connection.request()) is not None:
            if request.target.startswith("/size/"):
                connection.send(answer(body=whole(int(request.target[6:]))))
            else:
                trailers = "".join(f" {name}={value}" for name, value in request.trailers)
                connection.answer(body=f"{request.method} {len(request.body)}{trailers}\n")

    return weir(over(backend(script))).url.rstrip("/")


def test_get(url):
    assert nghttp(f"{url}/a") == b"GET 0\n"
    assert nghttp(f"{url}/size/3000000") == whole(3_000_000)


def test_frames_and_fields(url):
    """Nothing that HTTP/2 forbids comes back, and the connection ends well."""
    shown = nghttp("-v", "-n", f"{url}/a").decode()
    assert re.search(r"recv \(stream_id=\d+\) :status: 200", shown), shown
    assert "content-length: 6" in shown and "RST_STREAM" not in shown
    assert not re.search(r"recv \(stream_id=\d+\) (connection|keep-alive|transfer-encoding):", shown)
    assert "recv GOAWAY" not in shown or "error_code=NO_ERROR" in shown


def test_many_on_one_connection(url):
    found = nghttp("-m", "200", "-M", "100", f"{url}/a")
    assert found == b"GET 0\n" * 200
    found = nghttp("-m", "20", f"{url}/size/100000")
    assert len(found) == 2_000_000


def test_bodies_padding_and_trailers(url, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(whole(1_000_000))
    assert nghttp("-d", body, f"{url}/up") == b"POST 1000000\n"
    assert nghttp("-d", body, "--padding=200", f"{url}/up") == b"POST 1000000\n"
    found = nghttp("-d", body, "--no-content-length", "--trailer", "x-sum: 1", f"{url}/up")
    assert found == b"POST 1000000 x-sum=1\n"
    assert nghttp("-d", body, "--expect-continue", f"{url}/up") == b"POST 1000000\n"


def test_small_windows_and_tables(url):
    """Windows of 1 KiB and tables that shrink and grow."""
    found = nghttp("-w", "10", "-W", "16", f"{url}/size/100000")
    assert found == whole(100_000)
    assert nghttp("-c", "0", "-c", "4K", "-m", "5", f"{url}/a") == b"GET 0\n" * 5


def test_a_head_in_several_frames(url):
    """16 KiB of fields are one byte too many for the bound on heads: that is told by 431."""
    shown = nghttp("-v", "-n", "--continuation", f"{url}/a").decode()
    assert re.search(r":status: (200|431)", shown) and "GOAWAY" not in shown.split(":status:")[0]
