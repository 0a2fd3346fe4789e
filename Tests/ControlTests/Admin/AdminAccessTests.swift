import Configuration
import Testing

@testable import Control

@Suite("Who may ask the admin API for what")
struct AdminAccessTests {
    private static let token = Array("0123456789abcdef".utf8)

    private func request(
        _ method: String,
        _ path: String,
        host: String = "localhost",
        _ fields: [(name: String, value: String)] = []
    ) -> AdminRequest {
        AdminRequest(
            method: method,
            path: path,
            query: "",
            host: host,
            fields: fields,
            body: []
        )
    }

    private func status(_ access: AdminAccess, _ request: AdminRequest) -> Int {
        do throws(AdminProblem) {
            try access.check(request)
            return 200
        } catch {
            return error.status
        }
    }

    @Test(
        "a token opens everything, and nothing else does",
        arguments: [
            (nil, 401), ("Bearer 0123456789abcdef", 200), ("bearer  0123456789abcdef", 200),
            ("Bearer 0123456789abcde", 401), ("Bearer 0123456789abcdef0", 401), ("Bearer ", 401),
            ("Basic 0123456789abcdef", 401), ("0123456789abcdef", 401), ("", 401),
        ]
    )
    func tokens(value: String?, expected: Int) {
        let access = AdminAccess(token: Self.token, isPublic: [.health], isUnix: false)
        let fields = value.map { [(name: "authorization", value: $0)] } ?? []
        for path in ["/stats", "/metrics", "/livez/", "/pools/a"] {
            #expect(status(access, request("GET", path, fields)) == expected)
        }
        #expect(status(access, request("POST", "/drain", host: "lb.test", fields)) == expected)
        for path in ["/livez", "/healthz", "/readyz", "/"] {
            #expect(status(access, request("GET", path)) == 200)
            #expect(status(access, request("POST", path)) == 401)
        }
    }

    @Test(
        "names of this machine",
        arguments: [
            ("localhost", true), ("LocalHost:80", true), ("localhost.", true), ("127.0.0.1", true),
            ("127.255.0.9:1", true), ("[::1]", true), ("[::1]:80", true), ("", false),
            ("example.test", false), ("localhost.example.test", false), ("127.0.0.1.test", false),
            ("10.0.0.1", false), ("[::2]", false), ("[::1", false), ("0.0.0.0", false),
        ]
    )
    func local(host: String, expected: Bool) {
        #expect(AdminAccess.isLocal(host) == expected)
        let access = AdminAccess(token: nil, isPublic: [.health], isUnix: false)
        #expect(status(access, request("GET", "/stats", host: host)) == (expected ? 200 : 403))
        let unix = AdminAccess(token: nil, isPublic: [.health], isUnix: true)
        #expect(status(unix, request("GET", "/stats", host: host)) == 200)
    }

    @Test("pages of the API's own scheme alone may change something")
    func origins() {
        for (isSecure, origin, expected) in [
            (false, "http://localhost:9900", 200), (false, "https://localhost:9900", 403),
            (true, "https://localhost:9900", 200), (true, "http://localhost:9900", 403),
            (true, "HTTPS://LocalHost:9900", 200), (true, "https://localhost", 403),
            (true, "null", 403),
        ] {
            let access = AdminAccess(
                token: nil,
                isPublic: [.health],
                isUnix: false,
                isSecure: isSecure
            )
            let fields = [(name: "origin", value: origin)]
            let asked = request("POST", "/drain", host: "localhost:9900", fields)
            #expect(status(access, asked) == expected, "\(isSecure) \(origin)")
        }
    }

    @Test("tokens are compared byte by byte, whatever their lengths")
    func comparison() {
        #expect(AdminAccess.areEqual(Self.token, Self.token))
        #expect(!AdminAccess.areEqual([], Self.token))
        #expect(!AdminAccess.areEqual(Self.token + Self.token, Self.token))
        for index in Self.token.indices {
            var other = Self.token
            other[index] ^= 1
            #expect(!AdminAccess.areEqual(other, Self.token))
        }
    }
}
