import Testing

@testable import Control

@Suite("Paths of the admin API")
struct AdminRouterTests {
    private let router = AdminRouter(operations: [
        .init(path: "/stats", method: "GET") { _, _ in
            AdminResponse(type: "text/plain", "stats")
        },
        .init(path: "/pools/{pool}/servers/{server}", method: "PATCH") { _, values in
            AdminResponse(type: "text/plain", values.joined(separator: "|"))
        },
        .init(path: "/pools/{pool}/servers/{server}", method: "GET") { _, _ in
            AdminResponse(type: "text/plain", "read")
        },
    ])

    private func ask(_ method: String, _ path: String) -> (status: Int, body: String, String?) {
        let request = AdminRequest(
            method: method,
            path: path,
            query: "",
            host: "localhost",
            fields: [],
            body: []
        )
        do throws(AdminProblem) {
            let response = try router.answer(request)
            let allowed = response.fields.first { $0.name == "allow" }?.value
            return (response.status, String(decoding: response.body, as: UTF8.self), allowed)
        } catch {
            return (error.status, error.title, error.fields["allow"])
        }
    }

    @Test(
        "values are decoded and keep what belongs to them",
        arguments: [
            ("/pools/a/servers/10.0.0.1:80", "a|10.0.0.1:80"),
            ("/pools/a%2fb/servers/%5B%3A%3A1%5D%3A80", "a/b|[::1]:80"),
            ("/pools/grün/servers/x%20y", "grün|x y"),
        ]
    )
    func values(path: String, expected: String) {
        #expect(ask("PATCH", path).body == expected)
    }

    @Test(
        "what is not there",
        arguments: [
            "/", "/stats/", "/Stats", "/pools", "/pools/a/servers", "/pools/a/servers/b/",
            "/pools/a/servers/b/c", "/pools//servers/b",
        ]
    )
    func missing(path: String) {
        #expect(ask("GET", path).status == 404)
    }

    @Test("methods that a path does not take are named")
    func methods() {
        #expect(ask("DELETE", "/stats") == (405, "the method is not allowed", "GET, HEAD, OPTIONS"))
        let (status, _, allowed) = ask("PUT", "/pools/a/servers/b")
        #expect(status == 405 && allowed == "PATCH, GET, HEAD, OPTIONS")
        #expect(ask("OPTIONS", "/stats").status == 204)
        #expect(ask("HEAD", "/stats").body == "stats")
    }

    @Test("bad encodings are refused", arguments: ["/%", "/%4", "/%zz", "/%ff"])
    func encodings(path: String) {
        #expect(ask("GET", path).status == 400)
    }
}
