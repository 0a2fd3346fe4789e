/// Lines of Swift or C with comments and the insides of string literals cut out.
///
/// Byte by byte, as all sources pass through here in a debug build.
func withoutCommentsAndLiterals(_ lines: [String]) -> [String] {
    var isBlock = false
    var isText = false
    return lines.map { line in
        if line.contains("\"\"\"") {
            // A literal over several lines begins or ends here; nothing else of note does.
            isText.toggle()
            return ""
        }
        return isText ? "" : withoutCommentsAndLiterals(Array(line.utf8), isBlock: &isBlock)
    }
}

private func withoutCommentsAndLiterals(_ line: [UInt8], isBlock: inout Bool) -> String {
    let (slash, star) = (UInt8(ascii: "/"), UInt8(ascii: "*"))
    let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
    var kept: [UInt8] = []
    var isLiteral = false
    var index = 0
    while index < line.count {
        let byte = line[index]
        let next = index + 1 < line.count ? line[index + 1] : 0
        if isBlock {
            isBlock = !(byte == star && next == slash)
            index += isBlock ? 1 : 2
        } else if isLiteral {
            if byte == quote { kept.append(byte) }
            isLiteral = byte != quote
            index += byte == backslash ? 2 : 1
        } else if byte == slash, next == slash {
            break
        } else if byte == slash, next == star {
            isBlock = true
            index += 2
        } else {
            kept.append(byte)
            isLiteral = byte == quote
            index += 1
        }
    }
    return String(decoding: kept, as: UTF8.self)
}

/// A name with an opening parenthesis behind it.
struct Call: Equatable {
    var name: String
    var line: Int
    /// Whether it stands after `func` or `case`: the name is made here.
    var isDeclaration: Bool
}

/// Declarations of functions and cases, and calls of functions, with nothing before the name: no
/// type, no value.
func freeCalls(_ file: SourceFile) -> [Call] {
    file.code.enumerated().flatMap { number, line -> [Call] in
        let bytes = Array(line.utf8)
        var calls: [Call] = []
        var before = ""
        var start = 0
        for (index, byte) in bytes.enumerated() {
            if isName(byte) { continue }
            if index > start {
                let name = String(decoding: bytes[start..<index], as: UTF8.self)
                let isMember = start > 0 && bytes[start - 1] == UInt8(ascii: ".")
                if byte == UInt8(ascii: "("), !isMember {
                    let isDeclaration = before == "func" || before == "case"
                    calls.append(
                        Call(name: name, line: number + 1, isDeclaration: isDeclaration)
                    )
                }
                before = name
            }
            start = index + 1
        }
        return calls
    }
}

private func isName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
    default:
        byte >= 0x80
    }
}
