"""Backends that close kept connections at random; `long/million.py` is the same at full size."""

from harness import SLOWNESS
from harness.closing import ClosingBackends, run_load


def test_no_get_fails_and_no_post_arrives_twice(weir, tmp_path):
    gets = int(30_000 / SLOWNESS)
    posts = gets // 10
    backends = ClosingBackends(tmp_path, 7, posts)
    try:
        proxy = weir({"listen": "127.0.0.1:0", "servers": backends.addresses})
        result = run_load(proxy, backends, tmp_path, gets, posts, gets // 2, 7)
    finally:
        backends.kill()
    assert not result.wrongs()
