"""Tables of `perf/faults`, and whether Weir does what it has to."""

from harness.turnover import Turnover

_NOT = "–"


def _seconds(value, form="{:.2f}"):
    return _NOT if value is None else form.format(value)


def _milliseconds(value):
    return f"{value:.1f}" if value else _NOT


def line(figures):
    """One run's main figures, while others are still to come."""
    text = (f"failed {figures['failed_gets']} GETs and {figures['failed_posts']} POSTs of"
            f" {figures['requests']}, twice {figures['twice']}, p99 {figures['p99']:.1f} ms")
    if "took" in figures:
        return f"{text}, cut {figures['cut']} of {figures['streams']} streams"
    return (f"{text}, recovered after {figures['recovery']} s,"
            f" asked until {figures.get('asked_until', '–')}, other work {figures['other']:.0%}")


def _turnover_table(scenario, samples):
    head = ["proxy", "failed GETs", "failed POSTs", "POSTs twice", "streams cut"]
    if not scenario.is_restart:
        head.append("of them to endpoints that stay")
    head += ["p50 ms", "p99 ms", "longest ms", "served after ms"]
    lines = [head]
    for name, figures in samples.items():
        took = sorted(1000 * seconds for seconds in figures["took"])
        line = [name, f"{figures['failed_gets']:,}", f"{figures['failed_posts']:,}",
                f"{figures['twice']:,}", f"{figures['cut']} of {figures['streams']}"]
        if not scenario.is_restart:
            line.append(f"{figures['cut_staying']}")
        line += [_milliseconds(figures["p50"]), _milliseconds(figures["p99"]),
                 _milliseconds(figures["max"]),
                 f"{took[len(took) // 2]:,.0f} ({took[0]:,.0f}–{took[-1]:,.0f})"]
        lines.append(line)
    return lines


def table(scenario, samples):
    """Header and lines of one scenario's table. `samples`: figures by proxy."""
    if isinstance(scenario, Turnover):
        return _turnover_table(scenario, samples)
    head = ["proxy", "failed GETs", "failed POSTs", "POSTs twice", "p50 ms", "p99 ms",
            "recovered after s"]
    if scenario.letter == "f":
        head.append("first success after s")
    if scenario.is_one_ailing:
        head += ["asked until s", "requests it got"]
    lines = [head]
    for name, figures in samples.items():
        line = [name, f"{figures['failed_gets']:,}", f"{figures['failed_posts']:,}",
                f"{figures['twice']:,}", _milliseconds(figures["p50"]),
                _milliseconds(figures["p99"]), _seconds(figures["recovery"])]
        if scenario.letter == "f":
            line.append(_seconds(figures["first_success"], "{:.3f}"))
        if scenario.is_one_ailing:
            line += ["end" if figures["asked_until"] is None else f"{figures['asked_until']:.2f}",
                     f"{figures['taken']:,}"]
        lines.append(line)
    return lines


def notes(samples, most_other):
    """Remarks without which a table could mislead."""
    found = []
    for name, figures in samples.items():
        if figures["endings"]:
            kinds = sorted(figures["endings"].items(), key=lambda kind: -kind[1])
            found.append(f"{name} failed with: "
                         + ", ".join(f"{kind} × {count:,}" for kind, count in kinds) + ".")
        if figures["failed_before"]:
            found.append(f"{name}: {figures['failed_before']:,} requests failed before the fault.")
        if figures.get("cut"):
            after = sorted(figures["cut_after"])
            events = figures["cut"] - figures["cut_sockets"]
            found.append(f"{name} cut {events} streams of events and {figures['cut_sockets']}"
                         f" WebSockets, {after[0]:.1f} s to {after[-1]:.1f} s after the first"
                         " change.")
        if figures["failed_reused"] and "took" in figures:
            found.append(f"{name}: {figures['failed_reused']:,} of the requests that failed were"
                         " on a connection that had been kept.")
        if figures["other"] is not None and figures["other"] > most_other:
            found.append(f"{name}: other work took {figures['other']:.0%} of the two CPUs.")
    return found


def _met(what, holds):
    return f"{what}: {'met' if holds else 'MISSED'}"


def verdicts(scenario, figures):
    """One line for each thing that Weir has to do in this scenario."""
    lines = [_met(f"({scenario.letter}) POSTs processed twice: {figures['twice']}, 0 wanted",
                  figures["twice"] == 0)]
    if isinstance(scenario, Turnover):
        failed = figures["failed_gets"] + figures["failed_posts"]
        lines.append(_met(f"({scenario.letter}) requests that failed: {failed}, 0 wanted",
                          failed == 0))
        lines.append(_met(f"({scenario.letter}) streams that were cut: {figures['cut']}, 0 wanted",
                          figures["cut"] == 0))
    if scenario.letter in "aeg":
        count = figures["failed_gets_without_head"]
        lines.append(_met(f"({scenario.letter}) GETs that failed before their answer's head had"
                          f" begun: {count}, 0 wanted", count == 0))
    if scenario.letter in "bc":
        ejection, later = figures["ejection"], figures["failed_gets_later"]
        if ejection is None:
            lines.append(_met(f"({scenario.letter}) the bad one was never ejected", False))
        else:
            lines.append(_met(f"({scenario.letter}) ejected {ejection:.2f} s after the first"
                              " failure seen, at most 1 s wanted", ejection <= 1))
            lines.append(_met(f"({scenario.letter}) GETs sent after that which failed: {later},"
                              " 0 wanted", later == 0))
    if scenario.letter == "f":
        first = figures["first_success"]
        text = "no success" if first is None else f"the first success came after {first:.3f} s"
        lines.append(_met(f"(f) {text}, at most 1 s after a server listens again wanted",
                          first is not None and first <= 1))
    return lines
