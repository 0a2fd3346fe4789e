/// What a simulation counts for its report.
struct Tally {
    /// Latencies of the requests that were answered and count.
    var latencies = LatencyHistogram()
    /// Requests that came, that were answered, and that failed; all of them.
    var arrived = 0
    var answered = 0
    var failed = 0
    /// Requests that failed and count.
    var errors = 0
    /// By endpoint: tries that count.
    var tries: [Int]

    init(endpoints: Int) { tries = Array(repeating: 0, count: endpoints) }
}
