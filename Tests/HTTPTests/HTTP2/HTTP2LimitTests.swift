import HTTP
import Testing

private let floodCases: [(String, RawFrame)] = [
    ("PING", .ping()), ("PING answers", .ping(RawFrame.acknowledges)),
    ("SETTINGS", .settings()),
    ("PRIORITY", .priority(3, on: 0)), ("empty DATA", .data(1, "")),
    ("padding alone", RawFrame(type: 0, flags: 8, stream: 1, payload: [2, 0, 0])),
    ("unknown frames", RawFrame(type: 0xfa)), ("WINDOW_UPDATE", .windowUpdate(0, 1)),
    ("WINDOW_UPDATE of a stream", .windowUpdate(1, 1)),
    ("resets of closed streams", .reset(3)),
]

/// Heads beyond the limits, floods, and compression bombs.
@Suite struct HTTP2LimitTests {
    private func longHead(_ size: Int) -> [(String, String)] {
        // As HTTP/1 has it: what stands around the values is counted.
        let rest = get().reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 }
        return get("/", [("x", String(repeating: "v", count: size - rest - 5))])
    }

    @Test("a head of the limit's size is taken, one byte more is to be answered with 431")
    func headSize() throws {
        let peer = try HTTP2Peer.server()
        #expect(peer.receive(.headers(1, longHead(4096))).first?.hasPrefix("head 1") == true)
        #expect(peer.receive(.headers(3, longHead(4097))) == ["reject 3 431 end"])
        peer.respond(3, "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n")
        #expect(peer.sent() == ["headers 3 :status=431 end"])
    }

    @Test("the number of fields and the length of the target have limits of their own")
    func otherLimits() throws {
        let peer = try HTTP2Peer.server()
        // :authority is one too, as Host is.
        let fields = (0..<39).map { ("x\($0)", "") }
        #expect(peer.receive(.headers(1, get("/", fields))).first?.hasPrefix("head") == true)
        #expect(peer.receive(.headers(3, get("/", fields + [("y", "")]))) == ["reject 3 431 end"])
        let path = "/" + String(repeating: "p", count: 1023)
        #expect(peer.receive(.headers(5, get(path))).first?.hasPrefix("head") == true)
        #expect(peer.receive(.headers(7, get(path + "p"))) == ["reject 7 414 end"])
    }

    @Test("a body behind a head that is too large is dropped, and trailers too large are a fault")
    func rejectedBody() throws {
        let peer = try HTTP2Peer.server()
        let head = RawFrame.headers(1, longHead(5000), RawFrame.endHeaders)
        #expect(peer.receive(head, .data(1, "abc")) == ["reject 1 431"])
        peer.respond(1, "HTTP/1.1 431 Too Large\r\n\r\n")
        #expect(peer.sent() == ["headers 1 :status=431 end", "reset 1 0"])
        peer.receive(.headers(3, post(), RawFrame.endHeaders))
        let long = [("x", String(repeating: "v", count: 4096))]
        #expect(peer.receive(.headers(3, long)) == ["malformed 3 tooLarge"])
        #expect(peer.sent() == ["reset 3 1"])
    }

    @Test("a head that unfolds without end costs no memory and leaves HPACK in step")
    func bomb() throws {
        let peer = try HTTP2Peer.server()
        // A field of 4,000 bytes is remembered, then named ten thousand times, a byte each.
        let value = [UInt8](repeating: 0x76, count: 4000)
        let first = block(get()) + [0x40] + literal([0x78]) + literal(value)
        peer.receive(RawFrame(type: 1, flags: 5, stream: 1, payload: first).bytes)
        let bomb = block(get()) + [UInt8](repeating: 0x80 | 62, count: 10_000)
        #expect(
            peer.receive(RawFrame(type: 1, flags: 5, stream: 3, payload: bomb).bytes)
                == ["reject 3 431 end"]
        )
        #expect(peer.connection.text.count < 8192)
        let again = block(get()) + [0x80 | 62]
        let events = peer.receive(RawFrame(type: 1, flags: 5, stream: 5, payload: again).bytes)
        let head = "GET / HTTP/1.1\r\nhost: a.example\r\nx: "
        #expect(events == ["head 5 \(head)\(String(repeating: "v", count: 4000))\r\n\r\n end"])
    }

    @Test("many heads that unfold end the connection")
    func bombs() throws {
        let peer = try HTTP2Peer.server()
        let value = [UInt8](repeating: 0x76, count: 4000)
        let first = block(get()) + [0x40] + literal([0x78]) + literal(value)
        peer.receive(RawFrame(type: 1, flags: 5, stream: 1, payload: first).bytes)
        let bomb = block(get()) + [UInt8](repeating: 0x80 | 62, count: 10_000)
        var answers: [String] = []
        for stream: UInt32 in [3, 5, 7] {
            let frame = RawFrame(type: 1, flags: 5, stream: stream, payload: bomb)
            answers += peer.receive(frame.bytes)
        }
        #expect(answers == ["reject 3 431 end", "reject 5 431 end"])
        #expect(peer.sent().last?.hasSuffix(" 11") == true)
    }

    @Test("a request whose stream is over before anybody has looked at it says so")
    func gone() throws {
        let peer = try HTTP2Peer.server()
        let all = [RawFrame.headers(1, get()), .headers(3, get()), .reset(1)].flatMap(\.bytes)
        peer.receive(all)
        #expect((0..<3).map { peer.connection.event($0).isGone } == [true, false, false])
        // One that was looked at learns of it by the event that follows.
        peer.receive(.headers(5, get()))
        peer.connection.setToken(7, ofStreamAt: 0)
        #expect(peer.receive(.reset(5)) == ["reset 5 8 #7"])
        // The same holds where this side resets it.
        let faulty = [RawFrame.headers(7, get()), .windowUpdate(7, 1 << 31 - 1)].flatMap(\.bytes)
        peer.receive(faulty)
        #expect(peer.connection.event(0).isGone)
        let long = [RawFrame.headers(9, post([("content-length", "1")]), RawFrame.endHeaders)]
        peer.receive((long + [.data(9, "ab")]).flatMap(\.bytes))
        #expect(peer.connection.event(0).isGone)
    }

    @Test("a head counts as begun until its last CONTINUATION is there")
    func insideHead() throws {
        let peer = try HTTP2Peer.server()
        let head = RawFrame.headers(1, get(), RawFrame.endStream).bytes
        let rest = RawFrame.continuation(1, [], RawFrame.endHeaders).bytes
        #expect(!peer.connection.isInsideHead)
        peer.receive(Array(head.dropLast()))
        #expect(peer.connection.isInsideHead)
        peer.receive(Array(head.suffix(1)))
        #expect(peer.connection.isInsideHead)
        peer.receive(rest)
        #expect(!peer.connection.isInsideHead)
    }

    @Test("floods end the connection, and what the budget allows does not", arguments: floodCases)
    func flood(_ what: String, _ frame: RawFrame) throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.budget = 50
        let peer = try HTTP2Peer.server(options: options)
        peer.receive(.headers(1, post(), RawFrame.endHeaders), .headers(3, get()), .reset(3))
        peer.now = 2_000_000_000
        // Two of WINDOW_UPDATE are free.
        let most = frame.type == 8 ? 52 : 50
        for _ in 0..<most { peer.receive(frame) }
        #expect(!peer.sent().contains { $0.hasPrefix("goaway") })
        peer.now += 1_000_000_000
        for _ in 0..<50 { peer.receive(frame) }
        #expect(!peer.sent().contains { $0.hasPrefix("goaway") })
        peer.receive(frame)
        #expect(peer.sent().last == "goaway 3 11")
        #expect(peer.connection.isOver)
    }

    @Test("a budget does not depend on how the frames arrive")
    func floodAtOnce() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.budget = 50
        let peer = try HTTP2Peer.server(options: options)
        peer.now = 2_000_000_000
        let bytes = (0..<50).flatMap { _ in RawFrame.ping().bytes }
        peer.receive(bytes)
        #expect(peer.sent() == [String](repeating: "ping ack", count: 50))
        peer.now += 1_000_000_000
        peer.receive(bytes + RawFrame.ping().bytes)
        #expect(peer.sent() == ["goaway 0 11"])
    }

    @Test("requests that the client resets at once run into the budget")
    func rapidReset() throws {
        let peer = try HTTP2Peer.server()
        var heads = 0
        for index in 0..<300 {
            let stream = UInt32(index * 2 + 1)
            let events = peer.receive(.headers(stream, get()), .reset(stream))
            heads += events.filter { $0.hasPrefix("head") }.count
        }
        #expect(heads > 190 && heads <= 201)
        #expect(peer.sent().last?.hasSuffix(" 11") == true)
    }

    @Test("streams that have to be reset for their own fault run into it too")
    func madeYouReset() throws {
        var sent: [String] = []
        let peer = try HTTP2Peer.server()
        for index in 0..<300 {
            peer.receive(.headers(UInt32(index * 2 + 1), get("")))
            sent += peer.sent()
        }
        #expect(sent.filter { $0.hasPrefix("reset") }.count > 190)
        #expect(sent.last?.hasSuffix(" 11") == true)
    }

    @Test("CONTINUATION without end is stopped, be its head wanted or not")
    func continuation() throws {
        for stream: UInt32 in [1, 3] {
            var options = HTTP2Options(headLimits: someLimits)
            options.budget = 5
            let peer = try HTTP2Peer.server(options: options)
            peer.now = 2_000_000_000
            peer.receive(.headers(1, post(), RawFrame.endHeaders))
            if stream == 1 { peer.connection.reset(1, 2) }
            peer.receive(.headers(stream, [("x", "1")], 0))
            for _ in 0..<8 { peer.receive(.continuation(stream, [], 0)) }
            #expect(peer.sent().last?.hasSuffix(" 11") == true)
            #expect(peer.connection.isOver)
        }
    }

    @Test("WINDOW_UPDATE is free as often as twice per DATA frame sent")
    func windowUpdates() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.budget = 5
        let peer = try HTTP2Peer.server(options: options)
        peer.now = 2_000_000_000
        peer.receive(.headers(1, get()))
        peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        for _ in 0..<100 {
            _ = peer.send(1, "abc")
            peer.receive(.windowUpdate(1, 3), .windowUpdate(0, 3))
        }
        #expect(peer.connection.endCode == nil)
        #expect(peer.connection.streamCount == 1)
    }

    @Test("more streams than allowed end the connection, or are refused as long as it is news")
    func streams() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.streams = 2
        let peer = try HTTP2Peer(options: options)
        // The client has not acknowledged the limit yet; its DATA may be on the way.
        peer.receive(opening())
        _ = peer.sent()
        let events = peer.receive(
            .headers(1, get()),
            .headers(3, get()),
            .headers(5, post(), RawFrame.endHeaders),
            .data(5, "abc")
        )
        #expect(events.count == 2)
        #expect(peer.sent() == ["reset 5 7"])
        peer.receive(.settingsAnswer, .headers(7, get()))
        #expect(peer.sent() == ["goaway 3 1"])
    }
}
