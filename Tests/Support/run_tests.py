#!/usr/bin/env python3
"""Runs every suite, names what failed or was skipped, and ends with one line of totals."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".build/results"
END_TO_END = ROOT / "Tests/EndToEnd"
PYTEST = [sys.executable, "-m", "pytest"]
LEAK_OPTIONS = f"suppressions={ROOT / 'Tests/Support/leaks.supp'}:print_suppressions=0"
# Whole stacks for each allocation take a quarter of the time; leaks.supp needs four frames.
SHORT_STACKS = "malloc_context_size=6"
# What `swift build` keeps in .build stays as it is. Built from nothing, whole modules take three
# quarters of the time.
WHOLE = ["-Xswiftc", "-whole-module-optimization", "-Xswiftc", "-num-threads", "-Xswiftc", "2"]
PLAIN = ["--scratch-path", ROOT / ".build-plain", *WHOLE, "-Xswiftc", "-gnone"]
# Has Package.swift optimise what the plain tests run through for minutes.
os.environ["WEIR_TESTS"] = "1"
# Optimised, since the sanitizer's checks take most of the time, and with assertions all the same.
ADDRESS = ["--sanitize=address", "--scratch-path", ROOT / ".build-asan", *WHOLE, "-Xswiftc", "-O"]
ADDRESS += ["-Xswiftc", "-assert-config", "-Xswiftc", "Debug", "-Xswiftc", "-gline-tables-only"]
# The log thread ends with the process, so that nobody joins it.
THREAD_OPTIONS = f"report_thread_leaks=0:suppressions={ROOT / 'Tests/Support/threads.supp'}"
# What the linker says of each function of the sanitizer's, on hundreds of lines.
NOISE = [b"Cannot export local symbol '__asan"]
FUZZED = [
    "HTTPFuzz request", "HTTPFuzz response", "HTTPFuzz body", "HTTPFuzz http2-server",
    "HTTPFuzz http2-client", "HTTPFuzz proxy-header", "ConfigurationFuzz", "DNSFuzz",
]
FUZZ_SECONDS = int(os.environ.get("WEIR_FUZZ_SECONDS", "600"))


class Totals:
    """What counts so far; a skipped test is a failed one."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.unsteady = []

    def step(self, name, ok):
        """A step that is no suite counts as one test."""
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)

    def suite(self, name, files, ok, mended=frozenset()):
        """Adds JUnit files; a suite that failed without a failed test counts as one.

        `mended`: tests that failed there and passed by themselves.
        """
        passed = failed = skipped = 0
        for case in (case for file in files for case in test_cases(file)):
            label = f"{name}: {case.get('classname')}.{case.get('name')}"
            if is_failed(case) and key(case) in mended:
                self.unsteady.append(label)
                passed += 1
            elif is_failed(case):
                self.failed.append(label)
                failed += 1
            elif case.find("skipped") is not None:
                self.skipped.append(label)
                skipped += 1
            else:
                passed += 1
        self.passed += passed
        print(f"=== {name}: {passed + failed + skipped} tests ran", flush=True)
        if not passed or (not ok and not failed and not skipped and not mended):
            self.failed.append(f"{name}: ended badly without naming a test")

    def report(self):
        for label in self.skipped:
            print(f"skipped (a test that is skipped is a failure): {label}")
        for label in self.unsteady:
            print(f"failed beside others, passed by itself: {label}")
        for label in self.failed:
            print(f"failed: {label}")
        failed = len(self.failed) + len(self.skipped)
        print(f"{self.passed} passed, {failed} failed")
        return 0 if failed == 0 and self.passed > 0 else 1


def run(title, command, **environment):
    """Runs a command with its output shown; True if it ended well."""
    print(f"\n=== {title}", flush=True)
    start = time.monotonic()
    shown = [str(part) for part in command]
    process = subprocess.Popen(
        shown,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    for line in process.stdout:
        if not any(noise in line for noise in NOISE):
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    status = process.wait()
    verdict = "done" if status == 0 else f"FAILED with status {status}"
    print(f"=== {title}: {verdict} in {time.monotonic() - start:.0f} s", flush=True)
    return status == 0


def test_cases(file):
    """The test cases in a JUnit file; none if the suite ended before it was written."""
    try:
        return list(ElementTree.parse(file).iter("testcase"))
    except ElementTree.ParseError:
        return []


def key(case):
    """What names a test."""
    return case.get("classname"), case.get("name")


def is_failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def results(stem):
    """The JUnit files of a suite; SwiftPM adds a suffix of its own to the name."""
    return [file for file in RESULTS.glob(f"{stem}*.xml") if file.stat().st_size]


def swift_tests(totals, name, *options):
    """Unit tests, all of them written with Swift Testing."""
    output = RESULTS / f"{name}.xml"
    title = f"unit tests, {name}"
    command = ["swift", "test", "--quiet", "--disable-xctest", "--xunit-output", output, *options]
    ok = run(title, command, LSAN_OPTIONS=LEAK_OPTIONS, ASAN_OPTIONS=SHORT_STACKS)
    totals.suite(title, results(name), ok)


def planted_leak(totals):
    """A test that forgets to free what it made has to fail: else no leak would be found."""
    title = "a planted leak"
    command = ["swift", "test", "--quiet", "--disable-xctest", *ADDRESS, "--skip-build"]
    command += ["--filter", "LeakTests"]
    found = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "LSAN_OPTIONS": LEAK_OPTIONS, "WEIR_PLANT_LEAK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    reported = b"LeakSanitizer: detected memory leaks" in found.stdout and b"libssl" in found.stdout
    print(f"\n=== {title}: {'reported' if reported else 'NOT reported'}", flush=True)
    totals.step(title, reported and found.returncode != 0)


def end_to_end(totals, name, binary, slowness="1", marks=""):
    """End-to-end tests: four at a time, as most wait, then by themselves those that measure."""
    environment = {
        "WEIR_BINARY": str(binary),
        "WEIR_TEST_SLOWNESS": slowness,
        "LSAN_OPTIONS": LEAK_OPTIONS,
        "TSAN_OPTIONS": THREAD_OPTIONS,
    }
    for kind, options in [
        ("beside", ["-m", f"not alone{marks}", "-n", "4", "--dist", "worksteal"]),
        ("alone", ["-m", f"alone{marks}"]),
    ]:
        stem = f"end-to-end-{name}-{kind}"
        title = f"end-to-end tests, {name}, {kind}"
        junit = f"--junit-xml={RESULTS / stem}.xml"
        ok = run(title, [*PYTEST, "-q", END_TO_END, junit, *options], **environment)
        files = results(stem)
        shares = kind == "beside" and not ok
        mended = by_themselves(title, stem, files, environment) if shares else set()
        totals.suite(title, files, ok, mended)


# More than these do not fail for want of CPU.
MOST_AGAIN = 5


def by_themselves(title, stem, files, environment):
    """Runs the few tests again that failed: who shares two CPUs may have got too little of them.

    Those that pass now are named in the end, as tests to be made steadier.
    """
    failed = {key(case) for file in files for case in test_cases(file) if is_failed(case)}
    if not 0 < len(failed) <= MOST_AGAIN:
        return set()
    again = f"again-{stem}"
    junit = f"--junit-xml={RESULTS / again}.xml"
    command = [*PYTEST, "-q", END_TO_END, junit, "--last-failed", "--last-failed-no-failures=none"]
    run(f"{title}: those that failed, by themselves", command, **environment)
    cases = [case for file in results(again) for case in test_cases(file)]
    bad = {key(case) for case in cases if is_failed(case) or case.find("skipped") is not None}
    return failed & {key(case) for case in cases} - bad


def short(totals):
    totals.step("formatting", run("formatting", ["make", "--silent", "lint"]))
    swift_tests(totals, "plain", *PLAIN)
    swift_tests(totals, "address", *ADDRESS)
    planted_leak(totals)
    if run("release build", ["make", "--silent", "build"]):
        end_to_end(totals, "release", ROOT / ".build/release/weir")
    else:
        totals.step("release build", False)


def sanitized(totals, kind, slowness):
    scratch = ROOT / f".build-{kind}-release"
    command = ["swift", "build", "-c", "release", f"--sanitize={kind}", "--scratch-path", scratch]
    if run(f"release build with {kind} sanitizer", [*command, "--product", "weir"]):
        end_to_end(totals, kind, scratch / "release/weir", slowness, " and not release")
    else:
        totals.step(f"release build with {kind} sanitizer", False)


def fuzz(totals):
    """Each parser in turn; the seed is the day, so that two nights differ and one can be had again."""
    build = ["swift", "build", "-c", "release", "--package-path", "Fuzz"]
    if not run("build of the fuzzers", build):
        return totals.step("build of the fuzzers", False)
    seed = int(time.time() // 86400)
    for target in FUZZED:
        program, *arguments = target.split()
        limits = ["--seconds", FUZZ_SECONDS // len(FUZZED), "--seed", seed]
        command = [ROOT / "Fuzz/.build/release" / program, *arguments, *limits]
        totals.step(target, run(f"fuzzing, {target}, seed {seed}", command))


def long(totals):
    short(totals)
    sanitized(totals, "address", "4")
    sanitized(totals, "thread", "6")
    totals.step("perf/micro", run("perf/micro", ["perf/micro/run"]))
    fuzz(totals)
    million = [sys.executable, END_TO_END / "long/million.py"]
    totals.step("a million requests", run("a million requests", million))


def main():
    steps = {"short": short, "long": long}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        print(f"usage: run_tests.py {'|'.join(steps)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in RESULTS.glob("*.xml"):
        old.unlink()
    totals = Totals()
    steps[sys.argv[1]](totals)
    print("\n=== all together", flush=True)
    return totals.report()


if __name__ == "__main__":
    sys.exit(main())
