import Foundation

/// A text file of the package.
struct SourceFile {
    /// Where it is, from the package's root, as `Sources/HTTP/Message/Method.swift`.
    let path: String
    let text: String
    let lines: [String]
    /// The lines of a Swift or C file without comments and without what is in string literals.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        let isCode = ["swift", "c", "h"].contains { path.hasSuffix("." + $0) }
        self.code = isCode ? withoutCommentsAndLiterals(lines) : []
    }

    var name: String { String(path.split(separator: "/").last ?? "") }

    /// The folder it is in, without a slash at the end; empty for the root.
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
}

/// The package as it lies on the disk.
enum SourceTree {
    /// The package's root: three levels above this file.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Folders of tools, not of the package.
    private static let skipped: Set<String> = [
        ".venv", "__pycache__", ".pytest_cache", "node_modules", ".cache",
    ]

    /// The files below a folder with one of these endings, sorted.
    ///
    /// All of them if no ending is given; hidden ones and those of tools are left out.
    static func files(under folder: String, endings: [String] = []) -> [SourceFile] {
        paths(under: folder)
            .filter { path in endings.isEmpty || endings.contains { path.hasSuffix("." + $0) } }
            .compactMap(file)
    }

    /// One file; `nil` if it is missing or no text.
    static func file(_ path: String) -> SourceFile? {
        guard let data = try? Data(contentsOf: root.appendingPathComponent(path)),
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        return SourceFile(path: path, text: text)
    }

    /// Whether there is a file or folder at a path.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    /// The paths of all files below a folder, sorted.
    static func paths(under folder: String) -> [String] {
        let top = root.appendingPathComponent(folder).path
        guard let names = FileManager.default.enumerator(atPath: top) else { return [] }
        var found: [String] = []
        for case let name as String in names {
            let last = name.split(separator: "/").last.map(String.init) ?? name
            if last.hasPrefix(".") || skipped.contains(last) {
                names.skipDescendants()
            } else if names.fileAttributes?[.type] as? FileAttributeType == .typeRegular {
                found.append(folder.isEmpty ? name : folder + "/" + name)
            }
        }
        return found.sorted()
    }
}

/// A place that breaks a rule, as `path:line: what`.
struct Slip: CustomStringConvertible, Equatable {
    var path: String
    var line: Int
    var what: String

    var description: String { "\(path):\(line): \(what)" }
}

extension [Slip] {
    /// The slips, one a line.
    var report: String { map(\.description).joined(separator: "\n") }
}
