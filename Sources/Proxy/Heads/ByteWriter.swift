import CBytes
import HTTP

/// Writes bytes into memory that someone else owns.
///
/// What does not fit is left out and noted in ``overflowed``; nothing is ever written past the end.
struct ByteWriter: BitwiseCopyable {
    private let base: UnsafeMutableRawPointer
    let capacity: Int
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

    /// Forgets what was written behind the first `count` bytes.
    mutating func shorten(to count: Int) {
        if count < self.count { self.count = max(0, count) }
    }

    /// Takes blanks away from both ends of what was written from `start` on.
    mutating func trimBlanks(from start: Int) {
        while count > start, isBlank(count &- 1) { count &-= 1 }
        var first = start
        while first < count, isBlank(first) { first &+= 1 }
        guard first > start else { return }
        (base + start).copyMemory(from: base + first, byteCount: count &- first)
        count &-= first &- start
    }

    /// Where the first of the written bytes from `offset` to before `end` is that JSON text cannot
    /// hold as it is; `end` where there is none.
    func firstEscaped(from offset: Int, to end: Int) -> Int {
        guard offset >= 0, offset < end, end <= count else { return end }
        return cbytes_find_escaped(base.assumingMemoryBound(to: UInt8.self), offset, end)
    }

    private func isBlank(_ offset: Int) -> Bool {
        let byte = base.load(fromByteOffset: offset, as: UInt8.self)
        return byte == 0x20 || byte == 0x09
    }

    mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) {
        guard length <= capacity &- count else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: bytes, byteCount: length)
        count &+= length
    }

    /// Text of the program: inlined, so that it is written by a few stores of known length.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        guard length <= capacity &- count else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: text.utf8Start, byteCount: length)
        count &+= length
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    /// The bytes between quotation marks.
    mutating func append(quoted bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= capacity &- count &- 2 else {
            overflowed = true
            return
        }
        let place = base + count
        place.storeBytes(of: 0x22, as: UInt8.self)
        if let start = bytes.baseAddress {
            (place + 1).copyMemory(from: start, byteCount: bytes.count)
        }
        place.storeBytes(of: 0x22, toByteOffset: bytes.count &+ 1, as: UInt8.self)
        count &+= bytes.count &+ 2
    }

    /// The bytes of `range` in the buffer that begins at `source`.
    mutating func append(_ range: ByteRange, of source: UnsafeRawPointer) {
        append(source + range.start, Int(range.count))
    }

    /// Has `body` write at most `most` bytes itself and say how many.
    @inline(__always)
    mutating func appendDirectly(
        _ most: Int,
        _ body: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        guard most <= capacity &- count else {
            overflowed = true
            return
        }
        count &+= body(UnsafeMutableRawBufferPointer(start: base + count, count: most))
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
        if value < 10 {
            append(byte: UInt8(truncatingIfNeeded: value) &+ 0x30)
            return
        }
        append(decimalDigits: value, value < 1000 ? value < 100 ? 2 : 3 : Self.digits(of: value))
    }

    /// How many digits a number of 1000 or more has.
    private static func digits(of value: UInt64) -> Int {
        var digits = 4
        var limit: UInt64 = 10_000
        while digits < 20, value >= limit {
            digits &+= 1
            if digits < 20 { limit &*= 10 }
        }
        return digits
    }

    /// A decimal number of exactly `width` digits, zeros in front.
    mutating func append(decimal value: Int, width: Int) {
        append(decimalDigits: UInt64(truncatingIfNeeded: max(0, value)), width)
    }

    private mutating func append(decimalDigits value: UInt64, _ digits: Int) {
        guard digits <= capacity &- count else {
            overflowed = true
            return
        }
        var rest = value
        var place = count &+ digits
        let first = count
        count = place
        while place &- first >= 2 {
            place &-= 2
            let pair = Self.pairs.utf8Start + 2 &* Int(truncatingIfNeeded: rest % 100)
            (base + place).copyMemory(from: pair, byteCount: 2)
            rest /= 100
        }
        if place > first {
            let digit = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            base.storeBytes(of: digit, toByteOffset: first, as: UInt8.self)
        }
    }

    /// The numbers from 00 to 99: two digits cost one division.
    private static var pairs: StaticString {
        """
        0001020304050607080910111213141516171819\
        2021222324252627282930313233343536373839\
        4041424344454647484950515253545556575859\
        6061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899
        """
    }

    /// A hexadecimal number without zeros in front.
    mutating func append(hex value: UInt64) {
        let digits = max(1, (67 &- value.leadingZeroBitCount) / 4)
        append(hex: value, digits: digits)
    }

    /// The last `digits` hexadecimal digits of a number.
    mutating func append(hex value: UInt64, digits: Int) {
        guard digits <= capacity &- count else {
            overflowed = true
            return
        }
        var rest = value
        var place = count &+ digits
        count = place
        for _ in 0..<digits {
            place &-= 1
            let digit = UInt8(truncatingIfNeeded: rest & 0xf)
            base.storeBytes(
                of: digit &+ (digit < 10 ? 0x30 : 0x57),
                toByteOffset: place,
                as: UInt8.self
            )
            rest >>= 4
        }
    }

    mutating func append(_ id: RequestID) {
        guard capacity &- count >= 32 else {
            overflowed = true
            return
        }
        store(hex: id.high, at: count)
        store(hex: id.low, at: count &+ 16)
        count &+= 32
    }

    /// The 32 bytes that were written from `offset` on, once more.
    mutating func append(againFrom offset: Int) {
        guard capacity &- count >= 32, offset >= 0, offset &+ 32 <= count else {
            overflowed = true
            return
        }
        (base + count).copyMemory(from: base + offset, byteCount: 32)
        count &+= 32
    }

    /// The id of a span.
    mutating func append(spanID id: UInt64) {
        guard capacity &- count >= 16 else {
            overflowed = true
            return
        }
        store(hex: id, at: count)
        count &+= 16
    }

    /// Writes sixteen digits, which fit.
    private func store(hex value: UInt64, at offset: Int) {
        let digits = cbytes_hex_digits(value)
        base.storeBytes(of: digits.first, toByteOffset: offset, as: UInt64.self)
        base.storeBytes(of: digits.last, toByteOffset: offset &+ 8, as: UInt64.self)
    }

    /// Text of the file or of a message; not for the hot path.
    mutating func append(text: String) {
        for byte in text.utf8 { append(byte: byte) }
    }
}
