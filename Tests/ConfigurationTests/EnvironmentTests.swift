import Configuration
import Testing

@Suite("Environment")
struct EnvironmentTests {
    static func name(_ text: String, _ environment: [String: String]) -> String? {
        let result = load(
            "listen: \":1\"\nservers: [{address: 10.0.0.1:80, name: '\(text)'}]",
            files: ["secret": "top\n", "dos": "top\r\n", "two": "a\n\n", "bad": "x"],
            environment: environment
        )
        return result.config?.pools.first?.servers.first?.name
    }

    @Test(
        "references are filled in",
        arguments: [
            ("${A}", "x"), ("a${A}b${A}", "axbx"), ("${A:-d}", "x"), ("${NONE:-d}", "d"),
            ("${EMPTY:-d}", "d"), ("a${EMPTY}", "a"), ("${NONE:-}b", "b"), ("$A", "$A"), ("$", "$"),
            ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("$$", "$$"), ("${file:secret}", "top"),
            ("${file:dos}", "top"), ("${file:two}", "a\n"), ("a}", "a}"),
        ]
    )
    func filled(text: String, value: String) {
        let found = Self.name(text, ["A": "x", "EMPTY": ""])
        // A name may hold no newline, so that one is told apart by being refused.
        #expect(found == (value.contains("\n") ? nil : value))
    }

    @Test(
        "what cannot be filled in is refused",
        arguments: ["${NONE}", "${A", "${}", "${1}", "${A-b}", "${ A}", "${file:none}", "${A B}"]
    )
    func refused(text: String) {
        #expect(Self.name(text, ["A": "x", "A-b": "y", "1": "z"]) == nil)
    }

    @Test("keys are read as written")
    func keys() {
        let result = load("${A}: 1\nlisten: \":1\"\n", environment: ["A": "workers"])
        #expect(result.diagnostics.first?.id == .unknownKey)
    }

    @Test("values take the type of their key, quoted or not")
    func types() throws {
        let text = """
            listen: "${PORT}"
            servers: [{address: "10.0.0.1:80", weight: "${WEIGHT}"}]
            timeouts: {head: "${TIME}", body: "5s"}
            workers: "2"
            forwarding: {via: "${NO}"}
            """
        let environment = ["PORT": ":81", "WEIGHT": "7", "TIME": "2s", "NO": "false"]
        let result = load(text, environment: environment)
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(config.listeners[0].address == .any(port: 81))
        #expect(config.pools[0].servers[0].weight == 7)
        #expect(config.timeouts.head == .seconds(2))
        #expect(config.timeouts.body == .seconds(5))
        #expect(config.workers == 2)
        #expect(!config.forwarding.via)
    }

    @Test("the effective file does not show what the environment holds")
    func effective() throws {
        let text = """
            listeners: [{address: "${LISTEN}"}]
            routes:
              - {match: "${HOST}", respond: {headers: {x-key: "a${KEY}"}}}
              - {match: {path: "${PATH}"}, respond: {file: "${FILE}"}}
              - {name: "${NAME}", pool: main}
            servers: ["${SERVER}"]
            log: {to: "${LOG}"}
            """
        let environment = [
            "LISTEN": "127.0.0.77:8077", "HOST": "hidden.example", "KEY": "hidden-key",
            "PATH": "/hidden/", "FILE": "hidden.txt", "NAME": "hidden-name",
            "SERVER": "10.77.0.1:77", "LOG": "/hidden/log",
        ]
        let files = ["hidden.txt": "hello"]
        let result = load(text, files: files, environment: environment)
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        for (_, value) in environment { #expect(!printed.contains(value), "\(printed)") }
        #expect(load(printed, files: files, environment: environment).config == config)
    }
}
