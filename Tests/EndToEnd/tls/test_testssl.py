"""What testssl.sh objects to in `examples/https.yaml`: nothing that is not explained."""

import json
import subprocess

import pytest

from harness import Weir, scaled
from harness.examples import FOLDER, Example
from harness.proxy import ROOT, parse_address

# It takes a minute by itself, and several on a busy machine.
pytestmark = pytest.mark.timeout(900)

PAGE = ROOT / "docs/reference/conformance.md"

# Findings that stay: the severity and the name that testssl.sh gives them; the page has the
# reasons. WARN tells of checks that could not be made.
EXPLAINED = {
    ("WARN", "engine_problem"),
    ("WARN", "secure_renego"),
    ("WARN", "sessionresumption_ticket"),
}

# Nothing to tell, or that a check was not made since it does not apply.
FINE = {"OK", "INFO", "DEBUG"}


@pytest.fixture(params=["refuse"])
def public(request, tmp_path, backend):
    """The example's listener for everybody, with this `unknown-name`, and the authority."""
    copy = Example(FOLDER / "https.yaml", tmp_path, backend(host="0.0.0.0"))
    text = copy.path.read_text()
    assert text.count("unknown-name: refuse") == 1
    copy.path.write_text(text.replace("unknown-name: refuse", f"unknown-name: {request.param}"))
    proxy = Weir("", tmp_path, command=["run", str(copy.path)])
    try:
        proxy.wait_until_listening(copy.listeners)
        yield parse_address(proxy.urls[1]), copy.authority
    finally:
        assert proxy.stop() == 0, proxy.lines


def findings(address, authority, folder, *options):
    """What testssl.sh finds, without asking anybody but the proxy."""
    report = folder / "testssl.json"
    host, port = address
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none"]
    command += ["--ip", host, "--add-ca", str(authority.file), "--jsonfile", str(report), *options]
    command.append(f"https://www.example.com:{port}/")
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=scaled(600),
        cwd=folder,
    )
    assert report.exists(), done.stdout
    return json.loads(report.read_text()), done.stdout


def objections(found, explained=frozenset()):
    return [
        f"{one['severity']} {one['id']}: {one['finding']}"
        for one in found
        if one["severity"] not in FINE and (one["severity"], one["id"]) not in explained
    ]


def test_nothing_to_object_to(public, tmp_path):
    found, shown = findings(*public, tmp_path)
    assert len(found) > 100, shown
    assert not objections(found, EXPLAINED), shown


@pytest.mark.parametrize("public", ["default"], indirect=True)
def test_renegotiation(public, tmp_path):
    """That is asked for without a name, which the example refuses."""
    found, shown = findings(*public, tmp_path, "-R")
    assert {"secure_renego", "secure_client_renego"} <= {one["id"] for one in found}, shown
    assert not objections(found, {("WARN", "engine_problem")}), shown


def test_exceptions_are_explained():
    text = PAGE.read_text()
    for severity, name in EXPLAINED:
        assert f"| `{name}` | {severity} |" in text, name
