import Configuration

/// What came of a reload.
enum ReloadResult {
    /// The file is served; what it changed, what it warns of, and what has no effect yet: it waits
    /// for an upgrade, a worker, or an operator who gives a server back to the file.
    case done(ConfigDifference, warnings: [Diagnostic], postponed: [String])
    /// The file has mistakes, and nothing has changed.
    case refused([Diagnostic])
    /// The file cannot be served, and why; nothing has changed.
    case failed(String)
}

extension ReloadResult {
    /// The answer to whoever asked by the admin API.
    var response: AdminResponse {
        switch self {
        case .done(let difference, let warnings, let postponed):
            let document = JSONValue.object([
                ("state", .text("reloaded")),
                ("changes", .list(difference.changes.map(Self.json))),
                ("postponed", .list(postponed.map { .text($0) })),
                ("warnings", .list(warnings.map(Self.json))),
            ])
            return AdminResponse(type: "application/json", document.compact + "\n")
        case .refused(let diagnostics):
            let mistakes = diagnostics.filter { $0.severity == .error }
            let count = mistakes.count == 1 ? "a mistake" : "\(mistakes.count) mistakes"
            return problem(
                "the file has mistakes",
                "The file has \(count); what was served before is served on.",
                mistakes
            )
        case .failed(let why):
            return problem("the file cannot be served", why, [])
        }
    }

    private func problem(
        _ title: String,
        _ detail: String,
        _ diagnostics: [Diagnostic]
    ) -> AdminResponse {
        let document = JSONValue.object([
            ("type", .text("about:blank")), ("title", .text(title)), ("status", .number(422)),
            ("detail", .text(detail)), ("diagnostics", .list(diagnostics.map(Self.json))),
        ])
        return AdminResponse(422, type: "application/problem+json", document.compact + "\n")
    }

    private static func json(_ change: ConfigDifference.Change) -> JSONValue {
        let kind = change.before == nil ? "added" : change.after == nil ? "removed" : "changed"
        return .object([
            ("kind", .text(kind)), ("key", .text(change.key)),
            ("before", change.before.map { .text($0) } ?? .null),
            ("after", change.after.map { .text($0) } ?? .null),
        ])
    }

    private static func json(_ diagnostic: Diagnostic) -> JSONValue {
        .object([
            ("id", .text(diagnostic.id.rawValue)), ("file", .text(diagnostic.file)),
            ("line", .number(diagnostic.line)), ("column", .number(diagnostic.column)),
            ("severity", .text(diagnostic.severity.rawValue)),
            ("message", .text(diagnostic.message)), ("remedy", .text(diagnostic.remedy)),
            ("text", .text(diagnostic.rendered())),
        ])
    }
}
