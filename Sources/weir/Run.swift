import ArgumentParser
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
        let result = try started { () throws(StartError) in try loadAsServing() }
        Output.trouble(render(result.diagnostics))
        guard let config = result.config else { throw ExitCode(1) }
        try started { () throws(StartError) in
            let inherited = try InheritedSockets.passed()
            try inherited.check(config)
            let supervisor = try Supervisor(
                config,
                version: Version.text,
                inherited: inherited
            )
            _ = try supervisor.openAdmin(config)
            supervisor.announce(try supervisor.serve(config))
            supervisor.wait()
        }
    }

    /// Reads the file as who serves: where it names a user, the process becomes that one first,
    /// so that whatever opens now opens again in a reload.
    private func loadAsServing() throws(StartError) -> LoadResult {
        let result = loadFile(file)
        guard let user = result.config?.user else { return result }
        let identity = try Identity(user: user, group: result.config?.group)
        if identity.isCurrent { return result }
        let keepsPorts = Identity.mayBindAllPorts
        try identity.become()
        return loadFile(file, as: identity.serving(keepsPorts: keepsPorts))
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
