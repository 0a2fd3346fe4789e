import Balancing

/// Something that ejection did to an endpoint: plain data; the words are made where they are
/// logged.
public struct EjectionChange: Sendable, BitwiseCopyable, Equatable {
    /// What happened.
    public enum Kind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
        /// It was ejected.
        case ejected
        /// It deserved to be, and `max-share` forbids it.
        case refused
        /// Its time is over: single requests find out.
        case halfOpen
        /// It is back.
        case returned
    }

    /// Why.
    public enum Cause: Sendable, BitwiseCopyable, Equatable {
        /// So many failures in a row.
        case consecutive(failures: UInt32, last: TryVerdict)
        /// Too few good answers: how many of so many tries, and the share that was asked for.
        case successRate(good: UInt32, of: UInt32, below: Double)
        /// Fewer good answers, 0 to 1, than `deviations` standard deviations below the mean of
        /// the pool's rates.
        case outlier(rate: Double, mean: Double, deviation: Double, deviations: Double)
        /// Slower than `factor` times the pool's median; in nanoseconds.
        case slow(latency: Int64, median: Int64, factor: Double)
        /// The request that was to find out failed.
        case probeFailed(TryVerdict)
        /// The time of the ejection is over.
        case timeOver
        /// So many active checks in a row passed.
        case checksPassed(Int)
        /// For so long, in nanoseconds, no request came that could have asked.
        case notAsked(for: Int64)
        /// So many single requests were answered well.
        case probesPassed(Int)
    }

    /// What happened.
    public var kind: Kind
    /// To whom.
    public var endpoint: EndpointIndex
    /// Why.
    public var cause: Cause
    /// How long an ejection lasts, in nanoseconds; 0 for everything else.
    public var duration: Int64

    /// A change.
    public init(_ kind: Kind, _ endpoint: EndpointIndex, _ cause: Cause, duration: Int64 = 0) {
        self.kind = kind
        self.endpoint = endpoint
        self.cause = cause
        self.duration = duration
    }

    /// The event for the log and the admin API, with the names of pool and endpoint.
    public func event(pool: String, endpoint: String) -> HealthEvent {
        let eventKind: HealthEvent.Kind =
            switch kind {
            case .ejected: .ejected
            case .refused: .ejectionRefused
            case .halfOpen: .halfOpen
            case .returned: .returned
            }
        return HealthEvent(
            eventKind,
            pool: pool,
            endpoint: endpoint,
            reason: kind == .refused ? "max-share is reached; \(cause.words)" : cause.words,
            duration: duration
        )
    }
}

extension EjectionChange.Cause {
    /// What was seen, in plain words.
    var words: String {
        switch self {
        case .consecutive(let failures, let last):
            "\(Words.count(Int(failures), "failure")) in a row, the last: \(last.words)"
        case .successRate(let good, let of, let below):
            "only \(good) of \(of) tries were good, fewer than \(Words.share(below)) "
                + "and than at the other servers"
        case .outlier(let rate, let mean, let deviation, let deviations):
            "\(Words.share(rate)) of the tries were good, more than "
                + "\(Words.decimal(deviations, places: 1)) standard deviations of "
                + "\(Words.share(deviation)) below the servers' mean of \(Words.share(mean))"
        case .slow(let latency, let median, let factor):
            "answers take \(Words.milliseconds(latency)), more than "
                + "\(Words.decimal(factor, places: 1)) times the other servers' median of "
                + "\(Words.milliseconds(median))"
        case .probeFailed(let verdict):
            "the request that was to show whether it is well failed: \(verdict.words)"
        case .timeOver: "its time out is over, single requests show whether it is well"
        case .checksPassed(let count): "\(Words.count(count, "check")) in a row passed"
        case .notAsked(let time):
            "no request that may be repeated came in \(Words.seconds(time)) to show whether it is "
                + "well"
        case .probesPassed(let count):
            "\(Words.count(count, "single request")) \(count == 1 ? "was" : "were") answered well"
        }
    }
}

/// Numbers as operators read them.
enum Words {
    /// `1 failure`, `5 failures`.
    static func count(_ count: Int, _ thing: String) -> String {
        "\(count) \(thing)\(count == 1 ? "" : "s")"
    }

    /// A share of 0 to 1 as `12.3 %`, without `.0`.
    static func share(_ share: Double) -> String { decimal(share * 100, places: 1) + " %" }

    /// Nanoseconds as `12.3 ms`.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        decimal(Double(nanoseconds) / 1_000_000, places: 1) + " ms"
    }

    /// Nanoseconds as `12.3 s`.
    static func seconds(_ nanoseconds: Int64) -> String {
        decimal(Double(nanoseconds) / 1_000_000_000, places: 1) + " s"
    }

    /// A number rounded to so many places behind the point, at most 6; zeroes at the end are left
    /// out.
    static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return value > 0 ? "very many" : "0" }
        var scale = 1
        for _ in 0..<min(max(0, places), 6) { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
        var text = (scaled < 0 ? "-" : "") + String(whole)
        guard rest > 0 else { return text }
        var digits = String(rest)
        while digits.count < places { digits = "0" + digits }
        while digits.hasSuffix("0") { digits.removeLast() }
        text += "." + digits
        return text
    }
}
