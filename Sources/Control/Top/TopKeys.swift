/// What a key asks of `weir top`.
enum TopKey: Equatable {
    case quit
    case up
    case down
    case pageUp
    case pageDown
    case first
    case last
    case sort
    case redraw
}

/// Makes keys of the bytes that a terminal sends.
struct TopKeys {
    /// What has come of an escape sequence.
    private var sequence: [UInt8] = []

    /// The keys that these bytes end; a sequence may come in pieces.
    mutating func take(_ bytes: [UInt8]) -> [TopKey] { bytes.compactMap { take($0) } }

    private mutating func take(_ byte: UInt8) -> TopKey? {
        if byte == 0x1B {
            sequence = [byte]
            return nil
        }
        guard !sequence.isEmpty else { return Self.plain(byte) }
        sequence.append(byte)
        if sequence.count == 2 {
            // CSI, or SS3, which some terminals send for arrows.
            if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") { return nil }
            sequence = []
            return Self.plain(byte)
        }
        // Digits and semicolons are parameters (ECMA-48, 5.4); no key of interest has many.
        if (0x30...0x3F).contains(byte), sequence.count < 8 { return nil }
        defer { sequence = [] }
        return Self.ofSequence(sequence[2...])
    }

    private static func plain(_ byte: UInt8) -> TopKey? {
        switch byte {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"): .quit
        case UInt8(ascii: "k"): .up
        case UInt8(ascii: "j"): .down
        case UInt8(ascii: "b"): .pageUp
        case UInt8(ascii: " "), UInt8(ascii: "f"): .pageDown
        case UInt8(ascii: "g"): .first
        case UInt8(ascii: "G"): .last
        case UInt8(ascii: "s"): .sort
        // Ctrl-L.
        case 0x0C: .redraw
        default: nil
        }
    }

    private static func ofSequence(_ rest: ArraySlice<UInt8>) -> TopKey? {
        switch String(decoding: rest, as: UTF8.self) {
        case "A": .up
        case "B": .down
        case "5~": .pageUp
        case "6~": .pageDown
        case "H", "1~": .first
        case "F", "4~": .last
        default: nil
        }
    }
}
