"""Ratios to HAProxy with their spread, as text and as Markdown."""

import math
from statistics import median

from harness.peers import BASE, HOSTS, ONE

_METRICS = [
    ("cpu", "CPU µs/request", 1, "{:.1f}"),
    ("rate", "requests/s", 1, "{:,.0f}"),
    ("p50", "p50 µs", 1, "{:,.0f}"),
    ("p99", "p99 µs", 1, "{:,.0f}"),
    ("memory", "memory MiB", 1 << 20, "{:.1f}"),
]
_IDLE_METRICS = [("memory", "bytes per idle connection", 1, "{:,.0f}")]


def metrics_of(row):
    return _IDLE_METRICS if row.idle else _METRICS


def compare(samples, base, metric):
    """Ratio of the medians, and the smallest and largest ratio of one round."""
    own = {number: sample[metric] for number, sample in samples.items()}
    other = {number: sample[metric] for number, sample in base.items()}
    shared = [number for number in own if number in other]
    if not shared or not all(other[number] > 0 for number in shared):
        return None
    rounds = [own[number] / other[number] for number in shared]
    return median(own.values()) / median(other.values()), min(rounds), max(rounds)


def _cell(samples, base, metric, scale, form, is_base):
    value = form.format(median(sample[metric] for sample in samples.values()) / scale)
    ratio = None if is_base or not base else compare(samples, base, metric)
    if not ratio:
        return value
    return f"{value} · {ratio[0]:.2f} ({ratio[1]:.2f}–{ratio[2]:.2f})"


def table(row, results):
    """Header and lines of one row's table. `results`: samples by round, by peer."""
    metrics = metrics_of(row)
    lines = [["proxy"] + [title for _, title, _, _ in metrics]]
    for name, samples in results.items():
        if samples:
            lines.append([name] + [
                _cell(samples, results.get(BASE), metric, scale, form, name == BASE)
                for metric, _, scale, form in metrics])
    return lines


def as_text(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def as_markdown(lines):
    head, *rest = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([head, "|" + "---|" * len(lines[0]), *rest])


def notes(results):
    """Remarks without which a table could mislead."""
    found = []
    for name, samples in results.items():
        disturbed = sum(1 for sample in samples.values() if sample.get("disturbed"))
        if disturbed:
            found.append(f"{name}: {disturbed} of {len(samples)} rounds stayed disturbed by "
                         "other work on the proxy's CPU after the last repetition.")
        failures = [text for sample in samples.values() for text in sample.get("failures", [])]
        if failures:
            found.append(f"{name}: {len(failures)} measurements failed and were repeated; "
                         f"the first: {failures[0]}")
    return found


class Verdicts:
    """The project's targets, checked against the results."""

    def __init__(self, rows, results, instructions):
        self._rows = rows
        self._results = results
        self._instructions = instructions or {}
        self.lines = []

    def _ratio(self, row, base, metric="cpu"):
        results = self._results.get(row, {})
        if not results.get("weir") or not results.get(base):
            return None
        ratio = compare(results["weir"], results[base], metric)
        return ratio[0] if ratio else None

    def _check(self, what, value, limit, form="{:.2f}"):
        if value is not None:
            word = "met" if value <= limit else "MISSED"
            self.lines.append(f"{what}: {form.format(value)}, at most "
                              f"{form.format(limit)} wanted: {word}")

    def all(self):
        """One line for each target that could be judged, and for each row that Weir lacks."""
        for row in self._rows:
            results = self._results.get(row.name, {})
            if "weir" in results and not results["weir"]:
                self.lines.append(f"{row.name}: Weir could not be measured: MISSED")
        loaded = [row for row in self._rows if not row.idle and row.kind in (ONE, HOSTS)]
        self._check_mean("rows", loaded, 0.75)
        for name in ["get-100", "get-10k", "post-16k"]:
            self._check(f"CPU to HAProxy's, {name}", self._ratio(name, "haproxy"), 0.7)
            self._check(f"CPU to the floor's, {name}", self._ratio(name, "floor"), 1.15)
        for name in ["new-connection", "get-1m"]:
            self._check(f"CPU to HAProxy's, {name}", self._ratio(name, "haproxy"), 0.9)
        for row in loaded:
            self._check(f"CPU to nginx's, {row.name}", self._ratio(row.name, "nginx"), 1.0)
        for name in ["log-100", "trace-100"]:
            self._check(f"CPU to HAProxy's, {name}", self._ratio(name, "haproxy"), 0.7)
        self._check("memory per idle connection to nginx's",
                    self._ratio("idle", "nginx", "memory"), 1.0)
        self._check_secure([row for row in self._rows if row.is_secure])
        self._check("user instructions per request",
                    self._instructions.get("weir", {}).get("get-100"), 12000, "{:,.0f}")
        return self.lines

    def _check_mean(self, what, rows, limit):
        ratios = [ratio for row in rows if (ratio := self._ratio(row.name, "haproxy"))]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            self._check(f"CPU to HAProxy's, geometric mean of {len(ratios)} {what}", mean, limit)

    def _check_secure(self, rows):
        """The targets of TLS and HTTP/2."""
        loaded = [row for row in rows if not row.idle]
        self._check_mean("rows of TLS and HTTP/2", loaded, 0.8)
        for row in loaded:
            self._check(f"CPU to HAProxy's, {row.name}", self._ratio(row.name, "haproxy"), 1.0)
            other = "nghttpx" if row.streams else "nginx"
            self._check(f"CPU to {other}'s, {row.name}", self._ratio(row.name, other), 1.0)
        for row in rows:
            for other in ["haproxy", "nginx"] if row.idle else []:
                self._check(f"memory to {other}'s, {row.name}",
                            self._ratio(row.name, other, "memory"), 1.0)
