/// A character that looks like a blank, or like nothing, and is text for YAML.
///
/// It comes along when a file is pasted from a web page or a chat.
struct StrangeBlank {
    /// What to write instead.
    let remedy: String

    /// The first one of a line that stands neither in quotes nor in a comment; `nil` for none.
    init?(in line: String) {
        let scalars = Array(line.unicodeScalars)
        guard scalars.contains(where: { Self.name(of: $0) != nil }) else { return nil }
        let isPlain = YAMLTrap.plainMask(scalars)
        for (index, scalar) in scalars.enumerated() where isPlain[index] {
            guard let name = Self.name(of: scalar) else { continue }
            let code = String(scalar.value, radix: 16, uppercase: true)
            let number = String(repeating: "0", count: max(0, 4 - code.count)) + code
            remedy = "column \(index + 1) holds \(name) (U+\(number)): write a plain blank, or none"
            return
        }
        return nil
    }

    private static func name(of scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0xA0, 0x202F: "a no-break space"
        case 0x2000...0x200A, 0x205F, 0x3000: "a wide or narrow space"
        case 0x200B...0x200F, 0x2060, 0x202A...0x202E: "an invisible character"
        default: nil
        }
    }
}
