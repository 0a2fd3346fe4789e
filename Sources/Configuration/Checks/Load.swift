/// What came out of reading a file.
public struct LoadResult: Sendable {
    /// The configuration; `nil` if there is an error.
    public var config: Config?
    /// By file, line and column.
    public var diagnostics: [Diagnostic]
    /// The admin API, also where there are errors elsewhere: whoever runs by the file is found.
    public var admin: AdminConfig?
}

/// Reads, joins and checks the file at `path` and all that it includes.
///
/// Pure: files and environment are reached through the arguments only. Bounded whatever the file
/// holds: its size, depth, nodes and includes have limits.
public func load(
    path: String,
    files: some FileAccess,
    environment: @escaping (String) -> String?,
    options: LoadOptions
) -> LoadResult {
    let reporter = Reporter()
    let reader = IncludeReader(
        files: files,
        environment: environment,
        options: options,
        reporter: reporter
    )
    var config: Config?
    if let tree = reader.read(path: path) {
        let validator = Validator(reporter: reporter)
        if let root = validator.map(of: tree, for: TopLevelKeys.set, called: "the file") {
            var checker = Checker(
                reporter: reporter,
                files: files,
                environment: environment,
                options: options,
                root: root
            )
            config = checker.config()
        }
    }
    return LoadResult(
        config: reporter.hasErrors ? nil : config,
        diagnostics: reporter.sorted(),
        admin: config?.admin
    )
}
