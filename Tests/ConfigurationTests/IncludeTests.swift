import Configuration
import Testing

@Suite("Includes")
struct IncludeTests {
    @Test("routes stand where they are included, other keys join")
    func routes() throws {
        let result = load(
            """
            listen: ":1"
            routes:
              - {match: /first/, respond: 404}
              - include: sites/*.yaml
              - {match: /last/, pool: a}
            """,
            files: [
                "sites/b.yaml": "routes: [{match: /b/, pool: b}]\npools: {b: [10.0.0.2:80]}\n",
                "sites/a.yaml": "routes: {match: /a/, pool: a}\npools: {a: [10.0.0.1:80]}\n",
                "other/c.yaml": "workers: 3\n",
            ]
        )
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(config.routes.map(\.name) == ["/first/", "/a/", "/b/", "/last/"])
        #expect(config.pools.map(\.name) == ["a", "b"])
        #expect(config.workers == nil)
    }

    @Test("lists grow, maps join, files may include files, names start at their own folder")
    func joins() throws {
        let result = load(
            """
            listeners: [":1"]
            include: [more/one.yaml, two.yaml]
            limits: {fields: 10}
            trusted-proxies: 10.0.0.0/8
            routes: [{match: /x, respond: {file: x.txt}}, {pool: main}]
            """,
            files: [
                "more/one.yaml": """
                include: inner.yaml
                listeners: {address: ":2"}
                limits: {head-size: 4KiB}
                trusted-proxies: [192.168.0.0/16]
                """,
                "more/inner.yaml": "pools: {main: [10.0.0.1:80]}\nworkers: 2\n",
                "two.yaml": "log: {to: logs/weir.log}\n", "x.txt": "text",
            ]
        )
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(config.listeners.map(\.name) == [":1", ":2"])
        #expect(config.limits.fields == 10 && config.limits.headSize == 4096)
        #expect(config.limits.targetSize == 4096)
        #expect(config.trustedProxies.map(\.description) == ["10.0.0.0/8", "192.168.0.0/16"])
        #expect(config.workers == 2)
        #expect(config.log.destination == .file(path: "logs/weir.log"))
    }

    @Test(
        "what two files both say is refused",
        arguments: [
            ("workers: 2", "workers: 3", DiagnosticID.repeatedKey),
            ("limits: {fields: 2}", "limits: {fields: 3}", .repeatedKey),
            ("pools: {a: [10.0.0.1:80]}", "pools: {a: [10.0.0.2:80]}", .duplicateName),
            ("networks: {a: 10.0.0.1}", "networks: {a: 10.0.0.2}", .duplicateName),
            ("listeners: [\":5\"]", "listeners: [\":5\"]", .duplicateListener),
            ("", "include: weir.yaml", .include), ("", "include: more.yaml", .include),
        ]
    )
    func conflicts(first: String, second: String, id: DiagnosticID) {
        let result = load(
            "listen: \":1\"\nroutes: [{respond: 404}]\ninclude: more.yaml\n\(first)\n"
                .replacing(
                    "listen: \":1\"",
                    with: first.hasPrefix("listeners") ? "" : "listen: \":1\""
                ),
            files: ["more.yaml": second + "\n"]
        )
        #expect(result.diagnostics.contains { $0.id == id }, "\(render(result.diagnostics))")
        #expect(result.diagnostics.contains { $0.file == "more.yaml" })
    }

    @Test("includes have a bound on their depth and number")
    func bounds() {
        var files: [String: String] = [:]
        for depth in 0..<20 { files["d\(depth).yaml"] = "include: d\(depth + 1).yaml\n" }
        files["d20.yaml"] = "workers: 2\n"
        let deep = load("include: d0.yaml\nlisten: \":1\"\nservers: [10.0.0.1:80]\n", files: files)
        #expect(deep.diagnostics.map(\.id) == [.tooLarge])
        var many: [String: String] = [:]
        for number in 0..<1001 { many["many/\(number).yaml"] = "# nothing\n" }
        let wide = load(
            "include: many/*.yaml\nlisten: \":1\"\nservers: [10.0.0.1:80]\n",
            files: many
        )
        #expect(wide.diagnostics.map(\.id) == [.tooLarge])
        many["many/0.yaml"] = nil
        let allowed = load(
            "include: many/*.yaml\nlisten: \":1\"\nservers: [10.0.0.1:80]\n",
            files: many
        )
        #expect(render(allowed.diagnostics) == "")
    }

    @Test("files that need not be there are warnings")
    func missing() {
        var options = LoadOptions()
        options.requiresFiles = false
        let text = """
            listen: ":1"
            routes: [{respond: {file: none.html}}]
            include: none.yaml
            log: {to: "${file:none}"}
            """
        let result = load(text, options: options)
        #expect(result.config != nil)
        #expect(result.diagnostics.map(\.id) == [.file, .file, .file])
        #expect(result.diagnostics.allSatisfy { $0.severity == .warning })
        #expect(load(text).diagnostics.allSatisfy { $0.severity == .error })
    }

    @Test("paths become absolute where the caller's folder is known")
    func absolute() throws {
        var options = LoadOptions()
        options.workingDirectory = "/etc/weir"
        let result = Configuration.load(
            path: "conf/weir.yaml",
            files: MemoryFiles(files: [
                "conf/weir.yaml":
                    "listen: \":1\"\nservers: [10.0.0.1:80]\nlog: {to: ../log/./a.log}\n"
            ]),
            environment: { _ in nil },
            options: options
        )
        let config = try #require(result.config)
        #expect(config.log.destination == .file(path: "/etc/weir/log/a.log"))
    }

    @Test("a file that is not there is an error at its start")
    func absent() {
        let result = Configuration.load(
            path: "none.yaml",
            files: MemoryFiles(),
            environment: { _ in nil },
            options: LoadOptions()
        )
        #expect(result.config == nil)
        #expect(result.diagnostics.map(\.id) == [.file])
        #expect(
            result.diagnostics.first?.rendered().hasPrefix("none.yaml:1:1: error: cannot") == true
        )
    }
}
