/// How a call of gRPC ended (https://grpc.io/docs/guides/status-codes/).
public enum GRPCStatus: UInt8, BitwiseCopyable, Sendable, Hashable, CaseIterable {
    case ok
    case cancelled
    case unknown
    case invalidArgument
    case deadlineExceeded
    case notFound
    case alreadyExists
    case permissionDenied
    case resourceExhausted
    case failedPrecondition
    case aborted
    case outOfRange
    case unimplemented
    case `internal`
    case unavailable
    case dataLoss
    case unauthenticated

    /// All but ``ok``.
    public static let failures = allCases.filter { $0 != .ok }

    /// Its name in lower case, with hyphens.
    public var name: StaticString {
        switch self {
        case .ok: "ok"
        case .cancelled: "cancelled"
        case .unknown: "unknown"
        case .invalidArgument: "invalid-argument"
        case .deadlineExceeded: "deadline-exceeded"
        case .notFound: "not-found"
        case .alreadyExists: "already-exists"
        case .permissionDenied: "permission-denied"
        case .resourceExhausted: "resource-exhausted"
        case .failedPrecondition: "failed-precondition"
        case .aborted: "aborted"
        case .outOfRange: "out-of-range"
        case .unimplemented: "unimplemented"
        case .internal: "internal"
        case .unavailable: "unavailable"
        case .dataLoss: "data-loss"
        case .unauthenticated: "unauthenticated"
        }
    }

    /// The status that this text is in decimal; an unknown number counts as ``unknown``, `nil` is
    /// no number.
    public init?(_ text: RawSpan, _ range: ByteRange) {
        guard (1...3).contains(range.count) else { return nil }
        var number = 0
        for index in range.start..<range.end {
            let digit = text.byte(at: index) &- Byte.zero
            if digit > 9 { return nil }
            number = number &* 10 &+ Int(digit)
        }
        self = UInt8(exactly: number).flatMap { GRPCStatus(rawValue: $0) } ?? .unknown
    }

    /// The status that trailer lines name; `nil` if none does.
    public init?(lines: RawSpan) {
        self.init(lines, from: 0)
    }

    /// The status that the lines from `start` on name, up to a blank one.
    private init?(_ lines: RawSpan, from start: Int) {
        var position = start
        while let field = lines.plainField(from: position, to: lines.byteCount) {
            position = Int(field.lineEnd)
            guard lines.equalIgnoringCase(field.name, "grpc-status") else { continue }
            self.init(lines, field.value)
            return
        }
        return nil
    }

    /// The status that a head names, which ends the call without a body; `nil` if it does not.
    public init?(head: RawSpan) {
        let line = head.first(Byte.lineFeed, from: 0, to: head.byteCount)
        self.init(head, from: line &+ 1)
    }
}

/// What the text of a request's head says of a call of gRPC.
public struct GRPCCall: BitwiseCopyable, Sendable {
    /// Nanoseconds until the client gives up; `nil` if it does not say.
    public var timeout: Int64?

    /// `nil` for what is no call of gRPC.
    public init?(head: RawSpan) {
        var position = head.first(Byte.lineFeed, from: 0, to: head.byteCount) &+ 1
        var isCall = false
        while let field = head.plainField(from: position, to: head.byteCount) {
            position = Int(field.lineEnd)
            if field.id == .contentType {
                isCall = head.beginsGRPC(field.value)
                if !isCall { return nil }
            } else if field.id == .other, head.equalIgnoringCase(field.name, "grpc-timeout") {
                timeout = Self.nanoseconds(head, field.value)
            }
        }
        if !isCall { return nil }
    }

    /// Up to eight digits and a unit.
    static func nanoseconds(_ text: RawSpan, _ range: ByteRange) -> Int64? {
        guard (2...9).contains(range.count) else { return nil }
        var number: Int64 = 0
        for index in range.start..<(range.end &- 1) {
            let digit = text.byte(at: index) &- Byte.zero
            if digit > 9 { return nil }
            number = number &* 10 &+ Int64(digit)
        }
        let unit: Int64
        switch text.byte(at: range.end &- 1) {
        case UInt8(ascii: "H"): unit = 3_600_000_000_000
        case UInt8(ascii: "M"): unit = 60_000_000_000
        case UInt8(ascii: "S"): unit = 1_000_000_000
        case UInt8(ascii: "m"): unit = 1_000_000
        case UInt8(ascii: "u"): unit = 1_000
        case UInt8(ascii: "n"): unit = 1
        default: return nil
        }
        let (product, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows ? nil : product
    }
}
