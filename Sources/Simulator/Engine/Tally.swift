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
    /// Further tries of requests that count, those after a probe left out.
    var retries = 0
    /// Further tries that the budget did not allow, of requests that count.
    var refusedRetries = 0
    /// Tries at ejected endpoints that were to show if they are well, of requests that count.
    var probes = 0
    /// What happened when, the warm-up included.
    var timeline: Timeline
    /// When the last request ended, in nanoseconds.
    var end: Int64

    init(endpoints: Int, timeline: Timeline) {
        tries = Array(repeating: 0, count: endpoints)
        self.timeline = timeline
        end = Simulation.epoch
    }
}
