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
        let result = loadFile(file)
        Output.trouble(render(result.diagnostics))
        guard let config = result.config else { throw ExitCode(1) }
        do throws(StartError) {
            let supervisor = try Supervisor(
                config,
                version: Version.text,
                inheritance: try Inheritance.receive()
            ) { loadFile(file) }
            _ = try supervisor.openAdmin(config)
            supervisor.announce(try supervisor.serve(config))
            supervisor.wait()
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}
