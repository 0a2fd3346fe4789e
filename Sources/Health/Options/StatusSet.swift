import HTTP

/// Status codes from 100 to 599, and statuses of gRPC.
public struct StatusSet: Sendable, Hashable {
    private var words: [UInt64]
    /// Statuses of gRPC, one bit each.
    public private(set) var callBits: UInt32 = 0

    /// None.
    public init() { words = Array(repeating: 0, count: 10) }

    /// These; what is no status code is left out.
    public init(_ codes: some Sequence<Int>) {
        self.init()
        for code in codes { insert(code) }
    }

    /// Adds a code; nothing happens if it is no status code.
    public mutating func insert(_ code: Int) {
        guard (100...599).contains(code) else { return }
        words[code / 64] |= 1 << UInt64(code % 64)
    }

    /// Whether the code is among them.
    public func contains(_ code: Int) -> Bool {
        guard (100...599).contains(code) else { return false }
        return words[code / 64] & (1 << UInt64(code % 64)) != 0
    }

    /// Adds a status of gRPC.
    public mutating func insert(_ call: GRPCStatus) { callBits |= 1 << UInt32(call.rawValue) }

    /// The statuses of gRPC in order.
    public var calls: [GRPCStatus] {
        GRPCStatus.allCases.filter { callBits & (1 << UInt32($0.rawValue)) != 0 }
    }

    /// Whether there is none.
    public var isEmpty: Bool { callBits == 0 && words.allSatisfy { $0 == 0 } }

    /// The codes in order.
    public var codes: [Int] { (100...599).filter(contains) }

    /// With those of another.
    public func union(_ other: StatusSet) -> StatusSet {
        var union = StatusSet(codes + other.codes)
        union.callBits = callBits | other.callBits
        return union
    }
}
