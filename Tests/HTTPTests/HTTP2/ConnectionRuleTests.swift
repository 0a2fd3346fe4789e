import HTTP
import Testing

/// Bytes behind a client's first words, and what they must come to.
struct ConnectionCase: CustomTestStringConvertible, Sendable {
    var what: String
    /// The last frame that the server sends.
    var answer: String
    var frames: [RawFrame]

    var testDescription: String { what }

    init(_ what: String, _ answer: String, _ frames: RawFrame...) {
        self.what = what
        self.answer = answer
        self.frames = frames
    }
}

private let open = RawFrame.headers(1, post(), RawFrame.endHeaders)
private let ended = RawFrame.headers(1, get())

/// RFC 9113 §4 to §6 and RFC 7541 for a server: what ends a connection or a stream.
private let cases: [ConnectionCase] = [
    // §4.2: sizes
    ConnectionCase(
        "a frame larger than allowed",
        "goaway 1 6",
        open,
        RawFrame(type: 0, stream: 1, payload: [UInt8](repeating: 0, count: 16_385))
    ),
    ConnectionCase(
        "a head larger than allowed",
        "goaway 0 6",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [UInt8](repeating: 0, count: 16_385))
    ),
    ConnectionCase(
        "a CONTINUATION larger than allowed",
        "goaway 1 6",
        .headers(1, get(), RawFrame.endStream),
        .continuation(1, [UInt8](repeating: 0, count: 16_385))
    ),
    ConnectionCase("SETTINGS of an odd size", "goaway 0 6", RawFrame(type: 4, payload: [0, 1, 2])),
    ConnectionCase("PING of another size", "goaway 0 6", RawFrame(type: 6, payload: [1])),
    ConnectionCase(
        "PRIORITY of another size",
        "goaway 0 6",
        RawFrame(type: 2, stream: 1, payload: [0])
    ),
    ConnectionCase(
        "RST_STREAM of another size",
        "goaway 1 6",
        open,
        RawFrame(type: 3, stream: 1, payload: [0])
    ),
    ConnectionCase("WINDOW_UPDATE of another size", "goaway 0 6", RawFrame(type: 8, payload: [0])),
    ConnectionCase("GOAWAY too short", "goaway 0 6", RawFrame(type: 7, payload: [0])),
    ConnectionCase(
        "an answer to SETTINGS with a payload",
        "goaway 0 6",
        RawFrame(type: 4, flags: 1, payload: [0, 1, 0, 0, 0, 0])
    ),
    // §4.3: heads
    ConnectionCase(
        "a head that cannot be decompressed",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x80])
    ),
    ConnectionCase(
        "a head with nothing remembered at its index",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0xff, 0x20])
    ),
    ConnectionCase(
        "a head that breaks off",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x00, 0x05, 0x61])
    ),
    ConnectionCase(
        "too large a table",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x3f, 0xe2, 0x1f])
    ),
    ConnectionCase(
        "a change of the table behind a field",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x82, 0x20])
    ),
    ConnectionCase(
        "Huffman's code with EOS",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00])
    ),
    ConnectionCase(
        "Huffman's code padded by more than seven bits",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x00, 0x82, 0x1f, 0xff, 0x00])
    ),
    ConnectionCase(
        "Huffman's code padded with zeros",
        "goaway 1 9",
        RawFrame(type: 1, flags: 5, stream: 1, payload: [0x00, 0x81, 0x18, 0x00])
    ),
    ConnectionCase(
        "a number without end",
        "goaway 1 9",
        RawFrame(
            type: 1,
            flags: 5,
            stream: 1,
            payload: [0x00, 0x7f] + [UInt8](repeating: 0xff, count: 12)
        )
    ),
    ConnectionCase("another frame within a head", "goaway 1 1", .headers(1, get(), 1), .ping()),
    ConnectionCase(
        "another stream's CONTINUATION",
        "goaway 1 1",
        .headers(1, get(), 1),
        .continuation(3, [])
    ),
    // §5.1: states of streams
    ConnectionCase("DATA of a stream not opened", "goaway 0 1", .data(1, "a")),
    ConnectionCase("RST_STREAM of a stream not opened", "goaway 0 1", .reset(1)),
    ConnectionCase("WINDOW_UPDATE of a stream not opened", "goaway 0 1", .windowUpdate(1, 1)),
    ConnectionCase("CONTINUATION without a head", "goaway 0 1", .continuation(1, block(get()))),
    ConnectionCase("CONTINUATION behind a whole head", "goaway 1 1", ended, .continuation(1, [])),
    ConnectionCase("DATA behind the end", "goaway 1 5", ended, .data(1, "a")),
    ConnectionCase("HEADERS behind the end", "goaway 1 5", ended, .headers(1, get())),
    ConnectionCase("DATA behind a reset", "goaway 1 5", open, .reset(1), .data(1, "a")),
    ConnectionCase("HEADERS behind a reset", "goaway 1 5", open, .reset(1), .headers(1, get())),
    ConnectionCase("DATA of the server's own stream", "goaway 0 1", .data(2, "a")),
    // §5.1.1: numbers
    ConnectionCase("a stream of an even number", "goaway 0 1", .headers(2, get())),
    ConnectionCase("a head on no stream", "goaway 0 1", .headers(0, get())),
    ConnectionCase(
        "a number that was passed over",
        "goaway 5 1",
        .headers(5, get()),
        .headers(3, get())
    ),
    ConnectionCase(
        "DATA of a number that was passed over",
        "goaway 5 1",
        .headers(5, get()),
        .data(3, "a")
    ),
    // §5.3: a stream that depends on itself
    ConnectionCase("PRIORITY on itself", "goaway 0 1", .priority(3, on: 3)),
    ConnectionCase(
        "a head with priority on itself",
        "goaway 0 1",
        RawFrame(type: 1, flags: 0x25, stream: 1, payload: bigEndian(1) + [1] + block(get()))
    ),
    // §6.1 to §6.10: frames
    ConnectionCase("DATA on no stream", "goaway 0 1", .data(0, "a")),
    ConnectionCase(
        "DATA of more padding than payload",
        "goaway 1 1",
        open,
        RawFrame(type: 0, flags: 8, stream: 1, payload: [5, 0])
    ),
    ConnectionCase(
        "a head of more padding than payload",
        "goaway 0 1",
        RawFrame(type: 1, flags: 0xd, stream: 1, payload: [200] + block(get()))
    ),
    ConnectionCase("PRIORITY on no stream", "goaway 0 1", .priority(0, on: 3)),
    ConnectionCase("RST_STREAM on no stream", "goaway 0 1", .reset(0)),
    ConnectionCase("SETTINGS on a stream", "goaway 0 1", RawFrame(type: 4, stream: 1)),
    ConnectionCase("an answer to SETTINGS that never were", "goaway 0 1", .settingsAnswer),
    ConnectionCase("ENABLE_PUSH of 2", "goaway 0 1", .settings([(2, 2)])),
    ConnectionCase("too large an initial window", "goaway 0 3", .settings([(4, 0x8000_0000)])),
    ConnectionCase("too small a largest frame", "goaway 0 1", .settings([(5, 16_383)])),
    ConnectionCase("too large a largest frame", "goaway 0 1", .settings([(5, 16_777_216)])),
    ConnectionCase("ENABLE_CONNECT_PROTOCOL of 2", "goaway 0 1", .settings([(8, 2)])),
    ConnectionCase(
        "PUSH_PROMISE of a client",
        "goaway 1 1",
        open,
        RawFrame(type: 5, flags: 4, stream: 1, payload: bigEndian(2) + block(get()))
    ),
    ConnectionCase(
        "PING on a stream",
        "goaway 0 1",
        RawFrame(type: 6, stream: 1, payload: [UInt8](repeating: 0, count: 8))
    ),
    ConnectionCase(
        "GOAWAY on a stream",
        "goaway 0 1",
        RawFrame(type: 7, stream: 1, payload: bigEndian(0) + bigEndian(0))
    ),
    ConnectionCase("WINDOW_UPDATE of 0", "goaway 0 1", .windowUpdate(0, 0)),
    ConnectionCase("WINDOW_UPDATE of 0 of a stream", "goaway 1 1", open, .windowUpdate(1, 0)),
    ConnectionCase("a window beyond 2^31 - 1", "goaway 0 3", .windowUpdate(0, 0x7fff_ffff)),
    ConnectionCase(
        "a stream's window beyond 2^31 - 1",
        "reset 1 3",
        open,
        .windowUpdate(1, 0x7fff_ffff)
    ),
    ConnectionCase(
        "a stream's window beyond 2^31 - 1 by SETTINGS",
        "goaway 1 3",
        open,
        .windowUpdate(1, 0x7fff_0000),
        .settings([(4, 0x7fff_ffff)])
    ),
    ConnectionCase(
        "more than the stream's window",
        "reset 1 3",
        open,
        .data(1, String(repeating: "a", count: 16_000)),
        .data(1, String(repeating: "a", count: 1000))
    ),
]

private let harmlessCases: [ConnectionCase] = [
    ConnectionCase("an unknown frame", "", RawFrame(type: 0xfa, stream: 7, payload: [1])),
    ConnectionCase("an unknown setting", "settings ack", .settings([(0xfafa, 1)])),
    ConnectionCase(
        "unknown flags",
        "ping ack",
        RawFrame(type: 6, flags: 0xfe, payload: [UInt8](repeating: 0, count: 8))
    ),
    ConnectionCase("PRIORITY of a stream not opened", "", .priority(9, on: 7)),
    ConnectionCase(
        "the reserved bit",
        "ping ack",
        RawFrame(type: 6, stream: 0x8000_0000, payload: [UInt8](repeating: 0, count: 8))
    ),
    ConnectionCase("WINDOW_UPDATE behind the end", "", ended, .windowUpdate(1, 1)),
    ConnectionCase("RST_STREAM behind a reset", "", open, .reset(1), .reset(1)),
    ConnectionCase("WINDOW_UPDATE behind a reset", "", open, .reset(1), .windowUpdate(1, 1)),
    ConnectionCase("PRIORITY behind a reset", "", open, .reset(1), .priority(1, on: 0)),
    ConnectionCase(
        "padding",
        "",
        open,
        RawFrame(type: 0, flags: 9, stream: 1, payload: [2, 0x61, 0, 0])
    ),
]

/// What ends a connection, and what must not.
@Suite struct ConnectionRuleTests {
    private func server() throws -> HTTP2Peer {
        var options = HTTP2Options(headLimits: someLimits)
        options.streamWindow = 16_384
        return try HTTP2Peer.server(options: options)
    }

    @Test("a client that breaks the protocol is told so", arguments: cases)
    func broken(_ test: ConnectionCase) throws {
        let bytes = test.frames.flatMap(\.bytes)
        let peer = try server()
        peer.receive(bytes)
        #expect(peer.sent().last == test.answer)
        #expect(peer.connection.isOver == test.answer.hasPrefix("goaway"))
        // Byte by byte it is the same.
        let slow = try server()
        slow.receive(bytes, cuts: Array(0..<bytes.count))
        #expect(slow.sent().last == test.answer)
    }

    @Test("what does not begin as HTTP/2 does is no connection")
    func preface() throws {
        for text in ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"] {
            let peer = try HTTP2Peer()
            peer.receive(Array(text.utf8))
            #expect(peer.sent() == ["settings", "goaway 0 1"])
            #expect(peer.connection.isOver)
        }
        let peer = try HTTP2Peer()
        peer.receive(HTTPTests.preface + RawFrame.ping().bytes)
        #expect(peer.sent() == ["settings", "goaway 0 1"])
    }

    @Test("what must be passed over is", arguments: harmlessCases)
    func passedOver(_ test: ConnectionCase) throws {
        let peer = try server()
        peer.receive(test.frames.flatMap(\.bytes))
        let sent = peer.sent()
        #expect(sent.last ?? "" == test.answer)
        let events = peer.receive(.headers(11, get()))
        #expect(events.last?.hasPrefix("head 11") == true)
    }

    @Test("a client that takes its leave is served to the end")
    func clientLeaves() throws {
        let peer = try server()
        peer.receive(.headers(1, get()))
        #expect(peer.receive(.goAway(0)) == ["goAway 0 0"])
        #expect(!peer.connection.isOver)
        peer.respond(1, "HTTP/1.1 204 No Content\r\n\r\n")
        #expect(peer.sent() == ["headers 1 :status=204 end"])
        #expect(peer.connection.isOver)
    }

    @Test("what both sides have reset is over for both")
    func resetByBoth() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, post(), RawFrame.endHeaders))
        peer.connection.reset(1, HTTP2Code.noError)
        _ = peer.sent()
        peer.receive(.data(1, "abc"), .reset(1))
        #expect(peer.sent().isEmpty)
        peer.receive(.data(1, "abc"))
        #expect(peer.sent() == ["goaway 1 5"])
    }

    @Test("padding longer than its frame is a fault whatever became of the stream")
    func paddingBehindReset() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, post(), RawFrame.endHeaders))
        peer.connection.reset(1, HTTP2Code.noError)
        _ = peer.sent()
        peer.receive(RawFrame(type: 0, flags: 8, stream: 1, payload: [3, 0, 0]).bytes)
        #expect(peer.sent() == ["goaway 1 1"])
    }

    @Test("frames that were on the way when this side reset a stream are passed over")
    func underWay() throws {
        let peer = try server()
        peer.receive(open)
        peer.connection.reset(1, HTTP2Code.cancel)
        _ = peer.sent()
        peer.receive(.data(1, "abc"), .headers(1, [("x", "1")]), .windowUpdate(1, 1), .reset(1))
        #expect(peer.sent() == [])
        #expect(peer.receive(.headers(3, get())).count == 1)
    }

    @Test("a window that SETTINGS makes smaller holds for streams that are open")
    func shrinkingWindow() throws {
        let peer = try HTTP2Peer.server([(4, 10)])
        peer.receive(.headers(1, get()))
        peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        #expect(peer.send(1, "0123456789ab").1 == 10)
        peer.receive(.settings([(4, 5)]))
        peer.receive(.windowUpdate(1, 5))
        #expect(peer.send(1, "ab").1 == 0, "the window is 0 now, having been -5")
        peer.receive(.windowUpdate(1, 1))
        #expect(peer.send(1, "ab").1 == 1)
    }

    @Test("frames are no larger than the client takes, and not larger than 16 KiB")
    func frameSize() throws {
        let peer = try HTTP2Peer.server([(4, 1 << 20), (5, 1 << 20)])
        peer.receive(.headers(1, get()), .windowUpdate(0, 1 << 20))
        peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        let frames = peer.send(1, String(repeating: "a", count: 40_000)).0
        #expect(frames.dropFirst().map { $0.utf8.count - 7 } == [16_384, 16_384, 7232])
    }
}
