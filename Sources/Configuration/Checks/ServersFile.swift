/// What came out of reading a file of servers.
public struct ServersResult: Sendable {
    /// In the order of the file; `nil` if there is an error.
    public var servers: [ServerConfig]?
    /// By line and column.
    public var diagnostics: [Diagnostic]
}

/// Reads a file of servers, the `servers-file` of a pool: a list as under `servers`.
///
/// A file without a server is refused as any other mistake, so that one that was cut off does not
/// empty the pool. `others` are the servers that the pool has besides; none may stand twice.
/// `needsNames` is that of the pool's ``PoolTLSConfig``: a server without a host name is a mistake.
/// Pure and bounded as ``load(path:files:environment:options:)``.
public func loadServers(
    path: String,
    besides others: [ServerConfig] = [],
    needsNames: Bool = false,
    files: some FileAccess,
    environment: @escaping (String) -> String?,
    options: LoadOptions = LoadOptions()
) -> ServersResult {
    let reporter = Reporter()
    let place = Place(file: 0, line: 1, column: 1, length: 1)
    let checker = Checker(
        reporter: reporter,
        files: files,
        environment: environment,
        options: options,
        root: RawMap(place: place)
    )
    var servers: [ServerConfig] = []
    switch files.read(path) {
    case .failure(let problem):
        reporter.files.append(SourceFile(path: path, bytes: []))
        reporter.error(
            .file,
            place,
            "cannot read \(path): \(problem.reason)",
            remedy: "name a file that can be read"
        )
    case .success(let bytes):
        servers = checker.servers(
            ofFile: path,
            bytes: bytes,
            besides: others,
            needsNames: needsNames
        )
    }
    return ServersResult(
        servers: reporter.hasErrors ? nil : servers,
        diagnostics: reporter.sorted()
    )
}

extension PoolConfig {
    /// The most servers of a ``serversFile``.
    public static var fileServerCountMax: Int { 1024 }
}

extension Checker {
    /// The servers of a file whose name was written at `item`, with reports of what is wrong.
    func servers(
        ofFile item: RawItem,
        besides others: [ServerConfig],
        needsNames: Bool
    ) -> [ServerConfig] {
        guard let text = item.text else { return [] }
        let path = FilePath.resolve(text.text, from: reporter.files[item.place.file].path)
        switch files.read(path) {
        case .failure(let problem):
            reporter.reportFile(text.shown(path), problem.reason, at: item.place, options: options)
            return []
        case .success(let bytes):
            return servers(
                ofFile: path,
                bytes: bytes,
                besides: others,
                needsNames: needsNames
            )
        }
    }

    /// The servers of a file with these bytes.
    func servers(
        ofFile path: String,
        bytes: [UInt8],
        besides others: [ServerConfig],
        needsNames: Bool
    ) -> [ServerConfig] {
        let index = reporter.files.count
        let source = SourceFile(path: path, bytes: bytes)
        reporter.files.append(source)
        guard var list = YAMLReader(file: index, source: source, reporter: reporter).readList()
        else { return [] }
        EnvironmentFiller(
            path: path,
            files: files,
            environment: environment,
            options: options,
            reporter: reporter
        ).fill(&list)
        if case .list(let items) = list.content, items.count > PoolConfig.fileServerCountMax {
            reporter.error(
                .tooLarge,
                list.place,
                "the file has \(items.count) servers",
                remedy: "at most \(PoolConfig.fileServerCountMax) are taken: write the others "
                    + "under servers"
            )
            return []
        }
        let validator = Validator(reporter: reporter)
        guard let item = validator.value(of: list, for: PoolKeys.servers) else { return [] }
        if needsNames { reportNameless(item.items) }
        return servers(item.items, besides: others)
    }
}
