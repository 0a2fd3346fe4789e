"""The dashboard in a real browser: its numbers, its words, its controls, its looks."""

import json
import os
import struct
import time
import zlib

import pytest

from harness import eventually, scaled
from harness.admin import Admin
from harness.browser import Browser


@pytest.fixture
def browser():
    """`browser(width=…, dark=…)` opens one."""
    opened = []

    def start(**options):
        opened.append(Browser(**options))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def url(admin):
    return "http://{}:{}/".format(*admin.address)


def row(page, server):
    """The cells of a server's row, by their order."""
    return page.run(
        f"[...(document.querySelector('tr[data-endpoint=\"{server.address}\"]')?.cells ?? [])]"
        ".map(cell => cell.innerText)"
    )


def colours(png):
    """The share of the picture's bytes that differ from their left neighbour: 0 is a blank."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    data, place = b"", 8
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + size]
        place += size + 12
    raw = zlib.decompress(data)
    return width, height, len(set(raw)) / 256


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk", "phone"])
def test_it_shows_what_the_api_says(served, browser, width, dark):
    proxy, admin, servers = served
    page = browser(width=width, height=900, dark=dark)
    page.open(url(admin))
    rate = eventually(
        lambda: (page.text("#rate") or "–") not in ("–", "0") and page.text("#rate"), "a rate"
    )
    assert float(rate.split()[0]) > 0
    assert "ms" in page.text("#p99") or "µs" in page.text("#p99")
    assert str(proxy.pid) in page.text("#process")
    for server in servers:
        cells = row(page, server)
        assert cells[0] == server.address and cells[1] == "up", cells
    assert "3 of 3 up" in page.text("#pools h3")
    # Nothing is wider than the screen but tables that scroll by themselves.
    assert page.run("document.documentElement.scrollWidth") <= width
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(18, 22, 28)") == dark
    folder = os.environ.get("WEIR_PICTURES")
    name = f"{folder}/dashboard-{'phone' if width < 600 else 'desk'}.png" if folder else None
    seen_width, seen_height, variety = colours(page.picture(name))
    assert (seen_width, seen_height) == (width, 900) and variety > 0.2
    assert page.said == [], "the browser's console has errors"


@pytest.mark.alone
def test_a_fault_is_named_within_two_seconds(served, browser):
    _, admin, servers = served
    page = browser()
    page.open(url(admin))
    eventually(lambda: row(page, servers[0])[1:2] == ["up"], "the page")
    began = time.monotonic()
    servers[0].close()
    found = eventually(
        lambda: (cells := row(page, servers[0]))[1] in ("unhealthy", "ejected") and cells, "a fault"
    )
    took = time.monotonic() - began
    assert "connection" in found[9] or "connection" in (page.text("#events li") or ""), found
    # Statistics come twice a second, checks every 200 ms, three of them in a row.
    assert took < scaled(2)
    assert "2 of 3 up" in page.text("#pools h3")
    assert servers[0].address in page.text("#events")
    began = time.monotonic()
    servers[1].script.is_slow.set()
    words = eventually(
        lambda: (found := row(page, servers[1])[9]).startswith("slow") and found, "a slow one"
    )
    assert time.monotonic() - began < scaled(2)
    assert "to answer, the others" in words or "wait" in words
    if folder := os.environ.get("WEIR_PICTURES"):
        page.picture(f"{folder}/dashboard.png")


def test_a_server_is_drained_by_keyboard(served, browser):
    _, admin, servers = served
    page = browser()
    page.open(url(admin))
    selector = f"tr[data-endpoint='{servers[1].address}'] button"
    eventually(lambda: page.text(selector) == "Drain", "the button")
    page.run(f'document.querySelector("{selector}").focus()')
    page.key("Enter")
    eventually(lambda: admin.endpoint(servers[1].address)["state"] == "drain", "a drain")
    eventually(lambda: page.text(selector) == "Make ready", "the button's other word")
    assert "by the operator" in row(page, servers[1])[9]
    page.key("Enter")
    eventually(lambda: admin.endpoint(servers[1].address)["state"] == "up", "its return")
    weight = f"tr[data-endpoint='{servers[1].address}'] input"
    page.run(
        f'{{ const one = document.querySelector("{weight}"); one.value = 5;'
        ' one.dispatchEvent(new Event("change")); }'
    )
    eventually(lambda: admin.endpoint(servers[1].address)["weight"] == 5, "a weight")
    assert page.said == []


def test_a_reload_takes_away_pools_and_shows_the_file_in_force(weir, backend, browser):
    server = backend()
    pools = {"first": [server.address], "second": [server.address]}
    config = {
        "listen": "127.0.0.1:0",
        "routes": [{"match": "/a", "pool": "first"}, {"pool": "second"}],
        "pools": pools,
        "admin": "127.0.0.1:0",
    }
    proxy = weir(config)
    admin = Admin(proxy)
    page = browser()
    page.open(url(admin))
    cards = "[...document.querySelectorAll('#pools .pool h3')].map(one => one.innerText)"
    eventually(lambda: len(page.run(cards) or []) == 2, "two pools")
    page.run("document.querySelector('#config-box').open = true")
    eventually(lambda: "first" in (page.text("#config") or ""), "the file")
    del config["routes"][0], pools["first"]
    proxy.file.write_text(json.dumps(config))
    admin.json("POST", "/reload")
    eventually(lambda: len(page.run(cards)) == 1, "one pool")
    assert page.run(cards)[0].startswith("second")
    eventually(lambda: "first" not in page.text("#config"), "the file in force")
    assert page.said == []


def test_a_token_is_asked_for(weir, browser, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "routes": [{"respond": 204}],
            "admin": {"address": "127.0.0.1:0", "token-file": str(token)},
        }
    )
    page = browser()
    page.open(url(Admin(proxy)))
    eventually(lambda: "token" in (page.text("#process") or ""), "the question")
    page.run('document.querySelector("#token").value = "0123456789abcdef"')
    page.run('document.querySelector("#login button").click()')
    eventually(lambda: str(proxy.pid) in (page.text("#process") or ""), "the statistics")


def test_it_works_by_https(weir, backend, browser, certificates):
    server = backend()
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "servers": [server.address],
            "admin": {"address": "127.0.0.1:0", "tls": certificates.site.entry},
        }
    )
    page = browser()
    page.call("Security.setIgnoreCertificateErrors", ignore=True)
    page.open(url(Admin(proxy)).replace("http://", "https://"))
    selector = f"tr[data-endpoint='{server.address}'] button"
    eventually(lambda: page.text(selector) == "Drain", "the button")
    assert page.run("location.protocol") == "https:"
    page.run(f'document.querySelector("{selector}").click()')
    eventually(lambda: "by the operator" in row(page, server)[9], "a drain")
    assert page.said == []
