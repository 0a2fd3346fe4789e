import Testing

@testable import Configuration

@Suite("Templates")
struct TemplateTests {
    static func parse(_ text: String) throws -> [Template.Segment] {
        try Template.parse(ScalarText(text).pieces).segments
    }

    @Test(
        "variables and braces are told apart",
        arguments: [
            ("", []), ("plain", [.literal("plain")]), ("{host}", [.variable(.host)]),
            ("a{host}b", [.literal("a"), .variable(.host), .literal("b")]),
            ("{host}{uri}", [.variable(.host), .variable(.uri)]),
            ("{{host}}", [.literal("{host}}")]), ("{\"a\": 1}", [.literal("{\"a\": 1}")]),
            ("{ host}", [.literal("{ host}")]), ("{'a'}", [.literal("{'a'}")]),
            ("{}", [.literal("{}")]), ("[{]", [.literal("[{]")]), ("a{", [.literal("a{")]),
            ("{\n}", [.literal("{\n}")]), ("}", [.literal("}")]),
            ("{header.X-Y}", [.variable(.header("x-y"))]),
            ("{{{method}}", [.literal("{"), .variable(.method), .literal("}")]),
            ("{client.address}{request.id}", [.variable(.clientAddress), .variable(.requestID)]),
            ("{scheme}{path}", [.variable(.scheme), .variable(.path)]),
            ("{query}{route}", [.variable(.query), .variable(.route)]),
            ("{pool}{server}", [.variable(.pool), .variable(.server)]),
            ("{tls.subject}{tls.san}", [.variable(.tlsSubject), .variable(.tlsNames)]),
            ("{tls.fingerprint}", [.variable(.tlsFingerprint)]),
            ("{cookie.A}", [.variable(.cookie("A"))]),
        ] as [(String, [Template.Segment])]
    )
    func segments(text: String, segments: [Template.Segment]) throws {
        #expect(try Self.parse(text) == segments)
    }

    @Test(
        "what is no variable is refused",
        arguments: [
            "{hots}", "{host", "{header.}", "{header.a b}", "{1}", "{cookie.}", "{claim.x}",
            "{tls}", "{Host}",
        ]
    )
    func refused(text: String) {
        #expect(throws: TemplateFault.self) { try Self.parse(text) }
    }

    @Test(
        "a template printed and read again is the same",
        arguments: [
            "", "a", "{host}", "{{", "{{host}}", "{\"a\": \"{host}\"}", "$", "$$", "{{}}",
            "a {header.user-agent} b\n", "100 %",
            "{pool}{server}{tls.subject}{tls.san}{tls.fingerprint}{cookie.A}", "}{{{{}",
        ]
    )
    func roundTrip(text: String) throws {
        let template = Template(segments: try Self.parse(text))
        #expect(try Self.parse(template.source) == template.segments)
    }

    @Test("what comes from the environment is no template")
    func environment() throws {
        let result = load(
            "listen: \":1\"\nroutes: [{respond: {body: \"${A}{host}$${host}\"}}]",
            environment: ["A": "{method}$"]
        )
        #expect(render(result.diagnostics) == "")
        let config = try #require(result.config)
        var answer = FixedAnswer()
        answer.body = .template(
            Template(segments: [
                .literal("{method}$"), .variable(.host), .literal("${host}"),
            ])
        )
        #expect(config.routes[0].action == .respond(answer))
        let printed = effectiveYAML(of: config)
        #expect(!printed.contains("{method}"), "the environment is shown")
        #expect(load(printed, environment: ["A": "{method}$"]).config == config)
        guard case .respond(let found) = config.routes[0].action,
            case .template(let body) = found.body
        else { return }
        let again = load(
            "listen: \":1\"\nroutes: [{respond: {body: \"\(body.source)\"}}]"
        ).config
        #expect(again?.routes.first?.action == .respond(answer), "\(body.source)")
    }
}
