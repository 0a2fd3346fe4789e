import ArgumentParser
import Configuration
import Control

/// `weir demo`: the real proxy over three backends of its own.
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the proxy over three small backends that are built in."
    )

    @Option(
        name: .customLong("for"),
        help: "End by itself after this long, counted from serving: 5s, 500ms, 2m."
    )
    var limit: Limit?

    func run() throws {
        do throws(StartError) {
            let quiet = try Self.config("log: {level: warning}\n" + Self.backend("quiet"))
            let supervisor = try Supervisor(quiet, version: Version.text)
            var servers: [String] = []
            for name in ["alder", "birch", "cedar"] {
                let addresses = try supervisor.serve(Self.config(Self.backend(name)))
                servers += addresses.map { String($0.dropFirst("http://".count)) }
            }
            let file = Self.file(servers: servers)
            let addresses = try supervisor.serve(Self.config(file))
            Self.introduce(file, addresses.first ?? "")
            supervisor.wait(limit: limit?.duration)
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }

    /// A backend is Weir itself, answering by a route.
    private static func backend(_ name: String) -> String {
        """
        workers: 1
        listen: "127.0.0.1:0"
        routes:
          - respond: {body: "hello from \(name), for {client.address} asking for {uri}\\n"}
        """
    }

    private static func file(servers: [String]) -> String {
        """
        workers: 2
        listen: "127.0.0.1:0"
        servers: [\(servers.map { "\"\($0)\"" }.joined(separator: ", "))]
        """
    }

    private static func introduce(_ file: String, _ address: String) {
        Output.text(
            """
            Weir is serving on \(address) by this file:

            \(file.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))

            Try:
                curl \(address)/          # again and again: the backends take turns
                curl -v \(address)/any/path?and=query
                curl -v -H 'Transfer-Encoding: gzip' \(address)/   # refused, and told why

            Ctrl-C ends it.

            """
        )
    }

    private static func config(_ text: String) throws(StartError) -> Config {
        let result = load(
            path: "demo.yaml",
            files: OneFile(text: text),
            environment: { _ in nil },
            options: LoadOptions()
        )
        guard let config = result.config else {
            throw StartError(description: render(result.diagnostics))
        }
        return config
    }
}

/// A file system with the demo's file in it.
private struct OneFile: FileAccess {
    let text: String

    func read(_ path: String) -> Result<[UInt8], FileProblem> { .success(Array(text.utf8)) }
    func glob(_ pattern: String) -> [String] { [] }
}

/// A duration on the command line, written as in the file.
struct Limit: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let duration = Duration(configurationText: argument) else { return nil }
        self.duration = duration
    }
}
