import Proxy

/// What is odd about an endpoint that gets traffic: what its state does not tell.
///
/// It is seen in the traffic of about a second, by comparison with the rest of its pool, and
/// changes nothing.
struct EndpointRemark {
    /// What an endpoint did between two reports.
    struct Recent {
        /// Answers that came.
        var answers: UInt64 = 0
        /// Those of them that were 5xx.
        var errors: UInt64 = 0
        /// Tries that failed without an answer, by kind.
        var failures: [(kind: String, count: UInt64)] = []
        /// Half of the answers came within so many seconds; `nil` without answers.
        var median: Double?
        /// Requests that waited for an answer's head all the while.
        var waiting = 0
    }

    /// How many times slower than the others an endpoint is to be called slow, and by how many
    /// seconds at least.
    private static let slowFactor = 3.0
    private static let slowDifference = 0.005
    /// The share of answers that may be errors without a word.
    private static let errorShare = 0.1

    /// In words, for the endpoint at `index` of its pool; `nil` if nothing is odd.
    static func text(for index: Int, in pool: [Recent]) -> String? {
        let own = pool[index]
        let others = pool.indices.filter { $0 != index }.map { pool[$0] }
        let failed = own.failures.filter { $0.count > 0 }
        if !failed.isEmpty {
            let kinds = failed.map { "\($0.count) by \($0.kind)" }.joined(separator: ", ")
            let sum = failed.reduce(0) { $0 &+ $1.count }
            return "\(sum) of \(sum &+ own.answers) tries failed in the last second: \(kinds)"
        }
        if own.errors > 0, Double(own.errors) > Double(own.answers) * errorShare {
            return "\(own.errors) of \(own.answers) answers in the last second are errors (5xx)"
        }
        if own.answers == 0, own.waiting > 0, others.contains(where: { $0.answers > 0 }) {
            let requests = own.waiting == 1 ? "1 request waits" : "\(own.waiting) requests wait"
            return "slow: \(requests), none was answered in the last second"
        }
        return slow(own, beside: others)
    }

    private static func slow(_ own: Recent, beside others: [Recent]) -> String? {
        let medians = others.compactMap(\.median).sorted()
        guard let median = own.median, !medians.isEmpty else { return nil }
        let usual = medians[(medians.count - 1) / 2]
        guard median >= usual * slowFactor, median - usual >= slowDifference else { return nil }
        return "slow: takes \(Words.time(median)) to answer, the others \(Words.time(usual))"
    }
}

extension EndpointRemark.Recent {
    /// What an endpoint did since an earlier report; nothing where there is none.
    init(_ now: ServiceReport.Endpoint, since before: ServiceReport.Endpoint?) {
        guard let before else { return }
        let (new, old) = (now.totals, before.totals)
        answers = new.answers &- old.answers
        errors = new.statuses[5] &- old.statuses[5]
        failures = zip(new.failures, old.failures).map { ($0.kind, $0.count &- $1.count) }
        median = new.answerTimes.since(old.answerTimes).quantile(0.5).map { $0 / 1e9 }
        waiting = min(Self.waiting(now), Self.waiting(before))
    }

    /// Tries that have neither an answer's head nor failed; tunnels have theirs.
    private static func waiting(_ endpoint: ServiceReport.Endpoint) -> Int {
        let ended = endpoint.totals.failures.reduce(endpoint.totals.answers) { $0 &+ $1.count }
        guard endpoint.totals.tries > ended else { return 0 }
        return min(endpoint.inFlight, Int(clamping: endpoint.totals.tries - ended))
    }
}
