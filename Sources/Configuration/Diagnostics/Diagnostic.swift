/// One thing that is wrong, or looks wrong, in the file.
public struct Diagnostic: Sendable, Equatable {
    /// How bad it is.
    public enum Severity: String, Sendable {
        /// The file is refused.
        case error
        /// The file is taken; `weir check --strict` refuses it.
        case warning
    }

    /// The file's name as it was given or included.
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in characters.
    public var column: Int
    /// How bad it is.
    public var severity: Severity
    /// What kind of mistake it is.
    public var id: DiagnosticID
    /// What is there.
    public var message: String
    /// What to write instead.
    public var remedy: String
    /// The line itself.
    public var sourceLine: String
    /// Characters of the line that are at fault, at least 1.
    public var caretLength: Int

    /// The head line, the line of the file and the caret with the remedy; ends with a newline.
    public func rendered() -> String {
        let number = String(line)
        let gutter = String(repeating: " ", count: max(0, 4 - number.count)) + number
        let window = SourceWindow(line: sourceLine, column: column, length: caretLength)
        let blank = String(repeating: " ", count: gutter.count)
        var text = "\(file):\(line):\(column): \(severity.rawValue): \(message) [\(id.rawValue)]\n"
        text += "\(gutter) | \(window.text)\n"
        text += "\(blank) | \(window.padding)\(window.carets)"
        text += remedy.isEmpty ? "\n" : " \(remedy)\n"
        return text
    }
}

/// The part of a line that is shown: whole where it is short, else what surrounds the fault.
private struct SourceWindow {
    static let widthMax = 160
    static let before = 60

    var text: String
    var padding: String
    var carets: String

    init(line: String, column: Int, length: Int) {
        let scalars = Array(line.unicodeScalars)
        let fault = min(max(column - 1, 0), scalars.count)
        let start = scalars.count <= Self.widthMax ? 0 : max(0, fault - Self.before)
        let end = min(scalars.count, start + Self.widthMax)
        let mark = start > 0 ? "..." : ""
        text = mark + Self.shown(scalars[start..<end]) + (end < scalars.count ? "..." : "")
        // Tabs stay tabs, or the caret would stand elsewhere than the fault on a terminal.
        padding = String(repeating: " ", count: mark.count)
        for scalar in scalars[start..<fault] { padding += scalar == "\t" ? "\t" : " " }
        carets = String(repeating: "^", count: max(1, min(length, end - fault)))
    }

    /// The characters without those that could steer a terminal.
    private static func shown(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        for scalar in scalars {
            let isControl = scalar.value < 32 || (scalar.value >= 127 && scalar.value < 160)
            text.unicodeScalars.append(isControl && scalar != "\t" ? "\u{FFFD}" : scalar)
        }
        return text
    }
}

/// All diagnostics as text, in the order given, with the count as its last line; empty for none.
public func render(_ diagnostics: [Diagnostic]) -> String {
    if diagnostics.isEmpty { return "" }
    return diagnostics.map { $0.rendered() }.joined() + summary(of: diagnostics) + "\n"
}

/// The count of diagnostics in words, as in `3 errors, 1 warning`.
public func summary(of diagnostics: [Diagnostic]) -> String {
    let errors = diagnostics.count { $0.severity == .error }
    let warnings = diagnostics.count - errors
    var parts: [String] = []
    if errors > 0 { parts.append(errors == 1 ? "1 error" : "\(errors) errors") }
    if warnings > 0 { parts.append(warnings == 1 ? "1 warning" : "\(warnings) warnings") }
    return parts.isEmpty ? "no errors" : parts.joined(separator: ", ")
}

/// All diagnostics as one JSON document, with what a good file will take and, if it is wanted, its
/// effective form; ends with a newline.
public func renderJSON(
    _ diagnostics: [Diagnostic],
    memory: MemoryEstimate? = nil,
    effective: String? = nil
) -> String {
    let errors = diagnostics.count { $0.severity == .error }
    let items = diagnostics.map { item in
        JSONValue.object([
            ("file", .text(item.file)), ("line", .number(item.line)),
            ("column", .number(item.column)), ("severity", .text(item.severity.rawValue)),
            ("id", .text(item.id.rawValue)), ("message", .text(item.message)),
            ("remedy", .text(item.remedy)),
        ])
    }
    var entries: [(String, JSONValue)] = [
        ("errors", .number(errors)), ("warnings", .number(diagnostics.count - errors)),
        ("diagnostics", .list(items)),
    ]
    if let memory { entries.append(("memory", memory.json)) }
    if let effective { entries.append(("effective", .text(effective))) }
    return JSONValue.object(entries).rendered() + "\n"
}
