"""A watched file of servers: what is written there joins, what is gone leaves."""

import json
import os

from harness import eventually
from harness.balancing import entry, spread
from harness.setups import pooled
from harness.steady import Steady


def write(file, *servers):
    """Replaces the file as a careful writer does, by rename."""
    entries = [one if isinstance(one, (str, dict)) else entry(one) for one in servers]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(entries))
    new.rename(file)


def watched(file, *servers, **keys):
    """A pool of these servers and those of the file."""
    config = pooled(
        [entry(server) for server in servers],
        {"servers-file": str(file), "slow-start": "0s", **keys},
    )
    if not servers:
        del config["pools"]["main"]["servers"]
    return config


def events(proxy, kind):
    return [line for line in list(proxy.lines) if f" {kind} " in line]


def serves(proxy, *names):
    """Waits until exactly these backends answer."""
    eventually(
        lambda: set(spread(proxy.client(), 12)) == set(names), f"{names} serve: {proxy.lines}"
    )


def test_servers_come_and_go_with_the_file_under_load(weir, backend, tmp_path):
    a, b, c = (backend(name=name) for name in "abc")
    file = tmp_path / "servers.yaml"
    write(file, a)
    proxy = weir(watched(file))
    with Steady(proxy) as load:
        serves(proxy, "a")
        write(file, a, b)
        serves(proxy, "a", "b")
        write(file, b, c)
        serves(proxy, "b", "c")
        write(file, a)
        serves(proxy, "a")
        assert load.end() == []
    told = events(proxy, "servers-changed")
    assert "now 1 server; new: a" in told[0]
    assert "now 2 servers; new: c; gone: a" in told[2]


def test_a_name_that_is_not_answered_yet_takes_nobody_away(weir, names, backend, tmp_path):
    a, b = backend(name="a"), backend(name="b")
    names.set("one 600 A 127.0.0.1", "two 600 A 127.0.0.1")
    file = tmp_path / "servers.yaml"
    write(file, f"one.test:{a.port}")
    proxy = weir(watched(file, resolver=names.resolver()))
    serves(proxy, "a")
    with Steady(proxy) as load:
        names.hang()
        write(file, f"one.test:{a.port}", f"two.test:{b.port}")
        eventually(lambda: len(events(proxy, "servers-changed")) == 2, "the file is looked at")
        assert set(spread(proxy.client(), 50)) == {"a"}
        names.go_on()
        serves(proxy, "a", "b")
        assert load.end() == []


def test_servers_of_the_list_stay_and_the_files_join_them(weir, backend, tmp_path):
    a, b = backend(name="a"), backend(name="b")
    file = tmp_path / "servers.yaml"
    write(file, b)
    proxy = weir(watched(file, a))
    serves(proxy, "a", "b")


def test_a_file_written_in_place_and_the_swap_of_a_link_are_followed(weir, backend, tmp_path):
    a, b, c = (backend(name=name) for name in "abc")
    write(tmp_path / "one.yaml", a)
    write(tmp_path / "two.yaml", b)
    link, new = tmp_path / "servers.yaml", tmp_path / "new-link"
    os.symlink("one.yaml", link)
    proxy = weir(watched(link))
    serves(proxy, "a")
    os.symlink("two.yaml", new)
    os.rename(new, link)
    serves(proxy, "b")
    (tmp_path / "two.yaml").write_text(f"- {c.address}\n")
    serves(proxy, "c")


def test_a_file_with_a_mistake_or_none_keeps_the_last_good_one(weir, backend, tmp_path):
    a, b = backend(name="a"), backend(name="b")
    file = tmp_path / "servers.yaml"
    write(file, a)
    proxy = weir(watched(file))
    serves(proxy, "a")
    for number, spoil in enumerate(
        [
            lambda: file.write_text("- 127.0.0.1:99999\n"),
            lambda: file.write_text("[]"),
            file.unlink,
        ]
    ):
        spoil()
        eventually(
            lambda count=number: len(events(proxy, "servers-file-bad")) > count, "it is told"
        )
        assert spread(proxy.client(), 4) == {"a": 4}
    first, _, last = events(proxy, "servers-file-bad")
    assert f"{file}:1:" in first and "the 1 servers it gave last stay" in first
    assert "no such file" in last
    write(file, b)
    serves(proxy, "b")


def test_states_weights_and_priorities_of_the_file_are_followed(weir, backend, tmp_path):
    a, b = backend(name="a"), backend(name="b")
    file = tmp_path / "servers.yaml"
    write(file, a, entry(b, state="drain"))
    proxy = weir(watched(file))
    serves(proxy, "a")
    write(file, entry(a, priority=1), b)
    serves(proxy, "b")
    write(file, entry(a, weight=0), b)
    serves(proxy, "b")
    write(file, a, entry(b, state="down"))
    serves(proxy, "a")


def test_the_file_may_list_names(weir, names, neighbours, tmp_path):
    servers = neighbours(2)
    file = tmp_path / "servers.yaml"
    names.set("app 1 A 127.0.0.2")
    write(file, f"app.test:{servers[0].port}")
    proxy = weir(watched(file, resolver=names.resolver()))
    serves(proxy, "b")
    write(file, servers[0])
    serves(proxy, "a")
    names.set("app 1 A 127.0.0.1")


def test_sixty_servers_replaced_again_and_again_lose_no_request(weir, backend, tmp_path):
    server = backend(name="a", host="0.0.0.0")
    file = tmp_path / "servers.yaml"

    def group(number):
        return [f"127.1.{number}.{n}:{server.port}" for n in range(1, 61)]

    write(file, *group(0))
    proxy = weir(watched(file))
    with Steady(proxy) as load:
        for number in range(1, 5):
            write(file, *group(number))
            eventually(
                lambda count=number: len(events(proxy, "servers-changed")) > count, "the change"
            )
        eventually(lambda: len(load.answers) > 500, "requests")
        assert load.end() == []
