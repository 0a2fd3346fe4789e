import Configuration
import Testing

@testable import Control

@Suite("Changes of servers")
struct ServerChangeTests {
    @Test("what a body says")
    func bodies() throws {
        let change = try ServerChange(json: Array(#" {"state":"drain" , "weight" : 3.0e0} "#.utf8))
        #expect(change.state == .drain && change.weight == 3)
        let escaped = try ServerChange(json: Array(#"{"\u0073tate":"dow\u006e"}"#.utf8))
        #expect(escaped.state == .down && escaped.weight == nil)
    }

    @Test("a change keeps what it leaves out, and its server's name")
    func merging() throws {
        var changes = ServerChanges()
        let server = ServerConfig(name: "a", address: .unix(path: "/a"))
        changes.change(pool: "p", server: "a", try ServerChange(json: Array(#"{"weight":5}"#.utf8)))
        changes.change(
            pool: "p",
            server: "a",
            try ServerChange(json: Array(#"{"state":"drain"}"#.utf8))
        )
        let applied = changes.applied(to: [server, nil], pool: "p")
        #expect(applied[0]?.weight == 5 && applied[0]?.state == .drain && applied[1] == nil)
        #expect(changes.version(pool: "p", server: "a") == 2)
        #expect(changes.applied(to: [server], pool: "other") == [server])
    }

    @Test("what is other than the file says is told, and null gives it back")
    func words() throws {
        var changes = ServerChanges()
        var server = ServerConfig(name: "a", address: .unix(path: "/a"))
        server.weight = 3
        func change(_ body: String) throws {
            changes.change(pool: "p", server: "a", try ServerChange(json: Array(body.utf8)))
        }
        try change(#"{"weight":7,"state":"ready"}"#)
        #expect(changes.words(pool: "p", server) == "weight 7 by the operator (file: 3)")
        try change(#"{"weight":null}"#)
        #expect(changes.words(pool: "p", server) == nil)
        #expect(changes.isChanged(pool: "p", server) && changes.all.count == 1)
        try change(#"{"state":null}"#)
        // It goes along all the same: it may keep a host name's change from an address.
        #expect(!changes.isChanged(pool: "p", server) && changes.all.count == 1)
        #expect(changes.applied(to: [server], pool: "p") == [server])
        #expect(changes.version(pool: "p", server: "a") == 3)
    }

    @Test(
        "numbers as text",
        arguments: [
            (0, "0"), (1.5, "1.5"), (-2, "-2"), (0.000001, "0.000001"), (1e-9, "0"),
            (12.345678, "12.345678"),
            (.infinity, "0"), (.nan, "0"), (1e20, "0"), (1e9, "1000000000"),
        ]
    )
    func numbers(value: Double, text: String) {
        #expect(JSONValue.text(of: value) == text)
    }
}
