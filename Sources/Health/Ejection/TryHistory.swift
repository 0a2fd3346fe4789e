import Balancing

/// What an endpoint's counters said at the last steps of a window, for all endpoints of a pool.
///
/// A ring of numbers for each endpoint; it begins anew whenever the endpoint was away, so that
/// what was before its ejection is not held against it.
struct TryHistory: Sendable {
    /// The most steps of a window.
    static let mostSteps = 50
    /// Boundaries of them.
    private static let places = mostSteps + 1
    /// The share of the latest step in the mean latency.
    private static let newest = 0.1

    /// The counters at one moment.
    private struct Reading: BitwiseCopyable {
        var ended: UInt32 = 0
        var failed: UInt32 = 0
    }

    private struct Record: BitwiseCopyable {
        /// The step of the last reading; -1 before the first.
        var step: Int64 = -1
        /// Steps known, at most ``mostSteps``.
        var age = 0
        var generation: UInt32 = 0
        var latency: UInt64 = 0
        /// Sums of good tries and of what they took in microseconds, older ones fading away.
        var fadingTries = 0.0
        var fadingLatency = 0.0
    }

    private let shared: SharedPool
    private var records: [Record] = []
    private var readings: [Reading] = []

    /// A history of nobody yet.
    init(_ shared: SharedPool) { self.shared = shared }

    /// Reads an endpoint's counters; false if its history begins now.
    ///
    /// `step` is later than `last`, at which those were read that have been here.
    mutating func read(_ endpoint: EndpointIndex, step: Int64, last: Int64) -> Bool {
        grow(to: endpoint + 1)
        let block = unsafe shared.block(endpoint)
        // Failures first: they are counted last.
        let failed = unsafe block.pointee.triesFailed.load(ordering: .relaxed)
        let ended = unsafe block.pointee.triesEnded.load(ordering: .relaxed)
        let latency = unsafe block.pointee.latencySum.load(ordering: .relaxed)
        let generation = unsafe block.pointee.generation.load(ordering: .relaxed)
        let reading = Reading(ended: ended, failed: failed)
        var record = records[endpoint]
        let goesOn =
            record.step == last && last >= 0 && record.generation == generation
            && shared.availability(endpoint) == .up
        if goesOn {
            let before = readings[place(endpoint, last)]
            let steps = min(step - last, Int64(Self.places))
            // Of a step that came late nobody knows when its tries ended: in the last one.
            for missed in 1..<max(1, steps) { readings[place(endpoint, step - missed)] = before }
            record.age = min(Self.mostSteps, record.age + Int(steps))
            let tries = rate(from: before, to: reading)
            for _ in 0..<steps {
                record.fadingTries *= 1 - Self.newest
                record.fadingLatency *= 1 - Self.newest
            }
            record.fadingTries += Double(tries.good)
            record.fadingLatency += Double(latency &- record.latency)
        } else {
            record = Record()
        }
        readings[place(endpoint, step)] = reading
        record.step = step
        record.generation = generation
        record.latency = latency
        records[endpoint] = record
        return goesOn
    }

    /// The tries of an endpoint's last `steps`, or of as many as are known.
    func tries(_ endpoint: EndpointIndex, last steps: Int) -> SureRate {
        let record = records[endpoint]
        let known = Int64(min(steps, record.age))
        return rate(
            from: readings[place(endpoint, record.step - known)],
            to: readings[place(endpoint, record.step)]
        )
    }

    /// What good tries take on average lately, in microseconds; `nil` if there were none.
    func latency(_ endpoint: EndpointIndex) -> Double? {
        let record = records[endpoint]
        guard record.fadingTries > 0 else { return nil }
        return record.fadingLatency / record.fadingTries
    }

    private func rate(from before: Reading, to after: Reading) -> SureRate {
        let tries = after.ended &- before.ended
        // One more failure than tries can be seen, never for long.
        let failed = min(tries, after.failed &- before.failed)
        return SureRate(good: tries - failed, tries: tries)
    }

    private func place(_ endpoint: EndpointIndex, _ step: Int64) -> Int {
        let places = Int64(Self.places)
        return endpoint * Self.places + Int(((step % places) + places) % places)
    }

    private mutating func grow(to count: Int) {
        guard records.count < count else { return }
        let more = max(count, min(shared.capacity, records.count * 2)) - records.count
        records.append(contentsOf: repeatElement(Record(), count: more))
        readings.append(contentsOf: repeatElement(Reading(), count: more * Self.places))
    }
}
