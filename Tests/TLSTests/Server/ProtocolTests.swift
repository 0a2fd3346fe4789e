import COpenSSL
import Testing

@testable import TLS

@Suite("The protocol is chosen by the server")
struct ProtocolTests {
    private func pair(_ offered: [String], http2: Bool) throws -> Pair {
        let client = RawClient()
        client.protocols = offered
        let context = try Servers.context { $0.http2 = http2 }
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        return pair
    }

    private func chosen(_ pair: Pair) -> String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(pair.client.connection.ssl, &name, &count)
        return name.map {
            String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self)
        }
    }

    @Test(
        "HTTP/2 goes first where it is spoken",
        arguments: [
            (["http/1.1", "h2"], true, "h2"), (["http/1.1", "h2"], false, "http/1.1"),
            (["h3", "http/1.0"], true, "http/1.0"), ([], true, nil),
            (["http/1.1"], true, "http/1.1"),
        ] as [([String], Bool, String?)]
    )
    func choice(offered: [String], http2: Bool, name: String?) throws {
        let pair = try pair(offered, http2: http2)
        #expect(pair.isDone && chosen(pair) == name)
        #expect(pair.server.connection.isHTTP2 == (name == "h2"))
        #expect(pair.client.connection.isHTTP2 == (name == "h2"))
    }

    @Test("a client that offers only other protocols is refused")
    func none() throws {
        let pair = try pair(["h3", "acme-tls/1", "h2c"], http2: true)
        #expect(pair.server.failure?.kind == .noCommonProtocol)
        #expect(pair.client.failure?.text.contains("no_application_protocol") == true)
        #expect(try self.pair(["h2"], http2: false).server.failure?.kind == .noCommonProtocol)
    }

    @Test("lists that end in the middle of a name hold nothing more")
    func lists() {
        let name = Array("h2".utf8)
        func position(_ list: [UInt8]) -> Int? {
            list.withUnsafeBufferPointer { ALPN.position(of: name, in: $0) }
        }
        #expect(position(ALPN.list(["h2"])) == 1)
        #expect(position(ALPN.list(["http/1.1", "h2"])) == 10)
        #expect(position([2, 104]) == nil)
        #expect(position([0, 0, 2]) == nil)
        #expect(position([0, 0, 2, 104, 50]) == 3)
        #expect(position([]) == nil)
        #expect(position([3, 104, 50, 99]) == nil)
    }
}
