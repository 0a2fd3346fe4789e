/// The reference of `simulate` in Markdown, made from the description of its keys.
///
/// Ends with a newline.
public func simulateReferencePage() -> String {
    var sets: [(String, KeySet)] = []
    collect(SimulateKeys.set, into: &sets)
    var page = SimulateText.opening
    for (_, set) in sets { page += section(of: set) }
    return page + SimulateText.closing
}

/// The parts of the page that stand around the tables.
private enum SimulateText {
    static let opening = """
        # Simulating a pool

        <!-- Made from Sources/Configuration/Keys. To write it anew:
             WEIR_UPDATE_GOLDEN=1 swift test --filter ConfigurationTests -->

        `weir simulate FILE` plays traffic through one pool of a file in virtual time, by the code
        that picks servers, ejects, checks and tries again when Weir serves, and tells how the
        requests fared. Weights, priorities, states, `balance`, `slow-start`, `panic-threshold`,
        `spill-below`, `health`, `ejection`, `breaker`, `retries` with their budget, and
        `timeouts.response` and `total` are those of the file. Its section `simulate` says which
        traffic comes and what the servers are like; each of its keys has a default, so a file
        without the section can be simulated too.

        ```yaml
        listen: ":8080"
        pools:
          main:
            servers: ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
            balance: least-connections
        simulate:
          requests: 500000
          arrivals: {rate: 2000/s}
          service: {kind: log-normal, mean: 10ms, deviation: 8ms}
          servers:
            "10.0.0.3:80": {slow: {speed: 0.1, from: 10s, to: 40s}}
        ```

        | Option | Effect |
        |---|---|
        | `FILE FILE…` | The first file's traffic and servers with the pool of each file, in one \
        report: what a change of the file would do |
        | `--compare` | The same traffic through all strategies, one after the other |
        | `--json` | The report as JSON; latencies are seconds |
        | `--plot FILE.svg` | The report as a picture too |
        | `--seed N` | In place of `seed` |
        | `--pool NAME` | The pool; needed where the file has several |
        | `--log FILE` | Replays an access log of Weir in JSON and compares all strategies |

        Standard output has the report and nothing else; the same file, options and version give
        the same bytes on every machine. Progress and speed go to standard error. The exit code is
        1 for a file with mistakes, or one that cannot be read or written, and 2 for wrong usage.

        """

    static let closing = """

        ## The model

        A request comes to a worker. The worker's strategy picks a server, and the request gets
        there after `network`. It is worked on at once if fewer than `concurrency` are, waits if
        fewer than `queue` wait, and is answered 503 otherwise. Its service time is drawn when it
        comes, so that all strategies get the same traffic, and divided by the server's speed when
        the work begins. After `network` the worker has the answer.

        A try without an answer after `timeouts.response` or `retries.try-timeout` fails; a server
        that works on it does so to the end, one where it waits forgets it. `retries.timeout` and
        `timeouts.total` bound the request as a whole. All requests may be repeated and fit into
        `retries.buffer`, so what follows a failure is what `retries` says for these: another
        server, at once after a refused connection, otherwise after a wait, if the budget allows
        it. Connections are made without delay and never kept: there is no `same server` after a
        reset. With `balance.probe`, `prequal` sends its probes over the same network, and the
        server tells its requests and their mean latency of late.

        Ejection sees each try. Control looks for ejections that are over every 100 ms and compares
        servers as often as when it serves. An ejected server whose time is over gets single
        requests; one that fails there is tried elsewhere besides `retries.attempts` and budget.

        A check reaches its server after `network`. By `tcp` it passes unless the server is `down`.
        By HTTP a failing server fails it in its own way (`fast` unless `health.status` names what
        it answers), and another one answers after `check`, behind the requests that wait there;
        `health.body` counts as found. So a check that passes says little of requests, as in life.

        Where `breaker` or `max-connections` bound the pool or its servers, requests wait, and fail
        after `queue-timeout` or where `max-pending` wait; a connection is a try under way.

        Not simulated are `sticky`, the answers of `fallback` (a request that would get one counts
        as an error), retries by route, and names: a server given by name is one server.

        Each server's randomness (failures, antagonists), that of its checks and that of the
        traffic have their own seeds, made from `seed`.

        ## The report

        | Column | Meaning |
        |---|---|
        | Requests | Those that count: the warm-up is left out |
        | p50, p90, p99, p99.9, Mean, Max | Latency of answered requests, from coming to answer, \
        in milliseconds; percentiles to 1 % |
        | Errors | Requests that were answered with an error, or not at all |
        | Spread | The busiest server's tries per weight, divided by the mean over all weights |
        | Keys moved | Of 10,000 keys, those whose server changes when one leaves, its own among \
        them; for strategies that hash |
        | Tries/request | All tries by all requests: what the servers are asked, in parts of what \
        comes |
        | Retries, Refused | Further tries; those that the budget did not allow |
        | Probes | Single requests that ejected servers got |
        | Ejections; Ejected, s | How often servers were ejected, once more after a failed probe \
        included; how long they were out, half-open included, all together |
        | Down, s | How long checks had servers down, all together |

        The last five rows are left out where nothing was tried again and no server was out. The
        JSON has them in any case, each server's ejections and times, and a `timeline`: requests
        that came, tries that began, and requests that failed, by the time at which they came, in
        stretches of `step` seconds, the warm-up included.

        With several strategies the last line says which is the best: the fewest errors, as far as
        they differ by more than 0.1 % of the requests, then the lowest p99. Strategies that hash
        are left out unless the file has one: they are chosen for where keys go.

        ## Replaying a log

        `--log` takes requests from an [access log](access-log.md) in JSON: a request came
        `duration` before its `time`, its key is its `client`, and lines of other pools' servers
        and of answers without a server are left out.

        A log does not say what a request would have taken elsewhere. In each stretch of 10 s with
        20 answers or more, a server's speed is the median latency of all servers over the whole
        log, divided by its own median then; in stretches with fewer it is that over the whole log.
        A request's work is its latency times the speed of the server that served it. So it takes
        exactly the measured time at that server, and more or less at another one. Answers of 5xx
        and missing ones become a server's share of failures in that stretch.

        Two assumptions are in this: each server got the same mixture of requests, and what
        requests waited for each other is part of the servers' speed. A strategy that
        spreads the load better would have shortened that waiting, too, which the replay does
        not show: `concurrency` does not count in it.

        """
}
