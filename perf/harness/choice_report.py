"""Latencies and failures of `perf/balance` with their spread, and what the project wants."""

from statistics import median

from harness.scenario import PHASES, SCOPES

# Who fails more of its requests than this has no p99 to compare: failing is fast.
MOST_FAILED = 0.01
_TITLES = {"first": "one slow", "second": "one failing", "both": "both phases"}


def _values(samples, read):
    return [read(sample) for sample in samples.values()]


def _failed(scope):
    return lambda sample: sample[scope]["failed"] / max(1, sample[scope]["requests"])


def _p99(scope):
    return lambda sample: sample[scope]["p99"] / 1e3


def _milliseconds(values):
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def _share(values):
    value = median(values)
    return "0" if value == 0 else f"{value:.2%}" if value < 0.1 else f"{value:.0%}"


def main_table(results):
    """p50, p99 and failures by phase. `results`: samples by round, by proxy."""
    head = ["proxy"]
    for phase in PHASES:
        head += [f"{_TITLES[phase]}: p50 ms", "p99 ms", "failed"]
    lines = [head]
    for name, samples in results.items():
        if not samples:
            continue
        line = [name]
        for phase in PHASES:
            line += [f"{median(_values(samples, lambda s: s[phase]['p50'])) / 1e3:.1f}",
                     _milliseconds(_values(samples, _p99(phase))),
                     _share(_values(samples, _failed(phase)))]
        lines.append(line)
    return lines


def second_table(results):
    """Both phases together, where the requests went, and what the machine did."""
    lines = [["proxy", "both phases: p99 ms", "failed", "to the slow one", "to the failing one",
              "proxy CPU", "CPUs busy"]]
    for name, samples in results.items():
        if samples:
            lines.append(
                [name, _milliseconds(_values(samples, _p99("both"))),
                 _share(_values(samples, _failed("both")))]
                + [_share(_values(samples, lambda s: s[key]))
                   for key in ["slow_share", "failing_share", "proxy_cpu", "busy"]])
    return lines


def notes(results):
    """Remarks without which a table could mislead."""
    found = []
    for name, samples in results.items():
        disturbed = sum(1 for sample in samples.values() if sample["disturbed"])
        if disturbed:
            found.append(f"{name}: {disturbed} of {len(samples)} rounds stayed disturbed by other"
                         " work on the two CPUs.")
        problems = [text for sample in samples.values() for text in sample["failures"]]
        if problems:
            found.append(f"{name}: {len(problems)} runs broke off and were repeated; the first:"
                         f" {problems[0]}")
    return found


class _Figure:
    """A proxy's p99 over the rounds: median, and spread from the least to the most."""

    def __init__(self, name, samples, scope):
        values = _values(samples, _p99(scope))
        self.name = name
        self.middle = median(values)
        self.spread = max(values) - min(values)
        self.counts = median(_values(samples, _failed(scope))) <= MOST_FAILED

    def __str__(self):
        return f"{self.name} {self.middle:.1f} ms (spread {self.spread:.1f})"


def _judge(own, others):
    """'below', 'within the spread' or 'above', and the sentence that says so."""
    peers = [figure for figure in others if figure.counts]
    if not own.counts:
        return "above", f"{own.name} fails more than {MOST_FAILED:.0%} of its requests"
    if not peers:
        return "below", f"{own}; every peer fails more than {MOST_FAILED:.0%} of its requests"
    best = min(peers, key=lambda figure: figure.middle)
    spread = max(own.spread, best.spread)
    if own.middle > best.middle:
        word = "above"
    else:
        word = "below" if best.middle - own.middle > spread else "within the spread"
    return word, f"{own}, best peer {best}: {word}"


def verdicts(results_by_load):
    """Lines that say whether the target is met, by Weir's strategies; both phases count."""
    loads = list(results_by_load)
    names = [name for name in results_by_load[loads[0]] if name.startswith("weir")]
    lines, targets = [], []
    for name in names:
        for scope in SCOPES[::-1]:
            words = []
            for load in loads:
                results = results_by_load[load]
                if not results[name]:
                    continue
                own = _Figure(name, results[name], scope)
                others = [_Figure(other, samples, scope) for other, samples in results.items()
                          if samples and not other.startswith("weir")]
                if not others:
                    continue
                word, sentence = _judge(own, others)
                words.append(word)
                lines.append(f"p99, {_TITLES[scope]}, {load:.0%} load: {sentence}")
            if scope == "both" and words:
                below, above = words.count("below"), words.count("above")
                met = below >= 2 and not above
                targets.append(
                    f"{name}: p99 of both phases below the best peer's by more than the spread in"
                    f" {below} of {len(words)} loads (2 of 3 wanted), above it in {above}"
                    f" (0 wanted): {'met' if met else 'MISSED'}")
    return lines + targets
