import Testing

@testable import Configuration

@Suite("tracing in the file")
struct TracingTests {
    @Test(
        "URLs of collectors",
        arguments: [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces", false),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces", false),
            ("HTTP://Otel.Example/x/y?z", "http://otel.example:80/x/y?z", false),
            ("https://otel.example", "https://otel.example:443/v1/traces", true),
            ("http://[2001:DB8::1]:4318/t", "http://[2001:db8::1]:4318/t", false),
            ("http://[::1]?x", "http://[::1]:80/?x", false),
        ]
    )
    func urls(text: String, expected: String, isSecure: Bool) throws {
        let url = try #require(CollectorURL(text))
        #expect(url.description == expected)
        #expect(url.isSecure == isSecure)
        // What is printed loads again.
        #expect(CollectorURL(url.description) == url)
    }

    @Test(
        "what is none",
        arguments: [
            "", "127.0.0.1:4318", "//a", "ftp://a", "grpc://a:4317", "http://", "http://:80",
            "http://a:0", "http://a:65536", "http://a:b", "http://a:", "http://user@a/",
            "http://a/ b", "http://a/#c", "http://a/\u{e4}", "http://[::1", "http://[a]:1",
            "http://a_/\r\nX: y", "http://-/", "http://a..b/",
        ]
    )
    func noURLs(text: String) { #expect(CollectorURL(text) == nil, "\(text)") }

    @Test("defaults, and what the file says")
    func keys() throws {
        #expect(try tracing("limits: {}") == TracingConfig())
        let config = try tracing(
            "tracing: {propagate: false, export: 'http://otel:4318', sample: 10%, service: edge}\n"
                + "resolver: {servers: 10.0.0.2}"
        )
        #expect(!config.propagates && config.sample == 0.1 && config.service == "edge")
        #expect(config.export?.address == .name("otel", port: 4318))
        #expect(config.resolver.servers.count == 1)
    }

    /// What a file with these lines says, checked by printing and reading it again.
    private func tracing(_ lines: String) throws -> TracingConfig {
        let result = load("listen: \":80\"\nservers: [\"127.0.0.1:1\"]\n" + lines)
        #expect(render(result.diagnostics) == "", "\(lines)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        #expect(load(printed).config == config, "\(printed)")
        return config.tracing
    }
}
