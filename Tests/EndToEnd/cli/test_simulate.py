"""`weir simulate`: the report, its forms, and how it fails."""

import json
import subprocess
from xml.etree import ElementTree

import pytest

from harness import binary

FILE = """\
listen: ":8080"
pools:
  main: ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
simulate:
  requests: 20000
  servers: {"10.0.0.3:80": {speed: 0.5}}
"""


def run(*arguments):
    return subprocess.run(
        [*binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text(FILE)
    return path


def test_standard_output_is_the_report_and_repeats(file):
    first, second = run("simulate", file), run("simulate", file)
    assert first.returncode == 0
    assert first.stdout == second.stdout
    assert "round-robin" in first.stdout and "10.0.0.3:80" in first.stdout
    assert first.stderr.endswith("million requests/s\n") and "\r" not in first.stderr
    assert run("simulate", file, "--seed", 2).stdout != first.stdout


def test_all_strategies_as_json(file):
    done = run("simulate", file, "--compare", "--json")
    report = json.loads(done.stdout)
    names = [strategy["name"] for strategy in report["strategies"]]
    assert "round-robin" in names and "consistent-hash (ring)" in names
    assert report["best"] in names and report["verdict"].startswith(report["best"])
    for strategy in report["strategies"]:
        assert strategy["p50"] <= strategy["p99"] <= strategy["p99.9"]
        assert strategy["requests"] == 18000
        assert abs(sum(server["share"] for server in strategy["endpoints"]) - 1) < 0.001


def test_the_plot_is_a_picture(file, tmp_path):
    plot = tmp_path / "plot.svg"
    assert run("simulate", file, "--compare", "--plot", plot).returncode == 0
    root = ElementTree.parse(plot).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "weir.yaml" in plot.read_text() and "seed 1" in plot.read_text()


def test_files_play_the_first_one_s_traffic(file, tmp_path):
    other = tmp_path / "other.yaml"
    # Its own traffic would have no failures.
    text = FILE.split("simulate:")[0].replace("main: [", "main: {ejection: off, servers: [")
    other.write_text(text.replace('80"]', '80"]}'))
    file.write_text(FILE.replace("speed: 0.5", "fail: fast"))
    plot = tmp_path / "plot.svg"
    done = run("simulate", file, other, "--json", "--plot", plot)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["files"]
    assert (first["name"], second["name"]) == ("weir", "other")
    assert first["requests"] == second["requests"] == 18000
    assert first["ejected"] > 5 and second["ejected"] == 0
    assert first["errors"] < 100 < second["errors"]
    line = first["timeline"]
    assert sum(line["requests"]) == 20000 and sum(line["errors"]) >= first["errors"]
    assert "Tries per request" in plot.read_text()
    text = run("simulate", file, other).stdout
    assert "Ejections" in text and "\nother " in text


def test_a_log_is_replayed(file, tmp_path):
    log = tmp_path / "access.json"
    lines = [
        {
            "time": f"2026-11-23T22:31:{number // 20:02}.{number % 20 * 50:03}Z",
            "client": "127.0.0.1",
            "status": 200,
            "duration": 0.2 if number % 3 == 2 else 0.01,
            "first-byte": 0.01,
            "endpoint": f"10.0.0.{number % 3 + 1}:80",
        }
        for number in range(1000)
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("simulate", file, "--log", log)
    assert done.returncode == 0
    assert "would have served this traffic best" in done.stdout.splitlines()[-1]


def test_equal_strategies_are_called_equal(tmp_path):
    """Of one server nobody can choose better than another."""
    file = tmp_path / "one.yaml"
    file.write_text(
        'listen: "127.0.0.1:0"\n'
        "pools: {main: {servers: [10.0.0.1:80], balance: least-connections}}\n"
        "simulate: {requests: 2000}\n"
    )
    last = run("simulate", file, "--compare").stdout.splitlines()[-1]
    assert last.startswith("least-connections, which the file has, serves this traffic as well")


def test_failures(file, tmp_path):
    assert run("simulate").returncode == 2
    assert run("simulate", file, "--pool", "other").returncode == 2
    assert run("simulate", tmp_path / "none.yaml").returncode == 1
    assert run("simulate", file, "--log", tmp_path / "none.json").returncode == 1
    assert run("simulate", file, "--plot", tmp_path / "no" / "plot.svg").returncode == 1
    assert run("simulate", file, file, "--compare").returncode == 2
    assert run("simulate", file, tmp_path / "none.yaml").returncode == 1
    bad = tmp_path / "bad.yaml"
    bad.write_text(FILE + "  arrivals: {rate: 5}\n")
    done = run("simulate", bad)
    assert done.returncode == 1 and done.stdout == ""
    assert "[unit]" in done.stderr
