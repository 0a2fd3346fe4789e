import Balancing
import Configuration

/// A server's machine: slots that work, and a queue before them.
struct Machine {
    /// A stretch of time in which something differs.
    struct Stretch {
        var from: Int64
        var to: Int64
        /// The factor of a slowdown, or the share of a failure.
        var amount: Double
        var kind = FailureConfig.Kind.fast
        /// When a failure shows that takes no time-out.
        var after: Int64 = 0
        /// What a fast failure answers.
        var status: UInt16 = 503

        @inline(__always)
        func holds(_ time: Int64) -> Bool { time >= from && time < to }
    }

    private let speed: Double
    let concurrency: Int
    let queueLimit: Int
    private let slowdowns: [Stretch]
    private let failures: [Stretch]
    private let isSteady: Bool
    private let antagonist: AntagonistConfig?
    private let check: Double
    private var random: SeededRandom

    /// Requests that are worked on.
    var busy = 0
    /// Requests that wait.
    var queued = 0
    /// The first and the last one that waits; -1 without any.
    var head: Int32 = -1
    var tail: Int32 = -1
    /// Whether the end of the first one's time-out is among the events.
    var watchesQueue = false
    private var isDisturbed = false
    /// What a request took here lately, for probes; in nanoseconds.
    private(set) var recent = 0.0

    init(_ config: MachineConfig, epoch: Int64, random: SeededRandom) {
        speed = config.speed
        concurrency = config.concurrency ?? Int.max
        queueLimit = config.queue
        slowdowns = config.slow.map {
            Stretch(
                from: epoch &+ $0.from.wholeNanoseconds,
                to: Machine.end($0.to, epoch),
                amount: $0.speed
            )
        }
        failures = config.fail.map {
            Stretch(
                from: epoch &+ $0.from.wholeNanoseconds,
                to: Machine.end($0.to, epoch),
                amount: $0.share,
                kind: $0.kind,
                after: $0.after.wholeNanoseconds,
                status: UInt16(clamping: $0.status)
            )
        }
        isSteady = slowdowns.isEmpty && config.antagonist == nil
        antagonist = config.antagonist
        check = Double(config.check.wholeNanoseconds)
        self.random = random
    }

    private static func end(_ time: Duration?, _ epoch: Int64) -> Int64 {
        time.map { epoch &+ $0.wholeNanoseconds } ?? Int64.max
    }

    /// What work is divided by at a time.
    func speed(at time: Int64) -> Double {
        guard !isSteady else { return speed }
        var factor = speed
        for stretch in slowdowns where stretch.holds(time) { factor *= stretch.amount }
        if isDisturbed, let antagonist { factor *= antagonist.speed }
        return factor
    }

    /// Whether, and how, a request that comes now fails.
    mutating func failure(at time: Int64) -> Stretch? {
        guard !failures.isEmpty else { return nil }
        var own = random
        defer { random = own }
        return failure(at: time, drawing: &own)
    }

    /// The same for one that is no request, by randomness of its own.
    func failure(at time: Int64, drawing random: inout SeededRandom) -> Stretch? {
        for stretch in failures where stretch.holds(time) {
            if stretch.amount >= 1 || random.unit() <= stretch.amount { return stretch }
        }
        return nil
    }

    /// Whether something drawn with this probability happens.
    mutating func draws(_ probability: Double) -> Bool {
        probability > 0 && random.unit() <= probability
    }

    /// When its neighbour begins to work; `nil` without one.
    mutating func firstDisturbance(_ now: Int64) -> Int64? {
        guard let antagonist else { return nil }
        let mean = Double(antagonist.on.wholeNanoseconds) + Double(antagonist.off.wholeNanoseconds)
        // It works already with the probability that it works at any time.
        let works = random.unit() * mean <= Double(antagonist.on.wholeNanoseconds)
        isDisturbed = works
        return now &+ phase(antagonist)
    }

    /// The neighbour begins or ends; tells when it does so again.
    mutating func disturb(_ now: Int64) -> Int64? {
        guard let antagonist else { return nil }
        isDisturbed.toggle()
        return now &+ phase(antagonist)
    }

    private mutating func phase(_ antagonist: AntagonistConfig) -> Int64 {
        let mean = isDisturbed ? antagonist.on : antagonist.off
        return max(1, Int64(min(Double(mean.wholeNanoseconds) * random.exponential(), 1e18)))
    }

    /// Whether one that comes now would be refused, since too many wait.
    var isFull: Bool { busy >= concurrency && queued >= queueLimit }

    /// What a health check that comes now takes, in nanoseconds: its own time, behind what waits.
    ///
    /// Each that waits takes `mean` at speed 1. The check takes no slot.
    func checkTime(at now: Int64, mean: Double) -> Int64 {
        let waiting = busy < concurrency ? 0 : Double(queued &+ 1) * mean / Double(concurrency)
        return Int64(min((check + waiting) / speed(at: now), 1e17))
    }

    /// Notes what a request took here, waiting included.
    mutating func note(_ latency: Int64) {
        recent = recent == 0 ? Double(latency) : recent * 0.9 + Double(latency) * 0.1
    }
}
