import HTTP

/// What a server says of its load.
struct ProbeReport: BitwiseCopyable, Equatable {
    /// `x-prequal-rif`: requests in flight there.
    var inFlight: Int32
    /// `x-prequal-latency-us` in nanoseconds; -1 without it.
    var latency: Int64
    /// Whether the connection may carry the next probe.
    var isReusable: Bool
    /// Seconds that the server keeps the connection, if it says so.
    var keepAliveTimeout: UInt32?
}

/// Why a probe came to nothing.
enum ProbeFault: Equatable {
    case noConnection
    /// No TLS; why, in plain words.
    case tls(String)
    case timeout
    case closed
    case malformed
    case status(UInt16)
    case noLoad

    /// The words for the log.
    var explanation: String {
        switch self {
        case .noConnection: "no connection"
        case .tls(let why): "TLS: \(why)"
        case .timeout: "no answer in time"
        case .closed: "connection closed"
        case .malformed: "malformed answer"
        case .status(let status): "status \(status)"
        case .noLoad: "no x-prequal-rif in the answer"
        }
    }
}

/// Reads the answer to one probe from the bytes that have come.
///
/// Holds only how far it came; the bytes stay with the caller. An answer counts if its status is
/// 2xx, it has one `x-prequal-rif` and at most one `x-prequal-latency-us`, both whole numbers.
struct ProbeAnswer: BitwiseCopyable {
    /// What the bytes so far amount to.
    enum Step: Equatable {
        /// So many of the bytes are used; the others are to be shown again with those to come.
        case needMore(used: Int)
        /// The answer is complete, or of its body so much is left that closing is cheaper.
        case report(ProbeReport)
        /// The connection cannot be used any further.
        case failed(ProbeFault)
    }

    /// Bytes of a head.
    static let mostHead = 4096
    /// Bytes of a body that are read to keep the connection.
    static let mostBody = 4096
    private static let mostFields = 64
    /// Longer latencies, in microseconds, count as this: a day.
    private static let mostLatency: Int64 = 86_400_000_000

    private var reader = AnswerReader(to: .get)
    private var found = ProbeReport(inFlight: 0, latency: -1, isReusable: true)
    private var bodyBytes = 0

    /// At the beginning of an answer.
    init() {}

    /// Takes what was received: the bytes not used before and those that have come since.
    mutating func take(_ bytes: RawSpan, with fields: inout FieldTable) -> Step {
        let limits = HeadLimits(
            headSize: Self.mostHead,
            fields: min(Self.mostFields, fields.capacity),
            targetSize: 0
        )
        var offset = 0
        while true {
            let event: AnswerReader.Event
            do throws(AnswerFault) {
                event = try reader.next(bytes, from: offset, into: &fields, limits: limits)
            } catch {
                return .failed(.malformed)
            }
            switch event {
            case .needMore(let used): return .needMore(used: used)
            case .head(let head, let start):
                let rest = bytes.extracting(start..<bytes.byteCount)
                if let fault = take(head, rest, fields) { return .failed(fault) }
                offset = start &+ head.headSize
            case .data(let range):
                offset = range.end
                bodyBytes &+= Int(range.count)
                if bodyBytes > Self.mostBody { found.isReusable = false }
            case .end(let used):
                if used < bytes.byteCount { found.isReusable = false }
                return .report(found)
            }
            if !found.isReusable { return .report(found) }
        }
    }

    /// Takes the final head; returns why it is no report.
    private mutating func take(
        _ head: ResponseHead,
        _ bytes: RawSpan,
        _ fields: borrowing FieldTable
    ) -> ProbeFault? {
        guard head.status < 300 else { return .status(head.status) }
        switch Self.number("x-prequal-rif", in: bytes, fields) {
        case .missing: return .noLoad
        case .malformed: return .malformed
        case .value(let value): found.inFlight = Int32(clamping: value)
        }
        switch Self.number("x-prequal-latency-us", in: bytes, fields) {
        case .missing: break
        case .malformed: return .malformed
        case .value(let value): found.latency = min(value, Self.mostLatency) &* 1000
        }
        found.isReusable = head.keepAlive
        found.keepAliveTimeout = head.keepAliveTimeout
        switch head.framing(for: .get) {
        case .untilClose: found.isReusable = false
        case .length(let length) where length > UInt64(Self.mostBody): found.isReusable = false
        default: break
        }
        return nil
    }

    private enum Number {
        case missing
        case malformed
        case value(Int64)
    }

    /// The whole number in the one field of this name; large ones are cut.
    private static func number(
        _ name: StaticString,
        in bytes: RawSpan,
        _ fields: borrowing FieldTable
    ) -> Number {
        let name = RawSpan(_unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount)
        guard let index = fields.first(.other, named: name, in: bytes) else { return .missing }
        guard fields.first(.other, named: name, in: bytes, from: index &+ 1) == nil else {
            return .malformed
        }
        let range = fields[index].value
        guard !range.isEmpty, range.end <= bytes.byteCount else { return .malformed }
        var value: Int64 = 0
        for offset in range.start..<range.end {
            let digit = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) &- 0x30
            guard digit <= 9 else { return .malformed }
            value = min(Int64.max / 100, value &* 10 &+ Int64(digit))
        }
        return .value(value)
    }
}
