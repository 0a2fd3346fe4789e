import HTTP
import Testing

/// WebSockets over HTTP/2 (RFC 8441), and what no compression may remember (RFC 7541 §6.2.3).
@Suite struct WebSocketTests {
    private func connect(_ more: [(String, String)] = [], to protocolName: String = "websocket")
        -> [(String, String)]
    {
        [
            (":method", "CONNECT"), (":protocol", protocolName), (":scheme", "https"),
            (":path", "/chat?x"), (":authority", "a.example"),
        ] + more
    }

    @Test("a server says that it takes extended CONNECT, unless it does not")
    func setting() throws {
        for allows in [true, false] {
            var options = HTTP2Options(headLimits: someLimits)
            options.allowsWebSocket = allows
            let peer = try HTTP2Peer(options: options)
            let bytes = peer.bytesSent()
            let entries = stride(from: 9, to: 9 + Int(bytes[2]), by: 6).map {
                Array(bytes[$0..<$0 + 6])
            }
            #expect(entries.contains([0, 8, 0, 0, 0, 1]) == allows)
            #expect(entries.contains([0, 3, 0, 0, 0, 128]))
            #expect(entries.contains([0, 9, 0, 0, 0, 1]))
        }
    }

    @Test("extended CONNECT is a request for an upgrade, which the parser of HTTP/1 takes as one")
    func request() throws {
        let peer = try HTTP2Peer.server()
        let fields = connect([("sec-websocket-version", "13"), ("sec-websocket-key", "mine")])
        let events = peer.receive(.headers(1, fields, RawFrame.endHeaders))
        let lines = try #require(events.first).split(separator: "\r\n")
        #expect(
            lines.dropLast(2) == [
                "head 1 GET /chat?x HTTP/1.1", "host: a.example", "sec-websocket-version: 13",
                "connection: upgrade", "upgrade: websocket",
            ]
        )
        #expect(lines.last == " websocket")
        let key = try #require(lines.dropLast().last).dropFirst("sec-websocket-key: ".count)
        #expect(key.count == 24 && key.hasSuffix("=="))
        let event = peer.connection.event(0)
        let range = Int(event.offset)..<Int(event.offset + event.count)
        let text = Array(peer.connection.text[range])
        var parser = RequestParser()
        var table = FieldTable(capacity: 40)
        let head = try parser.parse(text.span.bytes, into: &table, limits: someLimits)
        #expect(head?.upgrade == .websocket)
    }

    @Test("keys differ from stream to stream and from seed to seed")
    func keys() throws {
        var keys: Set<String> = []
        for seed: UInt64 in [1, 1 << 40] {
            var options = HTTP2Options(headLimits: someLimits)
            options.seed = seed
            let peer = try HTTP2Peer.server(options: options)
            for stream: UInt32 in [1, 3, 5] {
                let events = peer.receive(.headers(stream, connect(), RawFrame.endHeaders))
                keys.insert(String(events[0].suffix(60)))
            }
        }
        #expect(keys.count == 6)
    }

    @Test("101 becomes 200, and bytes go both ways until either side ends")
    func tunnel() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, connect(), RawFrame.endHeaders))
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        #expect(peer.respond(1, head, end: false))
        #expect(
            peer.send(1, "abc").0 == [
                "headers 1 :status=200 sec-websocket-protocol=chat", "data 1 abc",
            ]
        )
        #expect(peer.receive(.data(1, "de")) == ["data 1 de"])
        #expect(peer.receive(.data(1, "", RawFrame.endStream)) == ["end 1 end"])
        peer.finish(1)
        #expect(peer.sent() == ["data 1  end"])
        #expect(peer.connection.streamCount == 0)
    }

    @Test("a refusal keeps its status")
    func refusal() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, connect(), RawFrame.endHeaders))
        peer.connection.discardInput(1)
        #expect(peer.respond(1, "HTTP/1.1 403 Forbidden\r\n\r\n"))
        #expect(peer.sent() == ["headers 1 :status=403 end", "reset 1 0"])
    }

    @Test("other protocols are to be answered with 501, and none is known if none is allowed")
    func others() throws {
        let peer = try HTTP2Peer.server()
        let fields = connect(to: "connect-udp")
        #expect(peer.receive(.headers(1, fields, RawFrame.endHeaders)) == ["reject 1 501"])
        var options = HTTP2Options(headLimits: someLimits)
        options.allowsWebSocket = false
        let other = try HTTP2Peer.server(options: options)
        #expect(
            other.receive(.headers(1, connect(), RawFrame.endHeaders))
                == ["malformed 1 unknownPseudoField"]
        )
    }

    @Test(
        "extended CONNECT wants all that a request has",
        arguments: [":scheme", ":path", ":authority"]
    )
    func incomplete(_ missing: String) throws {
        let peer = try HTTP2Peer.server()
        let fields = connect().filter { $0.0 != missing }
        #expect(peer.receive(.headers(1, fields)) == ["malformed 1 missingPseudoField"])
    }

    @Test("names that nobody may remember stay so when a head is sent on")
    func sensitive() throws {
        let peer = try HTTP2Peer.server()
        let secret = block([("x-key", "1")], first: 0x10)
        let head = RawFrame(type: 1, flags: 5, stream: 1, payload: block(get()) + secret)
        peer.receive(head.bytes)
        let names = peer.connection.event(0).sensitive
        #expect(!names.isEmpty)
        let answer = Array(
            "HTTP/1.1 200 OK\r\nX-Key: 1\r\nOther: 2\r\nAuthorization: a\r\n\r\n".utf8
        )
        answer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            peer.connection.respond(1, base, bytes.count, endsStream: true, sensitive: names)
        }
        #expect(peer.sent() == ["headers 1 :status=200 !x-key=1 other=2 !authorization=a end"])
        peer.receive(.headers(3, get()))
        #expect(peer.connection.event(0).sensitive.isEmpty)
    }
}
