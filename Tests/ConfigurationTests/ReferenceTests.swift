import Health
import Testing

@testable import Configuration

@Suite("What is made from the description of the keys")
struct ReferenceTests {
    @Test("the committed reference page and schema are what the keys give")
    func files() {
        let files = [
            ("docs/reference/configuration.md", referencePage()),
            ("docs/reference/simulate.md", simulateReferencePage()),
            ("docs/reference/weir.schema.json", jsonSchema()),
        ]
        for (path, text) in files {
            if PackageFiles.rewrites { PackageFiles.write(text, to: path) }
            #expect(PackageFiles.text(path) == text, "\(path) is out of date")
        }
    }

    static var sets: [KeySet] {
        var sets: [(String, KeySet)] = []
        collect(TopLevelKeys.set, into: &sets)
        return sets.map(\.1)
    }

    @Test("every key is explained, with a value that it takes")
    func examples() {
        for set in Self.sets {
            for key in set.keys {
                let reporter = Reporter()
                let source = SourceFile(path: "x", bytes: Array("a: \(key.example)\n".utf8))
                reporter.files = [source]
                let tree = YAMLReader(file: 0, source: source, reporter: reporter).read()
                let value = tree.entry("a").flatMap {
                    Validator(reporter: reporter).value(of: $0.value, for: key)
                }
                #expect(value != nil && !reporter.hasErrors, "\(set.title) \(key.name)")
                #expect(key.meaning.hasSuffix("."), "\(set.title) \(key.name)")
            }
            #expect(Set(set.keys.map(\.name)).count == set.keys.count)
        }
    }

    @Test("defaults of the keys are the defaults of the model")
    func defaults() throws {
        let config = try #require(load("listen: \":1\"\nservers: [10.0.0.1:80]\n").config)
        #expect(config.workers == Config().workers)
        #expect(config.shutdownTimeout == Config().shutdownTimeout)
        #expect(config.limits == LimitsConfig())
        #expect(config.timeouts == ClientTimeouts())
        #expect(config.forwarding == ForwardingConfig())
        #expect(config.log == LogConfig())
        let server = ServerConfig(name: "10.0.0.1:80", address: .ip(.v4(0x0A00_0001), port: 80))
        #expect(config.pools == [PoolConfig(name: "main", servers: [server])])
        #expect(config.listeners == [ListenerConfig(name: ":1", address: .any(port: 1))])
        #expect(config.routes.map(\.timeouts) == [PoolTimeouts()])
        #expect(config.routes.map(\.retries) == [RetryOptions()])
        #expect(config.routes.map(\.accessLog) == [true])
    }

    @Test("every key and every diagnostic is in the reference")
    func documented() {
        let page = referencePage() + simulateReferencePage()
        let schema = jsonSchema()
        for set in Self.sets {
            for key in set.keys {
                #expect(page.contains("| `\(key.name)` |"))
                #expect(schema.contains("\"\(key.name)\": {"))
            }
        }
        for id in DiagnosticID.allCases { #expect(page.contains("| `\(id.rawValue)` |")) }
    }
}
