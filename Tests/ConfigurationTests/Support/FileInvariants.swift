import Configuration

/// What is wrong with how these bytes are taken as a configuration file; nil if nothing is.
///
/// Whatever they are, there is a configuration or an error, diagnostics point into the file, and
/// a configuration printed in full loads to an equal one.
func violation(ofFile bytes: [UInt8]) -> String? {
    let result = loadForFuzzing(bytes)
    let hasErrors = result.diagnostics.contains { $0.severity == .error }
    if (result.config == nil) != hasErrors { return "configuration and errors disagree" }
    for diagnostic in result.diagnostics {
        guard diagnostic.line >= 1, diagnostic.column >= 1, diagnostic.caretLength >= 1,
            !diagnostic.message.isEmpty, !diagnostic.file.isEmpty
        else { return "a diagnostic says nothing: \(diagnostic)" }
    }
    if render(result.diagnostics).isEmpty != result.diagnostics.isEmpty {
        return "diagnostics are not shown"
    }
    if renderJSON(result.diagnostics).isEmpty { return "diagnostics are not shown in JSON" }
    guard let config = result.config else { return nil }
    let printed = effectiveYAML(of: config)
    let again = loadForFuzzing(Array(printed.utf8))
    if again.config != config {
        return "printed it is another:\n\(printed)\n\(render(again.diagnostics))"
    }
    return nil
}

private func loadForFuzzing(_ bytes: [UInt8]) -> LoadResult {
    load(
        path: "weir.yaml",
        files: FuzzFiles(bytes: bytes),
        environment: { ["A": "a", "E": ""][$0] },
        options: LoadOptions()
    )
}

/// The file under test beside two others.
private struct FuzzFiles: FileAccess {
    var bytes: [UInt8]

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        switch path {
        case "weir.yaml": .success(bytes)
        case "x": .success(Array("y".utf8))
        case "servers.yaml": .success(Array("- 10.0.0.1:80\n- b:80\n".utf8))
        default: .failure(FileProblem(reason: "no such file"))
        }
    }

    func glob(_ pattern: String) -> [String] { [] }
}
