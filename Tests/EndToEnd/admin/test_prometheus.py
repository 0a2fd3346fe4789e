"""A real Prometheus runs by `examples/prometheus/`, and the files there fit Weir's metrics."""

import json
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from harness import eventually
from harness.admin import Admin, admin_address
from harness.examples import FOLDER
from harness.wait import DEADLINE

FILES = FOLDER / "prometheus"
RULES = yaml.safe_load((FILES / "weir.rules.yml").read_text())
DASHBOARD = json.loads((FILES / "weir-dashboard.json").read_text())


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)


class Prometheus:
    """One that runs by the example, scraping `target` every second."""

    def __init__(self, target, folder):
        text = (FILES / "prometheus.yml").read_text()
        assert text.count("127.0.0.1:9900") == 1 and text.count("_interval: 15s") == 2
        text = text.replace("127.0.0.1:9900", target).replace("_interval: 15s", "_interval: 1s")
        self.file = folder / "prometheus.yml"
        self.file.write_text(text)
        (folder / "weir.rules.yml").write_bytes((FILES / "weir.rules.yml").read_bytes())
        self.port = free_port()
        command = [
            "prometheus",
            f"--config.file={self.file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        self.log = open(folder / "prometheus.log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def ask(self, path, **parameters):
        """The data of an answer; None before it serves."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None
        except (urllib.error.URLError, ConnectionError):
            return None

    def query(self, expression):
        """The values of an expression."""
        found = self.ask("query", query=expression)
        return found and [float(one["value"][1]) for one in found["result"]]

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture
def prometheus(tmp_path):
    """`prometheus(target)` starts one that scrapes it."""
    started = []

    def start(target):
        started.append(Prometheus(target, tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.close()


def panels():
    """Each panel of the dashboard that shows something."""
    return [one for one in DASHBOARD["panels"] if one["type"] != "row"]


def expressions():
    """Everything that the dashboard and the rules ask, with the dashboard's variables filled in."""
    found = [target["expr"] for one in panels() for target in one["targets"]]
    found += [one["expr"] for one in DASHBOARD["annotations"]["list"]]
    filled = []
    for text in found:
        text = text.replace("$__rate_interval", "1m").replace("$job", "weir")
        filled.append(re.sub(r"\$(instance|pool)\b", ".*", text))
    return filled + [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]


def test_prometheus_and_its_rules(weir, backend, prometheus):
    server = backend()
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address], "admin": "127.0.0.1:0"})
    for _ in range(5):
        proxy.ask()
    host, port = admin_address(proxy)
    one = prometheus(f"{host}:{port}")
    eventually(lambda: one.query('up{job="weir"}') == [1.0], "a scrape", within=DEADLINE * 2)
    assert one.query("sum(weir_requests_total)") == [5.0]
    assert one.query("weir_endpoint_up") == [1.0]
    assert one.query("weir_ready") == [1.0]
    groups = one.ask("rules")["groups"]
    assert [len(group["rules"]) for group in groups] == [len(RULES["groups"][0]["rules"])]
    # Rates want a second scrape with more requests.
    proxy.ask()
    rate = "sum(rate(weir_requests_total[1m]))"
    eventually(lambda: (one.query(rate) or [0])[0] > 0, "a rate", within=DEADLINE * 2)
    quiet = [text for text in expressions() if one.query(text) in ([], None)]
    # Alerts and faults have nothing to tell; all else shows something of a server that is well.
    rules = {rule["expr"] for group in RULES["groups"] for rule in group["rules"]}
    shown = [text for text in quiet if text not in rules]
    faults = ("> 0", "failures_total", 'outcome!="ok"', 'code="5xx"')
    assert [text for text in shown if not any(one in text for one in faults)] == []
    assert one.query('ALERTS{alertstate="firing"}') == []


def test_every_metric_that_is_asked_for_exists(weir, backend):
    server = backend()
    proxy = weir({"listen": "127.0.0.1:0", "servers": [server.address], "admin": "127.0.0.1:0"})
    proxy.ask()
    admin = Admin(proxy)
    admin.stats(requests=1)
    text = admin.ask(target="/metrics").body.decode()
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    known = set(families)
    for name, kind in families.items():
        if kind == "histogram":
            known |= {name + ending for ending in ("_bucket", "_sum", "_count")}
    variables = [str(one["query"]) for one in DASHBOARD["templating"]["list"]]
    asked = set(re.findall(r"\b(?:weir|process)_\w+", " ".join(expressions() + variables)))
    assert len(asked) > 30 and asked - known == set()
    series = set(re.findall(r'series: \'(\w+)', (FILES / "weir.test.yml").read_text()))
    assert series - known == {"up"}
    labels = set(re.findall(r'[{,](\w+)="', text)) | {"job", "instance"}
    for expression in expressions():
        named = re.findall(r"(?:by|on) \(([\w, ]+)\)", expression)
        named += re.findall(r"[{,] ?(\w+)(?:=|!=|=~)", expression)
        used = {label for group in named for label in group.split(", ")}
        assert used - labels - {"le"} <= {"code", "outcome", "reason"}, expression


def test_the_dashboard_is_one():
    assert DASHBOARD["title"] and DASHBOARD["schemaVersion"] >= 36
    numbers = [one["id"] for one in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers)) > 20
    taken = set()
    for one in DASHBOARD["panels"]:
        place = one["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, one["title"]
        taken |= cells
    names = {one["name"] for one in DASHBOARD["templating"]["list"]} | {"__rate_interval"}
    text = json.dumps([DASHBOARD["panels"], DASHBOARD["annotations"]])
    assert set(re.findall(r"\$\{?(\w+)", text)) <= names
    assert all(one["targets"] and one["title"] for one in panels())


@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yml"), ("test", "rules", "weir.test.yml")],
    ids=" ".join,
)
def test_promtool(command):
    *words, file = command
    done = promtool(*words, FILES / file)
    assert done.returncode == 0, done
    assert "SUCCESS" in done.stdout and "FAILED" not in done.stdout


def test_each_alert_is_tested():
    alerts = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    assert len(alerts) >= 12
    tests = yaml.safe_load((FILES / "weir.test.yml").read_text())["tests"]
    fired = {
        row["alertname"] for test in tests for row in test["alert_rule_test"] if row["exp_alerts"]
    }
    assert fired == alerts
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"] and rule["annotations"]["todo"]
