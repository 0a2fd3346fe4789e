import CLinux
import Configuration
import EventLoop

/// The machine's files, as the configuration reads them.
public struct FileSystem: FileAccess {
    /// The most that is read of one file: 16 MiB.
    private static let largestFile = 16 << 20

    private let waitsForPipes: Bool

    /// The machine's files.
    ///
    /// `waitsForPipes`: whether opening a named pipe waits until somebody writes to it, as is good
    /// for a command. A process that serves takes such a pipe as empty.
    public init(waitsForPipes: Bool = true) { self.waitsForPipes = waitsForPipes }

    /// The file's bytes, at most 16 MiB.
    public func read(_ path: String) -> Result<[UInt8], FileProblem> {
        let kind = weir_file_kind(path)
        if kind < 0 { return .failure(Self.problem(kind)) }
        if kind == 2 { return .failure(FileProblem(reason: "it is a folder")) }
        let descriptor = weir_open_read(path, waitsForPipes ? 1 : 0)
        if descriptor < 0 { return .failure(Self.problem(descriptor)) }
        defer { weir_close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { memory in
                memory.baseAddress.map { weir_read(descriptor, $0, memory.count) } ?? 0
            }
            if count < 0 { return .failure(Self.problem(Int32(truncatingIfNeeded: count))) }
            if count == 0 { return .success(bytes) }
            bytes += buffer[..<count]
            if bytes.count > Self.largestFile {
                return .failure(FileProblem(reason: "it is larger than 16 MiB"))
            }
        }
    }

    /// The paths that a pattern names, sorted.
    public func glob(_ pattern: String) -> [String] {
        var paths: [String] = []
        withUnsafeMutablePointer(to: &paths) { list in
            weir_glob(pattern, list) { context, path in
                context.assumingMemoryBound(to: [String].self).pointee
                    .append(String(cString: path))
            }
        }
        return paths
    }

    /// What keeps the process from using the path so, by its rights at present.
    public func obstacle(to use: FileUse, at path: String) -> FileProblem? {
        if use == .log, weir_file_kind(path) != -ENOENT {
            let result = weir_may_write(path)
            return result < 0 ? Self.problem(result) : nil
        }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        let result = weir_may_make_in(folder)
        if result == 0 { return nil }
        let reason = result == -ENOENT ? "there is no such folder" : Self.problem(result).reason
        return FileProblem(reason: "folder \(folder): \(reason)")
    }

    /// The folder that relative paths of the command line start at.
    public static var workingFolder: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard weir_working_folder(&buffer, buffer.count) == 0 else { return "/" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
    }

    /// A variable of the environment.
    public static func environment(_ name: String) -> String? {
        weir_environment(name).map { String(cString: $0) }
    }

    private static func problem(_ result: Int32) -> FileProblem {
        switch -result {
        case ENOENT: FileProblem(reason: "no such file")
        case EACCES: FileProblem(reason: FileProblem.denied)
        default: FileProblem(reason: SystemError.words(result))
        }
    }
}
