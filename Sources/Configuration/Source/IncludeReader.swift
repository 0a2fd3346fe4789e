/// Reads the file and what it includes, and joins them to one tree.
///
/// Included files bring entries of maps and lists; routes stand where the including route
/// stands. What two files both say is reported.
final class IncludeReader<Files: FileAccess> {
    private let files: Files
    private let environment: (String) -> String?
    private let options: LoadOptions
    private let reporter: Reporter
    /// Files that are being read, the outermost first.
    private var open: [String] = []
    private var readAlready: [String: Place] = [:]
    /// The other keys of files that routes include.
    private var joining: [Entry] = []

    init(
        files: Files,
        environment: @escaping (String) -> String?,
        options: LoadOptions,
        reporter: Reporter
    ) {
        self.files = files
        self.environment = environment
        self.options = options
        self.reporter = reporter
    }

    /// The whole tree of the file at `path`; `nil` if the file itself cannot be read.
    func read(path: String) -> Node? {
        switch files.read(path) {
        case .failure(let problem):
            reporter.files.append(SourceFile(path: path, bytes: []))
            reporter.error(
                .file,
                Place(file: 0, line: 1, column: 1, length: 1),
                "cannot read \(path): \(problem.reason)",
                remedy: "name a file that can be read"
            )
            return nil
        case .success(let bytes):
            var root = tree(path: path, bytes: bytes, isRouteFile: true)
            join(joining, to: &root)
            return root
        }
    }

    /// One file's tree with its includes in place.
    private func tree(path: String, bytes: [UInt8], isRouteFile: Bool) -> Node {
        let index = reporter.files.count
        let source = SourceFile(path: path, bytes: bytes)
        reporter.files.append(source)
        open.append(FilePath.normalised(path))
        defer { open.removeLast() }
        var root = YAMLReader(file: index, source: source, reporter: reporter).read()
        EnvironmentFiller(
            path: path,
            files: files,
            environment: environment,
            options: options,
            reporter: reporter
        ).fill(&root)
        guard case .map(var entries) = root.content else { return root }
        if !isRouteFile, let routes = entries.first(where: { $0.name == "routes" }) {
            reporter.error(
                .include,
                routes.keyPlace,
                "routes cannot come with a top-level include",
                remedy: "their order counts: include this file in routes, as - include: "
                    + FilePath.last(path)
            )
            entries.removeAll { $0.name == "routes" }
        }
        for index in entries.indices where entries[index].name == "routes" {
            entries[index].value = expandRoutes(entries[index].value, path: path)
        }
        let includes = entries.filter { $0.name == "include" }
        entries.removeAll { $0.name == "include" }
        root.content = .map(entries)
        for include in includes {
            for file in includedFiles(include.value, path: path) {
                let more = tree(path: file.path, bytes: file.bytes, isRouteFile: false)
                root.isCut = root.isCut || more.isCut
                if case .map(let found) = more.content { join(found, to: &root) }
            }
        }
        return root
    }

    /// The routes with those of included files in their place.
    private func expandRoutes(_ routes: Node, path: String) -> Node {
        var items: [Node]
        switch routes.content {
        case .list(let list): items = list
        case .map: items = [routes]
        case .scalar: return routes
        }
        var expanded: [Node] = []
        for item in items {
            guard case .map(let entries) = item.content, let include = item.entry("include")
            else {
                expanded.append(item)
                continue
            }
            for other in entries where other.name != "include" {
                reporter.error(
                    .noEffect,
                    other.keyPlace,
                    "\"\(other.name)\" has no effect beside include",
                    remedy: "write it in each route of the included file"
                )
            }
            for file in includedFiles(include.value, path: path) {
                expanded += routesOf(file)
            }
        }
        items = expanded
        var node = routes
        node.content = .list(items)
        return node
    }

    private func routesOf(_ file: IncludedFile) -> [Node] {
        let more = tree(path: file.path, bytes: file.bytes, isRouteFile: true)
        guard case .map(let entries) = more.content else { return [] }
        joining += entries.filter { $0.name != "routes" }
        let routes = entries.filter { $0.name == "routes" }.map(\.value)
        return routes.flatMap { node in
            if case .list(let items) = node.content { items } else { [node] }
        }
    }

    private struct IncludedFile {
        var path: String
        var bytes: [UInt8]
    }

    /// The files that the value of an `include` names, in order.
    private func includedFiles(_ value: Node, path: String) -> [IncludedFile] {
        let names: [Node]
        if case .list(let items) = value.content { names = items } else { names = [value] }
        var result: [IncludedFile] = []
        for name in names {
            guard let text = name.scalar, !text.isNull else {
                reporter.error(
                    .type,
                    name.place,
                    "include takes the names of files",
                    remedy: "write include: pools.d/*.yaml"
                )
                continue
            }
            guard !text.isUnknown, reporter.isPath(text, at: name.place) else { continue }
            let full = FilePath.resolve(text.text, from: path)
            var paths = [full]
            if FilePath.isPattern(text.text) {
                paths = files.glob(full)
                if paths.isEmpty {
                    reporter.warning(
                        .includeEmpty,
                        name.place,
                        "no file matches \(text.written.shown)",
                        remedy: "the pattern starts at the folder of \(FilePath.last(path))"
                    )
                }
            }
            result += paths.compactMap { read($0, text, at: name.place) }
        }
        return result
    }

    private func read(_ path: String, _ text: ScalarText, at place: Place) -> IncludedFile? {
        let identity = FilePath.normalised(path)
        if let start = open.firstIndex(of: identity) {
            let chain = (open[start...] + [identity]).joined(separator: " → ")
            reporter.error(
                .include,
                place,
                "includes go in a circle: \(chain)",
                remedy: "remove one of them"
            )
            return nil
        }
        if let first = readAlready[identity] {
            let line = reporter.name(of: first, from: place)
            reporter.error(
                .include,
                place,
                "\(text.shown(path)) is included already (\(line))",
                remedy: "include a file once"
            )
            return nil
        }
        guard open.count < SourceLimits.includeDepthMax,
            readAlready.count < SourceLimits.fileCountMax
        else {
            reporter.error(
                .tooLarge,
                place,
                "too many includes",
                remedy: "at most \(SourceLimits.fileCountMax) files, "
                    + "\(SourceLimits.includeDepthMax) inside one another"
            )
            return nil
        }
        readAlready[identity] = place
        switch files.read(path) {
        case .success(let bytes):
            return IncludedFile(path: path, bytes: bytes)
        case .failure(let problem):
            reporter.reportFile(text.shown(path), problem.reason, at: place, options: options)
            return nil
        }
    }

    /// Joins another file's keys to the tree.
    private func join(_ more: [Entry], to root: inout Node) {
        guard case .map(var entries) = root.content else { return }
        for entry in more where !entry.isRepeated {
            let index = entries.firstIndex { $0.name == entry.name && !$0.isRepeated }
            guard let index, let type = TopLevelKeys.set.key(entry.name)?.type else {
                entries.append(entry)
                continue
            }
            var repeated = entry
            switch type {
            case .several:
                joinItems(of: entry, to: &entries[index])
            case .map, .named:
                joinEntries(of: entry, to: &entries[index], isNames: type.isNamed)
            default:
                repeated.isRepeated = true
                let first = entries[index].keyPlace
                reportRepeated(entry.name, at: entry.keyPlace, first: first, reporter)
                entries.append(repeated)
            }
        }
        root.content = .map(entries)
    }

    private func joinItems(of entry: Entry, to target: inout Entry) {
        var items: [Node]
        if case .list(let list) = target.value.content {
            items = list
        } else {
            items = [target.value]
        }
        if case .list(let more) = entry.value.content {
            items += more
        } else {
            items.append(entry.value)
        }
        target.value.content = .list(items)
        target.value.isCut = target.value.isCut || entry.value.isCut
    }

    private func joinEntries(of entry: Entry, to target: inout Entry, isNames: Bool) {
        guard case .map(var entries) = target.value.content,
            case .map(let more) = entry.value.content
        else { return }
        for var other in more {
            if let first = entries.first(where: { $0.name == other.name }), !other.isRepeated {
                other.isRepeated = true
                if isNames {
                    let line = reporter.name(of: first.keyPlace, from: other.keyPlace)
                    reporter.error(
                        .duplicateName,
                        other.keyPlace,
                        "\"\(other.name)\" is in \(entry.name) already (\(line))",
                        remedy: "give another name, or remove one of the two"
                    )
                } else {
                    reportRepeated(
                        other.name,
                        at: other.keyPlace,
                        first: first.keyPlace,
                        reporter
                    )
                }
            }
            entries.append(other)
        }
        target.value.content = .map(entries)
    }
}

extension ValueType {
    /// Whether it is a map from names that the file chooses.
    fileprivate var isNamed: Bool {
        if case .named = self { true } else { false }
    }
}
