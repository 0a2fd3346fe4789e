"""What a run of `perf/faults` came to: failures, latencies, how fast it recovered and ejected."""

import math
from collections import Counter

from harness import records
from harness.outages import FAULTY
from harness.turnover import LEAVING

_SECOND = 1_000_000_000
# A faulty endpoint that gets no request for this long has been taken out, in nanoseconds.
_PAUSE = _SECOND


def _quantile(ordered, share):
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _recovery(failures, window):
    """Seconds from a fault to the first second without a failure; None if there is none."""
    since = window.begin
    for due in failures:
        if since + _SECOND <= due:
            break
        since = max(since, due)
    if since == window.begin:
        return 0.0
    return (since - window.begin) / 1e9 if since + _SECOND <= window.end else None


def _ejection(arrivals, run):
    """The last request of the faulty one before it got none for a second; None: it always did."""
    window = run.windows[0]
    inside = [time for time in arrivals if window.begin <= time < run.healed]
    if not inside:
        return window.begin, window.begin, 0
    last = inside[0]
    for time in [*inside[1:], run.healed]:
        if time - last >= _PAUSE:
            return inside[0], last, len(inside)
        last = time
    return inside[0], None, len(inside)


def _first_success(requests, events, run):
    """Seconds from the first endpoint that listens again to the first good answer, or None."""
    begin = run.windows[0].begin
    again = min(event.time for log in events for event in log
                if event.kind == records.LISTENING and event.time > begin)
    good = [request.ended for request in requests if not request.failed and request.ended > again]
    return (min(good) - again) / 1e9 if good else None


def summarize(scenario, requests, events, run, other):
    """The figures of one run, as plain values."""
    begin, end = run.windows[0].begin, run.windows[-1].end
    # What was under way when the fault began counts too.
    counted = [request for request in requests if begin <= request.ended and request.due < end]
    failed = [request for request in counted if request.failed]
    latencies = sorted((request.ended - request.due) / 1e6
                       for request in counted if not request.failed)
    posts = Counter(event.number for log in events for event in log if event.kind == records.POST)
    recoveries = [_recovery([request.due for request in failed if request.ended >= window.begin],
                            window) for window in run.windows]
    figures = {
        "requests": len(counted),
        "gets": sum(not request.is_post for request in counted),
        "failed_gets": sum(not request.is_post for request in failed),
        "failed_gets_without_head": sum(not request.is_post and request.status != records.CUT
                                        for request in failed),
        "failed_posts": sum(request.is_post for request in failed),
        "endings": Counter(("POST " if request.is_post else "GET ") + request.ending
                           for request in failed),
        "failed_reused": sum(request.is_reused for request in failed),
        "failed_before": sum(request.failed for request in requests if request.ended < begin),
        "twice": sum(count > 1 for count in posts.values()),
        "p50": _quantile(latencies, 0.5),
        "p99": _quantile(latencies, 0.99),
        "max": _quantile(latencies, 1),
        "recovery": None if None in recoveries else max(recoveries),
        "other": other,
    }
    if scenario.is_one_ailing:
        arrivals = [event.time for event in events[FAULTY]
                    if event.kind in (records.GET, records.POST)]
        first, last, count = _ejection(arrivals, run)
        seen = first + int(scenario.notices * 1e9)
        figures["taken"] = count
        figures["asked_until"] = None if last is None else (last - begin) / 1e9
        figures["ejection"] = None if last is None else max(0, last - seen) / 1e9
        figures["failed_gets_later"] = None if last is None else sum(
            not request.is_post and request.due > last for request in failed)
    if run.streams:
        cut = [stream for stream in run.streams.all if stream.cut]
        figures["streams"] = len(run.streams.all)
        figures["cut"] = len(cut)
        figures["cut_sockets"] = sum(stream.is_socket for stream in cut)
        figures["cut_staying"] = sum(stream.endpoint != LEAVING for stream in cut)
        figures["cut_after"] = [(stream.cut - begin) / 1e9 for stream in cut]
        figures["took"] = run.took
    if scenario.letter == "f":
        figures["first_success"] = _first_success(counted, events, run)
    return figures
