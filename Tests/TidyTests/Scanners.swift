import Foundation

/// Lines that are too long.
func longLines(_ file: SourceFile, limit: Int) -> [Slip] {
    // Counting bytes is quick and never gives less than counting columns.
    file.lines.enumerated().filter {
        $0.element.utf8.count > limit && $0.element.count > limit
    }.map {
        Slip(
            path: file.path,
            line: $0.offset + 1,
            what: "\($0.element.count) columns, more than \(limit)"
        )
    }
}

/// Functions that are too long, by indentation, rows of tables left out.
///
/// A function goes from the line of its declaration to the line that closes it.
func longFunctions(_ file: SourceFile, limit: Int) -> [Slip] {
    let isPython = file.path.hasSuffix(".py")
    let lines = file.lines
    var slips: [Slip] = []
    for (start, line) in lines.enumerated() where isFunction(line, isPython: isPython) {
        let end = isPython ? endOfPython(lines, from: start) : endOfSwift(lines, from: start)
        // A row of a table is data: `case .name: "text"`.
        let rows = lines[start...end].count { words(of: $0).hasPrefix("case ") && isRow($0) }
        let count = end - start + 1 - rows
        if count > limit {
            slips.append(
                Slip(path: file.path, line: start + 1, what: "a function of \(count) lines")
            )
        }
    }
    return slips
}

/// Whether a `case` has its value, a literal, on its own line.
private func isRow(_ line: String) -> Bool {
    guard let colon = line.range(of: ": ") else { return false }
    let value = line[colon.upperBound...]
    return value.hasSuffix("\"") || value.allSatisfy { $0.isNumber || $0 == "_" }
}

private func indent(_ line: String) -> Int { line.utf8.prefix { $0 == UInt8(ascii: " ") }.count }

/// The line without the blanks at its start.
private func words(of line: String) -> Substring {
    Substring(line.utf8.drop { $0 == UInt8(ascii: " ") })
}

private func isFunction(_ line: String, isPython: Bool) -> Bool {
    let words = words(of: line)
    if isPython { return words.hasPrefix("def ") || words.hasPrefix("async def ") }
    var rest = words
    while let word = rest.firstIndex(of: " ").map({ rest[..<$0] }) {
        if word.hasPrefix("@"), word.contains("("), !word.contains(")") {
            // An attribute's argument with blanks in it.
            guard let end = rest.range(of: ") ") else { return false }
            rest = rest[end.upperBound...]
        } else if word.hasPrefix("@") || modifiers.contains(word) {
            rest = rest[word.endIndex...].dropFirst()
        } else {
            break
        }
    }
    if rest.hasPrefix("var ") { return rest.hasSuffix("{") && !rest.contains(" = ") }
    return openings.contains { rest.hasPrefix($0) }
}

private let modifiers: Set<Substring> = [
    "public", "private", "fileprivate", "internal", "static", "class", "final", "override",
    "mutating", "consuming", "borrowing", "nonisolated", "required", "convenience",
]

private let openings = ["func ", "init(", "init?(", "init<", "deinit", "subscript"]

/// The line that closes a Swift declaration; its own line if it has no body below it.
private func endOfSwift(_ lines: [String], from start: Int) -> Int {
    let level = indent(lines[start])
    for index in lines.indices.dropFirst(start + 1) {
        let words = words(of: lines[index])
        if words.isEmpty || words.hasPrefix("#") || indent(lines[index]) > level { continue }
        if indent(lines[index]) == level {
            if words.hasPrefix("}") { return index }
            // The end of a signature over several lines.
            if words.hasPrefix(")") || words.hasPrefix("{") || words.hasPrefix("where ") {
                continue
            }
        }
        return start
    }
    return start
}

/// The last line of a Python function.
private func endOfPython(_ lines: [String], from start: Int) -> Int {
    let level = indent(lines[start])
    var last = start
    for index in lines.indices.dropFirst(start + 1) {
        let words = words(of: lines[index])
        if words.isEmpty { continue }
        if indent(lines[index]) <= level, !words.hasPrefix(")") { break }
        last = index
    }
    return last
}

/// Where one of these texts stands as whole words.
func occurrences(of texts: [String], in lines: [String], path: String) -> [Slip] {
    lines.enumerated().flatMap { number, line in
        texts.filter { line.contains($0) && isWhole($0, in: line) }.map {
            Slip(path: path, line: number + 1, what: $0)
        }
    }
}

/// Whether no letter, digit or underscore touches one of the text's occurrences.
private func isWhole(_ text: String, in line: String) -> Bool {
    line.ranges(of: text).contains { range in
        let before = line[..<range.lowerBound].last
        let after = line[range.upperBound...].first
        let isJoined = { (other: Character?) in
            other.map { $0.isLetter || $0.isNumber || $0 == "_" }
        }
        let endsInWord = text.last?.isLetter ?? false
        return isJoined(before) != true && (!endsInWord || isJoined(after) != true)
    }
}

/// What a Swift file imports, with line numbers.
func imports(of file: SourceFile) -> [(module: String, line: Int)] {
    file.code.enumerated().compactMap { number, line in
        guard line.contains("import ") else { return nil }
        let pattern =
            #/
            ^(?:@\w+(?:\(\w+\))?\ )*(?:public\ |internal\ |private\ )?import\s
            (?:(?:struct|class|enum|func|var|let|typealias|protocol)\ )?(\w+)
            /#
        return line.firstMatch(of: pattern).map { (String($0.1), number + 1) }
    }
}

/// The targets of the manifest that are compiled with `swiftSettings: pure`.
func pureTargets(manifest: String) -> [String] {
    manifest.components(separatedBy: "arget(").dropFirst().compactMap { entry in
        guard entry.contains("swiftSettings: pure"),
            let name = entry.firstMatch(of: /name: "(\w+)"/)
        else { return nil }
        return String(name.1)
    }
}

/// The links of a Markdown page that lead to files of the package, from the package's root.
func links(of page: SourceFile) -> [(target: String, line: Int)] {
    page.lines.enumerated().flatMap { number, line -> [(target: String, line: Int)] in
        guard line.contains("](") else { return [] }
        return line.matches(of: /\]\(<?([^)#>\s]+)(?:#[^)]*)?>?(?: "[^"]*")?\)/).compactMap {
            match in
            let target = String(match.1)
            if target.contains("://") || target.hasPrefix("mailto:") { return nil }
            return (resolve(target, from: page.folder), number + 1)
        }
    }
}

/// A relative path from a folder, with `.` and `..` resolved.
func resolve(_ target: String, from folder: String) -> String {
    var parts = folder.split(separator: "/").map(String.init)
    for part in target.split(separator: "/") where part != "." {
        if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
}

/// The words of the enumeration of outcomes: the strings of its property `word`.
func outcomeWords(_ text: String) -> [String] {
    guard let start = text.range(of: "var word"),
        let end = text.range(of: "\n    }\n", range: start.upperBound..<text.endIndex)
    else { return [] }
    return text[start.upperBound..<end.lowerBound]
        .matches(of: /case \.\w+(?:, \.\w+)*:\s*"([a-z-]+)"/).map { String($0.1) }
}

/// The raw values of an enumeration's cases that stand on lines of their own.
func eventWords(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
        line.wholeMatch(of: /\s*case (\w+)(?: = "([a-z-]+)")?/).map { match in
            String(match.2 ?? match.1)
        }
    }
}
