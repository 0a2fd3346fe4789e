/// Collects what is wrong while a file is read.
///
/// One place is reported once for each kind of mistake, whoever finds it; a folder that is named
/// there, once for each of its files.
final class Reporter {
    private struct Cause: Hashable {
        var place: Place
        var id: DiagnosticID
        /// What tells files of one folder apart; empty for all other mistakes.
        var detail: String
    }

    /// The files read so far; places point into it.
    var files: [SourceFile] = []
    private var found: [(place: Place, diagnostic: Diagnostic)] = []
    private var seen: Set<Cause> = []

    /// Whether an error was reported.
    private(set) var hasErrors = false
    /// Whether part of a file could not be read as YAML.
    var hasSyntaxErrors = false

    /// How many diagnostics are kept; the rest of a hopeless file says nothing new.
    static let countMax = 200

    /// What a blank that is none shows as.
    private static let brokenByBlanks: Set<DiagnosticID> = [
        .address, .type, .unit, .unknownKey, .value, .yamlSyntax,
    ]

    /// Reports that the file must be refused.
    func error(_ id: DiagnosticID, _ place: Place, _ message: String, remedy: String) {
        hasErrors = true
        add(.error, id, place, message, remedy)
    }

    /// Reports something that is most likely not meant.
    func warning(_ id: DiagnosticID, _ place: Place, _ message: String, remedy: String) {
        add(.warning, id, place, message, remedy)
    }

    /// Whether something of this kind was reported.
    func has(_ id: DiagnosticID) -> Bool {
        found.contains { $0.diagnostic.id == id }
    }

    /// Everything, by file, line and column.
    func sorted() -> [Diagnostic] {
        let ordered = found.enumerated().sorted { first, second in
            let one = first.element.place
            let other = second.element.place
            return (one.file, one.line, one.column, first.offset)
                < (other.file, other.line, other.column, second.offset)
        }
        return ordered.map(\.element.diagnostic)
    }

    /// How another place is named in a message seen at `place`: `line 8`, or with its file.
    func name(of other: Place, from place: Place) -> String {
        other.file == place.file
            ? "line \(other.line)" : "\(files[other.file].path) line \(other.line)"
    }

    private func add(
        _ severity: Diagnostic.Severity,
        _ id: DiagnosticID,
        _ place: Place,
        _ message: String,
        _ remedy: String
    ) {
        let detail = id == .certificate || id == .file ? message : ""
        guard found.count < Self.countMax,
            seen.insert(Cause(place: place, id: id, detail: detail)).inserted
        else { return }
        let file = files.indices.contains(place.file) ? files[place.file] : nil
        let line = MaskedLine(place.line, of: file)
        let blank = Self.brokenByBlanks.contains(id) ? StrangeBlank(in: line.text) : nil
        let diagnostic = Diagnostic(
            file: file?.path ?? "",
            line: place.line,
            column: place.column,
            severity: severity,
            id: id,
            message: line.masked(message),
            remedy: blank?.remedy ?? line.masked(remedy),
            sourceLine: line.text,
            caretLength: place.length
        )
        found.append((place, diagnostic))
    }
}
