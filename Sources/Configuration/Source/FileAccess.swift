/// Why a file could not be read.
public struct FileProblem: Error, Sendable {
    /// In words, for example `no such file`, `permission denied`, `is a folder`.
    public var reason: String

    /// The reason where the rights of who reads do not suffice.
    public static let denied = "permission denied"

    /// A problem with this reason.
    public init(reason: String) { self.reason = reason }
}

/// What is done with a file later than when the configuration is read.
public enum FileUse: Sendable {
    /// Lines are written to its end; it is made where it is not there.
    case log
    /// A log is moved away, and a new one made in its place.
    case rotatedLog
    /// A unix socket is made at its path, and removed.
    case socket
}

/// How configurations reach files; the caller knows the file system.
public protocol FileAccess {
    /// The file's bytes.
    func read(_ path: String) -> Result<[UInt8], FileProblem>
    /// The files that a pattern with `*`, `?` or `[ ]` names, sorted, as paths to be read.
    func glob(_ pattern: String) -> [String]
    /// What keeps the process from using the path so; `nil` is nothing.
    func obstacle(to use: FileUse, at path: String) -> FileProblem?
}

extension FileAccess {
    /// Nothing.
    public func obstacle(to use: FileUse, at path: String) -> FileProblem? { nil }
}

/// Who serves later, and opens then what the file names.
public struct ServingIdentity: Sendable {
    /// The user's name.
    public var user: String
    /// The group's name, or the user's where the file names none.
    public var group: String
    /// The lowest port that may be listened at.
    public var lowestPort: UInt16

    /// A user who may listen at this port and those above it.
    public init(user: String, group: String, lowestPort: UInt16) {
        self.user = user
        self.group = group
        self.lowestPort = lowestPort
    }
}

/// What the caller may choose.
public struct LoadOptions: Sendable {
    /// Whether files that are named but not there are errors; else they are warnings.
    public var requiresFiles = true
    /// What relative paths in the result start at where the file itself was named relatively.
    public var workingDirectory = ""
    /// Who reads the files now and serves later, for reports of what he may not do; `nil` reports
    /// nothing.
    public var identity: ServingIdentity?
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
