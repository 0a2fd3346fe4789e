import ArgumentParser
import CLinux
import Configuration

/// `weir check FILE`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a file, name every mistake in it, and start nothing."
    )

    @Argument(help: "The configuration file.")
    var file: String

    @Flag(help: "Print the diagnostics as JSON on standard output.")
    var json = false

    @Flag(help: "Fail on warnings too.")
    var strict = false

    @Flag(help: "Print the file with every shorthand expanded and every default filled in.")
    var effective = false

    @Flag(help: "Only warn of files that are missing, for a check on another machine.")
    var noFiles = false

    @Option(help: "Read files with the rights of this user (needs root).")
    var user: String?

    func run() throws {
        if let user { try become(user) }
        let result = loadFile(file, requiresFiles: !noFiles)
        let memory = result.config.map(MemoryEstimate.init(of:))
        if json {
            Output.text(renderJSON(result.diagnostics, memory: memory))
        } else if !result.diagnostics.isEmpty {
            Output.trouble(render(result.diagnostics))
        }
        guard let config = result.config else { throw ExitCode(1) }
        if effective { Output.text(effectiveYAML(of: config)) }
        if strict, !result.diagnostics.isEmpty { throw ExitCode(1) }
        if json || effective { return }
        if result.diagnostics.isEmpty { Output.text("\(file): no mistakes found\n") }
        if let memory { Output.text(memory.rendered()) }
    }

    private func become(_ user: String) throws {
        let result = weir_act_as_user(user)
        if result == 0 { return }
        let reason =
            result == -ENOENT ? "there is no such user" : String(cString: weir_error_text(-result))
        Output.error("weir: cannot read files as \(user): \(reason)")
        throw ExitCode(1)
    }
}

/// `weir schema`.
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the JSON Schema of the configuration file."
    )

    @Flag(help: "Print the reference page of the keys instead, in Markdown.")
    var reference = false

    @Flag(help: "Print the reference page of the keys of simulate instead, in Markdown.")
    var simulate = false

    func run() {
        if simulate {
            Output.text(simulateReferencePage())
        } else {
            Output.text(reference ? referencePage() : jsonSchema())
        }
    }
}

/// `weir version`.
struct Version: ParsableCommand {
    /// The version of this build.
    static let text = "0.1.0"

    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() { Output.text("weir \(Self.text)\n") }
}
