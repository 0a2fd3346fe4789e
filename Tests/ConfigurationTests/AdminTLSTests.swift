import Testing

@testable import Configuration

@Suite("TLS of the admin API, and how it is reached")
struct AdminTLSTests {
    private static let files = ["a.pem": "certificate a", "a.key": "key a"]

    private func admin(_ text: String) throws -> AdminConfig? {
        let result = load(
            "listen: \":1\"\nservers: [10.0.0.1:80]\nadmin: \(text)\n",
            files: Self.files
        )
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        #expect(load(printed, files: Self.files).config == config, "\(printed)")
        return config.admin
    }

    @Test("a certificate and its key reach the model, whatever the address")
    func model() throws {
        let pair = CertificatePaths(certificate: "a.pem", key: "a.key")
        for address in ["127.0.0.1:9900", "unix:/run/weir.sock"] {
            let text = "{address: \"\(address)\", tls: {certificate: a.pem, key: a.key}}"
            #expect(try admin(text)?.tls == pair)
            #expect(try admin("{address: \"\(address)\", tls: off}")?.tls == nil)
            #expect(try admin("\"\(address)\"")?.tls == nil)
        }
    }

    @Test("whoever knows certificates looks at it as at a server's")
    func material() {
        let seen = SeenMaterial()
        var options = LoadOptions()
        options.inspectTLS = { seen.add($0) }
        let text =
            "listen: \":1\"\nservers: [10.0.0.1:80]\n"
            + "admin: {address: 127.0.0.1:1, tls: {certificate: a.pem, key: a.key}}\n"
        #expect(load(text, files: Self.files, options: options).config != nil)
        #expect(seen.all.map(\.role) == [.server])
        #expect(seen.all.first?.pairs.map(\.key.name) == ["a.key"])
    }

    @Test("beyond this machine a token is needed, by TLS as well")
    func token() {
        let text =
            "listen: \":1\"\nservers: [10.0.0.1:80]\n"
            + "admin: {address: 10.0.0.5:1, tls: {certificate: a.pem, key: a.key}}\n"
        let result = load(text, files: Self.files)
        #expect(result.diagnostics.map(\.id) == [.adminToken])
    }

    @Test(
        "origins have a scheme, a host and perhaps a port, and nothing else",
        arguments: [
            ("https://lb.test:9900", "https://lb.test:9900"),
            ("HTTPS://LB.test", "https://lb.test:443"),
            ("http://10.0.0.1", "http://10.0.0.1:80"), ("https://[::1]:9", "https://[::1]:9"),
            ("https://", nil), ("https://lb.test:", nil), ("https://lb.test:0", nil),
            ("https://lb.test:65536", nil), ("https://lb.test/", nil), ("https://lb.test/a", nil),
            ("https://a@lb.test", nil), ("ftp://lb.test", nil), ("lb.test:9900", nil),
            ("https://[lb.test]:9", nil), ("https://lb test:9", nil), ("unix:/a", nil),
        ]
    )
    func origins(text: String, expected: String?) {
        #expect(WebOrigin(text)?.description == expected)
    }
}
