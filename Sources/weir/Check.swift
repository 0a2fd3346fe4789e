import ArgumentParser
import Configuration
import Control

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

    @Option(help: "Tell what this user may not read, write or listen at (needs root).")
    var user: String?

    func run() throws {
        let identity = try actAsServing()
        let result = loadFile(file, requiresFiles: !noFiles, as: identity)
        let memory = result.config.map(MemoryEstimate.init(of:))
        if json {
            let text = effective ? result.config.map { effectiveYAML(of: $0) } : nil
            Output.text(renderJSON(result.diagnostics, memory: memory, effective: text))
        } else if !result.diagnostics.isEmpty {
            Output.trouble(render(result.diagnostics))
        }
        guard let config = result.config else { throw ExitCode(1) }
        if effective, !json { Output.text(effectiveYAML(of: config)) }
        if strict, !result.diagnostics.isEmpty { throw ExitCode(1) }
        if json || effective { return }
        if result.diagnostics.isEmpty { Output.text("\(file): no mistakes found\n") }
        if let memory { Output.text(memory.rendered()) }
    }

    /// Takes the rights of who is asked for or, where root asks, of the file's `user`; `nil` where
    /// neither names anybody.
    private func actAsServing() throws -> ServingIdentity? {
        if user == nil, noFiles || !Identity.isRoot { return nil }
        let config = loadFile(file, requiresFiles: false).config
        guard let name = user ?? config?.user else { return nil }
        // Weir keeps the right to all ports where it becomes the file's user by itself.
        let keepsPorts =
            Identity.mayBindAllPorts && (config?.user == name || !Identity.isRoot)
        do throws(StartError) {
            let group = config?.user == name ? config?.group : nil
            let identity = try Identity(user: name, group: group)
            try identity.actForFiles()
            return identity.serving(keepsPorts: keepsPorts)
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
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
