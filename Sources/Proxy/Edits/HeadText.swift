import HTTP

/// Reads the field lines of a head that was parsed or written before, so each of them is sound.
struct HeadText: BitwiseCopyable {
    /// One line: `name: value` and CRLF.
    struct Line: BitwiseCopyable {
        var start: Int
        var nameEnd: Int
        var valueEnd: Int
        /// Past the CRLF.
        var end: Int
    }

    let bytes: UnsafeRawBufferPointer
    /// Where the next line begins; where the blank one does once there are no more.
    private(set) var position = 0

    /// A reader that stands behind the first line.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        position = lineFeed(from: 0) &+ 1
    }

    /// The next field line, `nil` at the blank one.
    mutating func next() -> Line? {
        let start = position
        let feed = lineFeed(from: start)
        guard feed > start &+ 1, feed < bytes.count else { return nil }
        var nameEnd = start
        while nameEnd < feed, bytes[nameEnd] != UInt8(ascii: ":") { nameEnd &+= 1 }
        position = feed &+ 1
        return Line(start: start, nameEnd: nameEnd, valueEnd: feed &- 1, end: feed &+ 1)
    }

    /// The line's value without blanks around it.
    func value(_ line: Line) -> ByteRange {
        var from = min(line.nameEnd &+ 1, line.valueEnd)
        var to = line.valueEnd
        while from < to, isBlank(bytes[from]) { from &+= 1 }
        while to > from, isBlank(bytes[to &- 1]) { to &-= 1 }
        return ByteRange(from: from, to: to)
    }

    /// Whether the line's field has this name, whatever its case.
    func hasName(_ line: Line, _ name: UnsafeRawBufferPointer) -> Bool {
        name.isSameName(.init(rebasing: bytes[line.start..<line.nameEnd]))
    }

    private func lineFeed(from start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] != 0x0a { index &+= 1 }
        return index
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension UnsafeRawBufferPointer {
    /// Whether both are one field name, whatever their case.
    func isSameName(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while index < count {
            if Self.lower(self[index]) != Self.lower(other[index]) { return false }
            index &+= 1
        }
        return true
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }
}
