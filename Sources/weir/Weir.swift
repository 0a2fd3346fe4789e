import ArgumentParser
import CLinux
import Configuration
import Control

/// The command line.
///
/// Exit codes: 0 well, 1 the file is bad or the thing asked for failed, 2 wrong usage,
/// 3 no process answers.
@main
struct Weir: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "A layer-7 load balancer and reverse proxy: one file, one binary.",
        version: Version.text,
        subcommands: [
            Run.self, Check.self, Status.self, Top.self, Reload.self, Upgrade.self, Drain.self,
            Simulate.self, Demo.self, Schema.self, Version.self,
        ]
    )

    /// ArgumentParser ends wrong usage with 64; the contract says 2.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error).rawValue
            let message = fullMessage(for: error)
            if !message.isEmpty {
                if code == 0 { Output.text(message + "\n") } else { Output.trouble(message + "\n") }
            }
            weir_exit(code == 64 ? 2 : code)
        }
    }
}

/// Text for people: answers to standard output, trouble to standard error.
enum Output {
    /// Writes a line to standard error.
    static func error(_ line: String) { write(line + "\n", to: 2) }

    /// Writes text to standard error as it is.
    static func trouble(_ text: String) { write(text, to: 2) }

    /// Writes text to standard output as it is, at once.
    static func text(_ text: String) { write(text, to: 1) }

    private static func write(_ text: String, to file: Int32) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { memory in
            var written = 0
            while written < memory.count, let base = memory.baseAddress {
                let result = weir_write(file, base + written, memory.count - written)
                if result <= 0 { return }
                written += result
            }
        }
    }
}

/// Reads a file as every command does.
func loadFile(
    _ path: String,
    requiresFiles: Bool = true,
    as identity: ServingIdentity? = nil
) -> LoadResult {
    var options = LoadOptions()
    options.requiresFiles = requiresFiles
    options.identity = identity
    options.workingDirectory = FileSystem.workingFolder
    options.inspectTLS = inspectCertificates
    return load(
        path: path,
        files: FileSystem(),
        environment: FileSystem.environment,
        options: options
    )
}
