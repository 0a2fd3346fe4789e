import Configuration
import Glibc

/// Files that exist in memory only.
struct MemoryFiles: FileAccess {
    var files: [String: String] = [:]

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        guard let text = files[path] else { return .failure(FileProblem(reason: "no such file")) }
        return .success(Array(text.utf8))
    }

    func glob(_ pattern: String) -> [String] {
        files.keys.filter { fnmatch(pattern, $0, FNM_PATHNAME) == 0 }.sorted()
    }
}

/// Files below a folder of the disk, by paths relative to it.
struct FolderFiles: FileAccess {
    var folder: String

    /// By the path's words, as rights on the disk are nothing that a test could count on.
    func obstacle(to use: FileUse, at path: String) -> FileProblem? {
        if path.contains("/closed/") {
            return FileProblem(reason: "folder /closed: \(FileProblem.denied)")
        }
        if path.contains("/missing/") { return FileProblem(reason: "there is no such folder") }
        if use == .rotatedLog, path.contains("/fixed/") {
            return FileProblem(reason: FileProblem.denied)
        }
        return nil
    }

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        if path.contains("/closed/") { return .failure(FileProblem(reason: FileProblem.denied)) }
        guard let file = fopen(folder + "/" + path, "r") else {
            return .failure(FileProblem(reason: "no such file"))
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return .success(bytes) }
            bytes += buffer[..<count]
        }
    }

    func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Glibc.glob(folder + "/" + pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0).dropFirst(folder.count + 1) }
                .map(String.init)
        }
    }
}

/// Folders and files of this package.
enum PackageFiles {
    /// The package's folder.
    static var root: String {
        let parts = #filePath.split(separator: "/").dropLast(4)
        return "/" + parts.joined(separator: "/")
    }

    /// The paths that a pattern below the package's folder names, relative to `folder`.
    static func names(in folder: String, matching pattern: String) -> [String] {
        FolderFiles(folder: root + "/" + folder).glob(pattern)
    }

    /// Whether this run may rewrite what it would compare with.
    static var rewrites: Bool { setting("WEIR_UPDATE_GOLDEN") != nil }

    /// A variable of this run's environment.
    static func setting(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// A file's text, empty if there is none.
    static func text(_ path: String) -> String {
        guard case .success(let bytes) = FolderFiles(folder: root).read(path) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file of the package.
    static func write(_ text: String, to path: String) {
        guard let file = fopen(root + "/" + path, "w") else { return }
        defer { fclose(file) }
        fputs(text, file)
    }
}

/// Loads a text as `weir.yaml` beside other files.
func load(
    _ text: String,
    files: [String: String] = [:],
    environment: [String: String] = [:],
    options: LoadOptions = LoadOptions()
) -> LoadResult {
    var all = files
    all["weir.yaml"] = text
    return Configuration.load(
        path: "weir.yaml",
        files: MemoryFiles(files: all),
        environment: { environment[$0] },
        options: options
    )
}
