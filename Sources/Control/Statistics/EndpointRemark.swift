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

    private let pool: [Recent]
    /// Those of all endpoints that answered, the quickest first.
    private let medians: [Double]
    private let answering: Int

    /// Remarks about the endpoints of a pool, by what each of them did.
    ///
    /// O(n log n); a text is O(1).
    init(_ pool: [Recent]) {
        self.pool = pool
        medians = pool.compactMap(\.median).sorted()
        answering = pool.count { $0.answers > 0 }
    }

    /// In words, for the endpoint at `index` of its pool; `nil` if nothing is odd.
    func text(for index: Int) -> String? {
        let own = pool[index]
        let failed = own.failures.filter { $0.count > 0 }
        if !failed.isEmpty {
            let kinds = failed.map { "\($0.count) by \($0.kind)" }.joined(separator: ", ")
            let sum = failed.reduce(0) { $0 &+ $1.count }
            return "\(sum) of \(sum &+ own.answers) tries failed in the last second: \(kinds)"
        }
        if own.errors > 0, Double(own.errors) > Double(own.answers) * Self.errorShare {
            return "\(own.errors) of \(own.answers) answers in the last second are errors (5xx)"
        }
        if own.answers == 0, own.waiting > 0, answering > 0 {
            let requests = own.waiting == 1 ? "1 request waits" : "\(own.waiting) requests wait"
            return "slow: \(requests), none was answered in the last second"
        }
        guard let median = own.median, let usual = usual(beside: median),
            median >= usual * Self.slowFactor, median - usual >= Self.slowDifference
        else { return nil }
        return "slow: takes \(Words.time(median)) to answer, the others \(Words.time(usual))"
    }

    /// The middle of the others' medians, the lower one of two; `own` is one of `medians`.
    private func usual(beside own: Double) -> Double? {
        guard medians.count > 1 else { return nil }
        let middle = (medians.count - 2) / 2
        // Where the own one stands at or before the middle, that of the others is one further on.
        return medians[middle] < own ? medians[middle] : medians[middle + 1]
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
