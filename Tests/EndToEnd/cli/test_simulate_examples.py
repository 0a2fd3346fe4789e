"""`examples/simulate`: each file shows what its first lines and docs/explanation say.

Seeds are fixed, so the figures are the same in every run; the margins are there for changes of the
code that leave the effect as it is.
"""

import functools
import json
import re
import subprocess
from pathlib import Path

import pytest

from harness import binary

FOLDER = Path(__file__).parents[3] / "examples" / "simulate"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))


@functools.cache
def simulated(name, balance=None):
    """The report of an example, with its own strategy or another one."""
    text = (FOLDER / name).read_text()
    if balance:
        text, count = re.subn(r"(?m)^    balance: .*", f"    balance: {balance}", text)
        assert count == 1
    done = subprocess.run(
        [*binary(), "simulate", "--json", "/dev/stdin"],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["strategies"]
    assert report["requests"] > 0
    return report


def share(report, place):
    return report["endpoints"][place]["share"]


def two_choices():
    # The mean is 100. One choice: about sqrt(2 × 100 × ln 100) = 30 above it; two: ln ln 100 / ln 2
    # and a constant, about 2.
    assert 1.01 <= simulated("two-choices.yaml")["spread"] <= 1.04
    assert simulated("two-choices.yaml", "random")["spread"] >= 1.15


def queues():
    # 10 ms of service: M/M/1 at 90 % takes 100 ms, two choices in the limit of many servers 26.14.
    assert simulated("queues.yaml")["mean"] == pytest.approx(0.0261, rel=0.03)
    assert simulated("queues.yaml", "random")["mean"] == pytest.approx(0.1, rel=0.05)


def slow_endpoint():
    name = "slow-endpoint.yaml"
    turn, least, ewma = (
        1 - simulated(name, balance)["error-share"]
        for balance in ["round-robin", "least-connections", None]
    )
    assert 0.94 <= turn <= 0.96
    assert 0.99 <= least < ewma
    assert ewma >= 0.999


def maglev_spread():
    name = "maglev-spread.yaml"
    maglev = simulated(name)
    assert maglev["spread"] <= 1.02
    assert 0.01 <= maglev["keys-moved"] <= 0.025
    ring = simulated(name, "{strategy: consistent-hash, table: ring}")
    assert ring["spread"] >= 1.1
    assert ring["keys-moved"] <= 0.02


def hot_keys():
    assert simulated("hot-keys.yaml")["spread"] == pytest.approx(1.25, abs=0.002)
    assert simulated("hot-keys.yaml", "consistent-hash")["spread"] >= 2


def antagonists_below():
    name = "antagonists-below.yaml"
    prequal, turn = simulated(name), simulated(name, "round-robin")
    assert prequal["errors"] == turn["errors"] == 0
    assert prequal["p99"] < turn["p99"] * 0.9


def antagonists_above():
    name = "antagonists-above.yaml"
    prequal, turn = simulated(name), simulated(name, "round-robin")
    assert prequal["error-share"] < 0.0005
    assert turn["error-share"] > 0.03
    assert prequal["p99"] < turn["p99"] / 5


def uneven_machines():
    name = "uneven-machines.yaml"
    least, turn = simulated(name), simulated(name, "round-robin")
    assert least["errors"] == 0 and turn["error-share"] > 0.05
    assert least["p99"] < turn["p99"] / 10


def trap_two_servers():
    # Drawn with replacement the stuck server would get a quarter of the requests.
    assert share(simulated("trap-two-servers.yaml"), 1) < 0.005


def trap_no_decay():
    assert share(simulated("trap-no-decay.yaml"), 1) > 0.15
    # Next to no decay is what the trap is made of, so that this file can show it.
    frozen = "{strategy: latency-weighted, decay: 24h}"
    assert share(simulated("trap-no-decay.yaml", frozen), 1) < 0.02


def trap_fast_failure():
    name = "trap-fast-failure.yaml"
    for balance in [None, "prequal"]:
        report = simulated(name, balance)
        assert share(report, 2) < 0.05 and report["error-share"] < 0.01
    # Without a penalty the failing server attracts the traffic.
    assert share(simulated(name, "least-connections"), 2) > 0.5


def outage():
    with_all, without = simulated("outage.yaml"), simulated("outage-without.yaml")
    # All servers are gone for 5 s of 120: nobody can answer then.
    assert with_all["error-share"] == pytest.approx(5 / 120, rel=0.05)
    line = with_all["timeline"]
    assert line["step"] == 1
    errors = {time for time, count in enumerate(line["errors"]) if count}
    # A second before, requests come that cannot be answered any more.
    assert errors <= set(range(99, 106)), "only those five seconds fail"
    assert line["errors"][105:] == [0] * 15, "and nobody fails once the servers are back"
    ejected = [server["ejected"] for server in with_all["endpoints"]]
    assert all(time >= 19 for time in ejected[:3]), ejected
    # What each time costs: those that met the server before it was out.
    for begin in [10, 40, 70]:
        tries = sum(line["tries"][begin : begin + 2]) / sum(line["requests"][begin : begin + 2])
        assert 1 < tries < 1.05
    assert without["timeline"]["tries"] == without["timeline"]["requests"]


def outage_without():
    line = simulated("outage-without.yaml")["timeline"]
    share = [failed / came for failed, came in zip(line["errors"], line["requests"])]
    for begin in [10, 40, 70]:
        assert all(0.15 < part < 0.25 for part in share[begin + 1 : begin + 19])
    assert all(part > 0.99 for part in share[100:105])


def most_retries(line, seconds=10):
    """The most tries beyond the first ones in so many seconds."""
    extra = [tries - came for tries, came in zip(line["tries"], line["requests"])]
    return max(sum(extra[end - seconds : end]) for end in range(seconds, len(extra) + 1))


def retry_storm():
    line = simulated("retry-storm.yaml")["timeline"]
    assert line["step"] == 1
    # The budget: a fifth of the requests of ten seconds and ten a second. Sums over whole seconds
    # may have a part of a second more of them on either side.
    requests = max(sum(line["requests"][end - 11 : end]) for end in range(11, 121))
    assert 0 < most_retries(line) <= 0.2 * requests + 100
    assert sum(line["errors"][42:]) == 0, "well as soon as the servers are"


def retry_storm_without():
    line = simulated("retry-storm-without.yaml")["timeline"]
    late = slice(60, 115)
    came, tries, failed = (sum(line[name][late]) for name in ["requests", "tries", "errors"])
    # Long after its cause is gone.
    assert tries > 2.5 * came and failed > 0.75 * came


EFFECTS = {
    function.__name__.replace("_", "-") + ".yaml": function
    for function in [
        two_choices,
        queues,
        slow_endpoint,
        maglev_spread,
        hot_keys,
        antagonists_below,
        antagonists_above,
        uneven_machines,
        trap_two_servers,
        trap_no_decay,
        trap_fast_failure,
        outage,
        outage_without,
        retry_storm,
        retry_storm_without,
    ]
}


def test_each_example_has_an_effect():
    assert FILES == sorted(EFFECTS)


@pytest.mark.parametrize("name", FILES)
def test_an_example_shows_what_it_says(name):
    EFFECTS[name]()


@pytest.mark.parametrize("name", FILES)
def test_an_example_says_what_it_shows(name):
    top = (FOLDER / name).read_text().split("listen:")[0].splitlines()
    assert len(top) >= 4 and all(line.startswith("#") for line in top)
    end = top[-1] if top[-1].startswith("# weir") else f"{top[-2]} {top[-1].removeprefix('# ')}"
    command = rf"# weir simulate (--compare )?examples/simulate/{name}( examples/simulate/\S+)?"
    assert re.fullmatch(command + " +Look at .+", end)
    done = subprocess.run(
        [*binary(), "check", str(FOLDER / name)], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
