import Testing

@testable import Configuration
@testable import Control

@Suite("Descriptors that Weir keeps for itself")
struct DescriptorsTests {
    @Test("the key's text has the numbers that are taken off")
    func numbers() throws {
        let text = """
            listen: ":1"
            servers: "10.0.0.1:80"
            """
        let checked = text.replacing(
            "servers: \"10.0.0.1:80\"",
            with: "pools: {main: {servers: \"10.0.0.1:80\", health: tcp}}"
        )
        let traced = text + "\ntracing: {export: \"http://127.0.0.1:4318\"}"
        func config(_ text: String) throws -> Config {
            let result = load(
                path: "weir.yaml",
                files: OneFile(text: text),
                environment: { _ in nil },
                options: LoadOptions()
            )
            return try #require(result.config)
        }
        let parts = [
            "\(HealthControl.descriptors(try config(checked))) where a pool has `health`",
            "\(AdminServer.mostConnections + 1) with `admin`",
            "\(SpanExporter.descriptors(try config(traced))) with `tracing.export`",
        ]
        #expect(HealthControl.descriptors(try config(text)) == 0)
        for part in parts { #expect(LimitKeys.maxConnections.meaning.contains(part)) }
    }
}

/// A file system of one file.
private struct OneFile: FileAccess {
    let text: String

    func read(_ path: String) -> Result<[UInt8], FileProblem> { .success(Array(text.utf8)) }

    func glob(_ pattern: String) -> [String] { [] }
}
