/// Why a file could not be read.
public struct FileProblem: Error, Sendable {
    /// In words, for example `no such file`, `permission denied`, `is a folder`.
    public var reason: String

    /// A problem with this reason.
    public init(reason: String) { self.reason = reason }
}

/// How configurations reach files; the caller knows the file system.
public protocol FileAccess {
    /// The file's bytes.
    func read(_ path: String) -> Result<[UInt8], FileProblem>
    /// The files that a pattern with `*`, `?` or `[ ]` names, sorted, as paths to be read.
    func glob(_ pattern: String) -> [String]
}

/// What the caller may choose.
public struct LoadOptions: Sendable {
    /// Whether files that are named but not there are errors; else they are warnings.
    public var requiresFiles = true
    /// What relative paths in the result start at where the file itself was named relatively.
    public var workingDirectory = ""
    /// Looks into the files that `tls` names, which are only read here; `nil` does not look.
    public var inspectTLS: (@Sendable (TLSMaterial) -> [TLSProblem])?

    /// Files must be there.
    public init() {}

    /// The path from the file system's root, as far as the working directory is known.
    func absolute(_ path: String) -> String {
        path.hasPrefix("/") || workingDirectory.isEmpty ? path : workingDirectory + "/" + path
    }
}

/// Paths as text, without looking at the file system.
enum FilePath {
    /// The path of `name` as named by the file at `path`.
    static func resolve(_ name: String, from path: String) -> String {
        if name.hasPrefix("/") { return name }
        let folder = folder(of: path)
        return folder.isEmpty ? name : folder == "/" ? "/" + name : folder + "/" + name
    }

    /// The folder of the file at `path`; empty for the working directory.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path without `.`, doubled slashes and, where they are known to be folders, `..`.
    static func normalised(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }

    /// Whether the name is a pattern.
    static func isPattern(_ name: String) -> Bool { name.contains { "*?[".contains($0) } }

    /// The pattern that names this path only.
    static func literalPattern(_ path: String) -> String {
        var pattern = ""
        for character in path {
            if "*?[]\\".contains(character) { pattern += "\\" }
            pattern.append(character)
        }
        return pattern
    }

    /// The name after the last slash.
    static func last(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}
