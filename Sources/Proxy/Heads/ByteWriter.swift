import HTTP

/// Writes bytes into memory that someone else owns.
///
/// What does not fit is left out and noted in ``overflowed``; nothing is ever written past the end.
struct ByteWriter: BitwiseCopyable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// Bytes written.
    private(set) var count = 0
    /// Whether something did not fit.
    private(set) var overflowed = false

    /// A writer for `capacity` bytes at `base`.
    init(_ base: UnsafeMutableRawPointer, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    /// Where the written bytes begin.
    var start: UnsafeMutableRawPointer { base }
    /// Bytes that still fit.
    var room: Int { capacity &- count }

    /// Forgets all that was written.
    mutating func removeAll() {
        count = 0
        overflowed = false
    }

    mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) {
        guard length <= capacity &- count else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: bytes, byteCount: length)
        count &+= length
    }

    mutating func append(_ text: StaticString) {
        append(text.utf8Start, text.utf8CodeUnitCount)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    /// The bytes of `range` in the buffer that begins at `source`.
    mutating func append(_ range: ByteRange, of source: UnsafeRawPointer) {
        append(source + range.start, Int(range.count))
    }

    mutating func append(byte: UInt8) {
        guard count < capacity else {
            overflowed = true
            return
        }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    mutating func append(decimal value: UInt64) {
        var digits: [20 of UInt8] = .init(repeating: 0)
        var rest = value
        var first = 20
        repeat {
            first &-= 1
            digits[first] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        } while rest != 0
        while first < 20 {
            append(byte: digits[first])
            first &+= 1
        }
    }

    /// A decimal number of exactly `width` digits, zeros in front.
    mutating func append(decimal value: Int, width: Int) {
        var divisor = 1
        for _ in 1..<max(1, width) { divisor &*= 10 }
        while divisor > 0 {
            append(byte: UInt8(truncatingIfNeeded: (value / divisor) % 10) &+ 0x30)
            divisor /= 10
        }
    }

    /// A hexadecimal number without zeros in front.
    mutating func append(hex value: UInt64) {
        let digits = max(1, (67 &- value.leadingZeroBitCount) / 4)
        append(hex: value, digits: digits)
    }

    /// The last `digits` hexadecimal digits of a number.
    mutating func append(hex value: UInt64, digits: Int) {
        var shift = (digits &- 1) &* 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: (value >> UInt64(shift)) & 0xf)
            append(byte: digit < 10 ? digit &+ 0x30 : digit &+ 0x57)
            shift &-= 4
        }
    }

    mutating func append(_ id: RequestID) {
        append(hex: id.high, digits: 16)
        append(hex: id.low, digits: 16)
    }

    /// Text of the file or of a message; not for the hot path.
    mutating func append(text: String) {
        for byte in text.utf8 { append(byte: byte) }
    }
}
