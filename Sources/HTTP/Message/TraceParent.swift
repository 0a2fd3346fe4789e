/// What a `traceparent` says (W3C Trace Context Level 1, §3.2).
public struct TraceParent: BitwiseCopyable, Equatable, Sendable {
    /// Bytes of the value in version 00.
    public static let length = 55

    /// The upper half of the trace's id.
    public var traceHigh: UInt64
    /// The lower half; not both halves are zero.
    public var traceLow: UInt64
    /// The id of the caller's span, which is not zero.
    public var parent: UInt64
    /// Whether the caller may have recorded its span.
    public var isSampled: Bool

    /// A caller's place in a trace.
    public init(traceHigh: UInt64, traceLow: UInt64, parent: UInt64, isSampled: Bool) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.parent = parent
        self.isSampled = isSampled
    }

    /// The value at `range` of `bytes`; `nil` if it is not valid (§3.2.2).
    ///
    /// Of versions beyond 00 the parts that version 00 has are read, whatever follows them behind
    /// another dash (§3.2.4).
    public init?(_ bytes: RawSpan, _ range: ByteRange) {
        guard Int(range.count) >= Self.length, range.end <= bytes.byteCount else { return nil }
        let start = range.start
        guard let version = bytes.lowerHexadecimal(at: start, digits: 2), version != 0xff,
            bytes.isDash(at: start &+ 2), bytes.isDash(at: start &+ 35),
            bytes.isDash(at: start &+ 52)
        else { return nil }
        if Int(range.count) > Self.length {
            guard version > 0, bytes.isDash(at: start &+ Self.length) else { return nil }
        }
        guard let high = bytes.lowerHexadecimal(at: start &+ 3, digits: 16),
            let low = bytes.lowerHexadecimal(at: start &+ 19, digits: 16),
            let parent = bytes.lowerHexadecimal(at: start &+ 36, digits: 16),
            let flags = bytes.lowerHexadecimal(at: start &+ 53, digits: 2),
            high | low != 0, parent != 0
        else { return nil }
        traceHigh = high
        traceLow = low
        self.parent = parent
        isSampled = flags & 1 == 1
    }
}

extension RawSpan {
    /// The number that so many hexadecimal digits make, at most 16; `nil` if one is none, or is in
    /// upper case.
    fileprivate func lowerHexadecimal(at start: Int, digits: Int) -> UInt64? {
        var value: UInt64 = 0
        for offset in start..<(start &+ digits) {
            let byte = byte(at: offset)
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt64(byte &- 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(byte &- 0x57)
            default: return nil
            }
        }
        return value
    }

    fileprivate func isDash(at offset: Int) -> Bool { byte(at: offset) == 0x2d }
}
