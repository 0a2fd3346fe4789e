import ArgumentParser
import CLinux
import Configuration
import Control

/// `weir run FILE`.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve by a file until SIGTERM or SIGINT."
    )

    @Argument(help: "The configuration file.")
    var file: String

    func run() throws {
        // Where these come while the file is read they wait, and do not end the process.
        weir_hold_signals()
        let identity = try started { () throws(StartError) in try becomeServing() }
        let result = loadFile(file, as: identity)
        Output.trouble(render(result.diagnostics))
        guard let config = result.config else { throw ExitCode(1) }
        try started { () throws(StartError) in
            let inheritance = try Inheritance.receive()
            try inheritance.check(config)
            let supervisor = try Supervisor(
                config,
                version: Version.text,
                inheritance: inheritance
            ) { loadFile(file, as: identity) }
            _ = try supervisor.openAdmin(config)
            supervisor.announce(try supervisor.serve(config))
            supervisor.wait()
        }
    }

    /// Becomes the user that the file names, before anything else is opened, so that whatever opens
    /// now opens again in a reload; `nil` where it names nobody.
    private func becomeServing() throws(StartError) -> ServingIdentity? {
        let config = loadFile(file, requiresFiles: false).config
        guard let user = config?.user else { return nil }
        let identity = try Identity(user: user, group: config?.group)
        let keepsPorts = Identity.mayBindAllPorts
        try identity.become()
        return identity.serving(keepsPorts: keepsPorts)
    }

    /// Ends the command with the words of what keeps it from starting.
    private func started<Value>(_ body: () throws(StartError) -> Value) throws -> Value {
        do throws(StartError) {
            return try body()
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}
