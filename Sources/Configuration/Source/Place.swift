/// A stretch of one line of one file, for diagnostics.
struct Place: Sendable, Hashable {
    /// Index into ``Reporter/files``.
    var file: Int
    /// From 1.
    var line: Int
    /// From 1, in characters.
    var column: Int
    /// Characters under the caret, at least 1.
    var length: Int
}

extension Place {
    /// Whether it begins inside another.
    func isIn(_ other: Place?) -> Bool {
        guard let other, file == other.file, line == other.line else { return false }
        return column >= other.column && column < other.column + other.length
    }
}

/// One file's text, cut into lines once.
struct SourceFile: Sendable {
    /// The name that diagnostics show.
    let path: String
    /// The whole text.
    let bytes: [UInt8]
    /// Where each line begins.
    let lineStarts: [Int]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        // A byte order mark says nothing in UTF-8.
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        self.bytes = bytes
        var starts = [0]
        var index = 0
        while index < bytes.count {
            if bytes[index] > 0x0D, bytes[index] < 0xC2 {
                index += 1
                continue
            }
            let length = Self.breakLength(bytes, index)
            index += max(1, length)
            if length > 0 { starts.append(index) }
        }
        lineStarts = starts
    }

    /// The text of a line from 1, without its end; empty outside the file.
    func line(_ number: Int) -> String {
        guard number >= 1, number <= lineStarts.count else { return "" }
        let start = lineStarts[number - 1]
        var end = start
        let next = number < lineStarts.count ? lineStarts[number] : bytes.count
        while end < next, Self.breakLength(bytes, end) == 0 { end += 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// How many bytes the line end at `index` has, 0 if there is none: YAML 1.1 §5.4, which libyaml
    /// counts lines by.
    private static func breakLength(_ bytes: [UInt8], _ index: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 {
            index + offset < bytes.count ? bytes[index + offset] : 0
        }
        switch bytes[index] {
        case 0x0A: return 1
        case 0x0D: return byte(1) == 0x0A ? 2 : 1
        case 0xC2: return byte(1) == 0x85 ? 2 : 0
        case 0xE2: return byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9) ? 3 : 0
        default: return 0
        }
    }

    /// Line and column, from 1, of the byte at `offset`.
    func position(ofByte offset: Int) -> (line: Int, column: Int) {
        let offset = min(max(offset, 0), bytes.count)
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let text = String(decoding: bytes[lineStarts[low]..<offset], as: UTF8.self)
        return (low + 1, text.unicodeScalars.count + 1)
    }

    /// Whether the line's first character begins a key of the top level, as `listen:` does.
    func startsTopLevelKey(_ number: Int) -> Bool {
        var sawName = false
        for byte in line(number).utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                if !sawName, byte == UInt8(ascii: "-") { return false }
                sawName = true
            case UInt8(ascii: ":"):
                return sawName
            default:
                return false
            }
        }
        return false
    }
}
