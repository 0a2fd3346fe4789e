"""Help, version, schema, wrong usage, and the demo."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness import binary, eventually, scaled
from harness.proxy import ROOT

EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
COMMANDS = ["run", "check", "status", "top", "demo", "schema", "version"]


class Core(yaml.SafeLoader):
    """YAML 1.2, in which `on`, `off`, `yes` and `no` are text."""


Core.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), "tf")


def run(*arguments, **options):
    return subprocess.run(
        [*binary(), *map(str, arguments)], capture_output=True, text=True, timeout=30, **options
    )


@pytest.mark.parametrize("command", [[], *[[one] for one in COMMANDS]])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(command, flag):
    done = run(*command, flag)
    assert done.returncode == 0 and not done.stderr
    assert "USAGE: weir" in done.stdout
    if not command:
        assert all(one in done.stdout for one in COMMANDS)


def test_version():
    done = run("version")
    assert done.returncode == 0
    assert re.fullmatch(r"weir \d+\.\d+\.\d+\n", done.stdout)
    assert run("--version").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-flag"],
        ["no-such-command"],
        ["run"],
        ["run", "a.yaml", "b.yaml"],
        ["check"],
        ["check", "--no-such-flag", "a.yaml"],
        ["demo", "--for", "5"],
        ["demo", "--for", "soon"],
        ["version", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments):
    done = run(*arguments)
    assert done.returncode == 2, done
    assert "Usage: weir" in done.stderr and not done.stdout


def test_a_file_that_is_not_there():
    for command in ["run", "check"]:
        done = run(command, "no-such-file.yaml")
        assert done.returncode == 1 and "no-such-file.yaml" in done.stderr


@pytest.fixture(scope="module")
def schema():
    done = run("schema")
    assert done.returncode == 0 and not done.stderr
    return yaml.safe_load(done.stdout)


class TestSchema:
    def test_it_is_a_schema(self, schema):
        jsonschema.validators.validator_for(schema).check_schema(schema)

    def test_it_is_the_one_in_the_docs(self):
        assert run("schema").stdout == (ROOT / "docs/reference/weir.schema.json").read_text()

    @pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
    def test_it_accepts_each_example(self, schema, file):
        content = yaml.load(file.read_text(), Core)
        # A servers-file is a list as under servers.
        content = {"servers": content} if isinstance(content, list) else content
        jsonschema.validate(content, schema)

    @pytest.mark.parametrize(
        "content",
        [
            {"listne": ":80"},
            {"listen": ":80", "servers": ["a:1"], "workers": "many"},
            {"listen": ":80", "routes": [{"respond": {"status": "200", "bdoy": "x"}}]},
            {"listen": ":80", "timeouts": {"head": "5 parsecs"}},
            {"listen": ":80", "pools": {"main": {"health": {"status": "6xx"}}}},
            {"listen": ":80", "pools": {"main": {"health": {"window": "3/5"}}}},
        ],
        ids=["key", "type", "nested key", "duration", "status", "window"],
    )
    def test_it_refuses_what_weir_refuses(self, schema, content):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content, schema)


class Demo:
    """A demo that runs, with what it has printed so far."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*binary(), "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines, self.trouble = [], []
        for pipe, lines in [
            (self.process.stdout, self.lines),
            (self.process.stderr, self.trouble),
        ]:
            threading.Thread(target=lambda p=pipe, l=lines: l.extend(p), daemon=True).start()

    def text(self):
        return "".join(self.lines)

    def address(self):
        found = re.compile(r"http://127\.0\.0\.1:\d+")
        return eventually(lambda: found.search(self.text()), "an address").group()


@pytest.fixture
def demo():
    started = []

    def start(*arguments):
        started.append(Demo(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def of_session(leader):
    """The processes of this session that are still there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


class TestDemo:
    def test_nine_curls_see_all_backends(self, demo):
        address = demo().address()
        answers = [
            subprocess.run(
                ["curl", "-sS", "--max-time", "10", f"{address}/n/{number}"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for number in range(9)
        ]
        names = [re.match(r"hello from (\w+)", text).group(1) for text in answers]
        assert len(set(names)) == 3, names

    def test_it_ends_by_itself(self, demo):
        start = time.monotonic()
        one = demo("--for", "2s")
        address = one.address()
        assert subprocess.run(["curl", "-sS", address], capture_output=True).returncode == 0
        assert one.process.wait(scaled(10)) == 0
        assert time.monotonic() - start >= 2
        assert not of_session(one.process.pid), "the demo left processes behind"
        assert not one.trouble, one.trouble

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it(self, demo, number):
        one = demo()
        one.address()
        os.kill(one.process.pid, number)
        assert one.process.wait(scaled(10)) == 0

    def test_the_file_that_it_shows_is_one(self, demo, tmp_path):
        one = demo()
        one.address()
        eventually(lambda: "Try" in one.text(), "the introduction")
        shown = [line[4:] for line in one.lines if line.startswith("    ") and "curl" not in line]
        file = tmp_path / "weir.yaml"
        file.write_text("".join(shown))
        assert yaml.safe_load(file.read_text())["workers"] == 2
        done = run("check", "--strict", file)
        assert done.returncode == 0, done.stderr

    def test_what_it_suggests_works(self, demo):
        one = demo()
        one.address()
        eventually(lambda: "Ctrl-C" in one.text(), "the introduction")
        commands = [line.split("#")[0].strip() for line in one.lines if "curl" in line]
        assert commands
        for command in commands:
            done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20)
            assert done.returncode == 0 and done.stdout, command
