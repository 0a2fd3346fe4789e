extension IPAddress {
    /// The most bytes that ``write(into:)`` writes.
    public static let maximumTextCount = 45

    /// Writes the address as text and returns the count of bytes written.
    ///
    /// IPv6 by RFC 5952: lower case, the longest run of zero groups (the first of equal ones, two
    /// groups at least) as `::`. `output` has room for ``maximumTextCount`` bytes; if it has less,
    /// nothing is written and 0 returned. Allocates nothing.
    public func write(into output: UnsafeMutableRawBufferPointer) -> Int {
        guard output.count >= IPAddress.maximumTextCount else { return 0 }
        switch self {
        case .v4(let bits):
            return unsafe writeIPv4(bits, into: output)
        case .v6(let high, let low):
            return unsafe writeIPv6(high: high, low: low, into: output)
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The text that ``write(into:)`` writes.
    public var description: String {
        unsafe String(unsafeUninitializedCapacity: IPAddress.maximumTextCount) { buffer in
            unsafe write(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

private let dot = UInt8(ascii: ".")
private let colon = UInt8(ascii: ":")
private let zero = UInt8(ascii: "0")

/// Four decimal numbers; `output` has room for them.
private func writeIPv4(_ bits: UInt32, into output: UnsafeMutableRawBufferPointer) -> Int {
    var count = 0
    for part in 0..<4 {
        if part > 0 {
            unsafe output[count] = dot
            count &+= 1
        }
        let value = UInt8(truncatingIfNeeded: bits >> UInt32(24 &- 8 &* part))
        if value >= 100 {
            unsafe output[count] = zero &+ value / 100
            count &+= 1
        }
        if value >= 10 {
            unsafe output[count] = zero &+ value / 10 % 10
            count &+= 1
        }
        unsafe output[count] = zero &+ value % 10
        count &+= 1
    }
    return count
}

/// Eight groups with the longest run of zeros cut out; `output` has room for them.
private func writeIPv6(
    high: UInt64,
    low: UInt64,
    into output: UnsafeMutableRawBufferPointer
) -> Int {
    let run = longestZeroRun(high: high, low: low)
    var count = 0
    var index = 0
    while index < 8 {
        if index == run.start, run.count > 1 {
            unsafe output[count] = colon
            unsafe output[count &+ 1] = colon
            count &+= 2
            index &+= run.count
            continue
        }
        if index > 0, index != run.start &+ run.count || run.count < 2 {
            unsafe output[count] = colon
            count &+= 1
        }
        let value = group(index, high: high, low: low)
        var shift: UInt16 = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0
        while true {
            let digit = UInt8(truncatingIfNeeded: value >> shift & 0xf)
            unsafe output[count] = digit < 10 ? zero &+ digit : UInt8(ascii: "a") &+ digit &- 10
            count &+= 1
            if shift == 0 { break }
            shift &-= 4
        }
        index &+= 1
    }
    return count
}

/// One of the eight groups, the highest first.
private func group(_ index: Int, high: UInt64, low: UInt64) -> UInt16 {
    let half = index < 4 ? high : low
    return UInt16(truncatingIfNeeded: half >> UInt64(48 &- 16 &* (index & 3)))
}

/// The first of the longest runs of zero groups; `count` is 0 if there is none.
private func longestZeroRun(high: UInt64, low: UInt64) -> (start: Int, count: Int) {
    var best = (start: -1, count: 0)
    var start = 0
    for index in 0..<8 {
        if group(index, high: high, low: low) != 0 {
            start = index &+ 1
        } else if index &+ 1 &- start > best.count {
            best = (start, index &+ 1 &- start)
        }
    }
    return best
}

extension IPAddress {
    /// The address with a port, IPv6 in brackets.
    public func text(port: UInt16) -> String {
        switch self {
        case .v4: "\(self):\(port)"
        case .v6: "[\(self)]:\(port)"
        }
    }
}
