import Routing
import Testing

@testable import Configuration

@Suite("TLS and HTTP/2 in the file")
struct TLSTests {
    static let files = [
        "a.pem": "certificate a", "a.key": "key a", "a.pass": "x", "a.ocsp": "y",
        "certs/b.pem": "certificate b", "certs/b.key": "key b", "certs/c.pem": "certificate c",
        "certs/c.key": "key c", "certs/d.txt": "", "ca.pem": "certificate ca", "ca.crl": "list",
        "t.keys": String(repeating: "k", count: 160),
    ]

    /// The listeners of a file with this one, checked by printing and reading it again.
    static func listeners(
        _ entry: String,
        address: String = "\":1\"",
        environment: [String: String] = [:]
    ) throws -> [ListenerConfig] {
        let text = "listeners: [{address: \(address), \(entry)}]\nservers: [10.0.0.1:80]\n"
        let result = load(text, files: files, environment: environment)
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        let again = load(printed, files: files, environment: environment)
        #expect(again.config == config, "\(printed)\(render(again.diagnostics))")
        return config.listeners
    }

    static func tls(_ text: String) throws -> ListenerTLSConfig {
        try #require(try listeners("tls: \(text)").first?.tls)
    }

    static let pair = CertificateConfig(source: .pair(certificate: "a.pem", key: "a.key"))

    @Test("a listener has TLS only where the file says so")
    func off() throws {
        for text in ["name: a", "tls: off"] {
            let listener = try #require(try Self.listeners(text).first)
            #expect(listener.tls == nil && listener.http2 == .off)
            #expect(listener.httpsRedirect == nil)
        }
    }

    @Test("a certificate beside its key is the short form of a list of one")
    func shortForm() throws {
        let short = try Self.tls("{certificate: a.pem, key: a.key}")
        #expect(short == ListenerTLSConfig(certificates: [Self.pair]))
        #expect(try Self.tls("{certificates: {certificate: a.pem, key: a.key}}") == short)
        var whole = Self.pair
        whole.passphraseFile = "a.pass"
        whole.stapleFile = "a.ocsp"
        let keys = "certificate: a.pem, key: a.key, passphrase-file: a.pass, ocsp-staple: a.ocsp"
        #expect(try Self.tls("{\(keys)}").certificates == [whole])
        #expect(try Self.tls("{certificates: [{\(keys)}]}").certificates == [whole])
    }

    @Test("every key of tls reaches the model")
    func keys() throws {
        var folder = CertificateConfig(source: .folder("certs"))
        folder.passphraseFile = "a.pass"
        var wanted = ListenerTLSConfig(certificates: [Self.pair, folder])
        wanted.unknownName = .refuse
        wanted.clients = ClientAuthorityConfig(file: "ca.pem")
        wanted.clients?.isRequired = false
        wanted.clients?.revocations = "ca.crl"
        wanted.minVersion = .tls13
        wanted.suites = ["TLS_AES_256_GCM_SHA384"]
        wanted.groups = ["P-384", "X25519"]
        wanted.ticketKeys = "t.keys"
        wanted.maxHandshakes = 10
        wanted.handshakeRate = 0.5
        let found = try Self.tls(
            """
            {certificates: [{certificate: a.pem, key: a.key},
                {folder: certs, passphrase-file: a.pass}],
              unknown-name: refuse, client-authority: ca.pem, client-certificate: optional,
              client-revocations: ca.crl, min-version: 1.3, suites: TLS_AES_256_GCM_SHA384,
              groups: [P-384, X25519, P-384], ticket-keys: t.keys, max-handshakes: 10,
              handshake-rate: 30/m}
            """
        )
        #expect(found == wanted)
    }

    @Test("without suites there are the safe ones of the versions that are spoken")
    func suites() throws {
        let pair = "certificate: a.pem, key: a.key"
        #expect(try Self.tls("{\(pair)}").suites == TLSNames.suites)
        let newest = try Self.tls("{\(pair), min-version: 1.3}")
        #expect(newest.suites == Array(TLSNames.suites.prefix(3)))
        let own = ["TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES256-GCM-SHA384"]
        #expect(try Self.tls("{\(pair), suites: [\(own[0]), \(own[1])]}").suites == own)
    }

    @Test("clients of an authority need a certificate unless the file says otherwise")
    func clients() throws {
        let base = "certificate: a.pem, key: a.key, client-authority: ca.pem"
        #expect(try Self.tls("{\(base)}").clients?.isRequired == true)
        let required = try Self.tls("{\(base), client-certificate: required}")
        #expect(required.clients == ClientAuthorityConfig(file: "ca.pem"))
    }

    @Test("HTTP/2 comes with TLS, and without it on request only")
    func http2() throws {
        let tls = "tls: {certificate: a.pem, key: a.key}"
        for (text, use) in [
            ("\(tls)", HTTP2Use.overTLS), ("\(tls), http2: true", .overTLS),
            ("\(tls), http2: false", .off), ("http2: false", .off),
            ("http2: cleartext", .cleartext), ("tls: off, http2: cleartext", .cleartext),
        ] {
            #expect(try Self.listeners(text).map(\.http2) == [use], "\(text)")
        }
    }

    @Test("a redirect to https leads to a port")
    func redirect() throws {
        for (text, port) in [("true", UInt16(443)), ("false", nil), ("8443", 8443)] {
            let found = try Self.listeners("https-redirect: \(text)")
            #expect(found.map(\.httpsRedirect) == [port])
        }
    }

    @Test("a route says how long browsers come by https only")
    func hsts() throws {
        let head =
            "listeners: [{address: \":1\", tls: {certificate: a.pem, key: a.key}}]\n"
            + "pools: {main: [10.0.0.1:80]}\nroutes: "
        let text =
            head + "[{match: /a, pool: main, hsts: 730d}, {match: /b, pool: main, hsts: 0s}, "
            + "{match: /c, pool: main, hsts: off}, {pool: main}]\n"
        let result = load(text, files: Self.files)
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        #expect(
            config.routes.map(\.hsts) == [.seconds(730 * 86_400), .zero, nil, nil]
        )
        #expect(load(effectiveYAML(of: config), files: Self.files).config == config)
        let behind = "trusted-proxies: private\nlisten: \":1\"\nservers: [10.0.0.1:80]\n"
        let route = "routes: [{pool: main, hsts: 1h}]\n"
        #expect(load(behind + route).config?.routes.first?.hsts == .seconds(3600))
    }

    @Test("all addresses of an entry share its TLS")
    func addresses() throws {
        let found = try Self.listeners(
            "tls: {certificate: a.pem, key: a.key}",
            address: "[\":1\", \":2\", \"unix:/run/weir.sock\"]"
        )
        #expect(found.count == 3)
        #expect(found.allSatisfy { $0.tls?.certificates == [Self.pair] && $0.http2 == .overTLS })
    }

    @Test("limits of HTTP/2 and the handshake's time-out reach the model")
    func limits() throws {
        let text = "limits: {http2: {streams: 7, budget: 1/m}}\ntimeouts: {handshake: 1s}\n"
        let config = try #require(load(text + "listen: \":1\"\nservers: [10.0.0.1:80]\n").config)
        #expect(config.limits.http2.streams == 7)
        #expect(config.limits.http2.budget == 1.0 / 60)
        #expect(config.timeouts.handshake == .seconds(1))
        let again = load(effectiveYAML(of: config)).config
        #expect(again == config)
    }

    @Test("a folder stands for its pairs, whatever its name holds")
    func folder() {
        let folder = CertificateConfig(source: .folder("certs"))
        #expect(
            folder.paths(in: MemoryFiles(files: Self.files)) == [
                CertificatePaths(certificate: "certs/b.pem", key: "certs/b.key"),
                CertificatePaths(certificate: "certs/c.pem", key: "certs/c.key"),
            ]
        )
        let odd = CertificateConfig(source: .folder("[a]*"))
        let files = MemoryFiles(files: ["[a]*/x.pem": "", "a1/x.pem": ""])
        #expect(odd.paths(in: files).map(\.key) == ["[a]*/x.key"])
        var one = Self.pair
        one.stapleFile = "a.ocsp"
        #expect(one.paths(in: files).map(\.stapleFile) == ["a.ocsp"])
    }

    @Test("whoever knows certificates gets all files that can be read, in order")
    func material() throws {
        let seen = SeenMaterial()
        var options = LoadOptions()
        options.requiresFiles = false
        options.inspectTLS = { seen.add($0) }
        let text =
            """
            listeners:
              - address: ":1"
                tls:
                  certificates: [{certificate: a.pem, key: a.key, passphrase-file: a.pass},
                    {certificate: a.pem, key: none.key}, {folder: certs},
                    {certificate: a.pem, key: a.key, passphrase-file: none}]
                  client-authority: ca.pem
                  client-revocations: ca.crl
            servers: [10.0.0.1:80]
            """
        let result = load(text, files: Self.files, options: options)
        #expect(result.config != nil)
        #expect(result.diagnostics.map(\.id) == [.file, .file])
        let material = try #require(seen.all.first)
        #expect(seen.all.count == 1 && material.role == .server)
        #expect(material.pairs.map(\.key.name) == ["a.key", "certs/b.key", "certs/c.key"])
        #expect(material.pairs[0].passphrase?.bytes == Array("x".utf8))
        #expect(material.authority?.bytes == Array("certificate ca".utf8))
        #expect(material.revocations?.name == "ca.crl")
    }

    @Test("paths that come from the environment are not shown")
    func environment() throws {
        let tls = "{certificate: \"${A}.pem\", key: \"${A}.key\", client-authority: \"c${A}.pem\"}"
        let text = "listeners: [{address: \":1\", tls: \(tls)}]\nservers: [10.0.0.1:80]\n"
        let config = try #require(
            load(text, files: Self.files, environment: ["A": "a"]).config
        )
        #expect(config.listeners[0].tls?.clients?.file == "ca.pem")
        let printed = effectiveYAML(of: config)
        #expect(printed.contains("certificate: \"${A}.pem\""))
        #expect(printed.contains("client-authority: \"c${A}.pem\""))
    }

    @Test("suites have names of their own here, and weak ones are known as such")
    func names() {
        #expect(TLSNames.suites.allSatisfy { TLSNames.weakness(ofSuite: $0) == nil })
        #expect(
            TLSNames.suite(alias: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")
                == "ECDHE-RSA-CHACHA20-POLY1305"
        )
        #expect(
            TLSNames.suite(alias: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
                == "ECDHE-ECDSA-AES256-GCM-SHA384"
        )
        #expect(TLSNames.suite(alias: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA") == nil)
        for name in [
            "AES256-GCM-SHA384", "DES-CBC3-SHA", "ECDHE-ECDSA-AES128-SHA", "NULL-SHA256",
            "CAMELLIA128-SHA", "PSK-AES128-CBC-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
            "AECDH-AES128-SHA", "DHE-RSA-CHACHA20-POLY1305",
        ] {
            #expect(TLSNames.weakness(ofSuite: name) != nil, "\(name)")
        }
        #expect(TLSNames.isWeak(group: "secp192r1") && !TLSNames.isWeak(group: "P-256"))
    }
}
