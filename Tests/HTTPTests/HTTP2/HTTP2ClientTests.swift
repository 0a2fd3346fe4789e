import HTTP
import Testing

private let malformedCases: [(HTTP2Flaw, [(String, String)], UInt8)] = [
    (.missingPseudoField, [("x", "1")], 5), (.missingPseudoField, [], 5),
    (.invalidStatus, [(":status", "20")], 5), (.invalidStatus, [(":status", "2000")], 5),
    (.invalidStatus, [(":status", "2x0")], 5), (.invalidStatus, [(":status", "099")], 5),
    (.invalidStatus, [(":status", "600")], 5), (.invalidStatus, [(":status", "101")], 4),
    (.interimEndsStream, [(":status", "100")], 5),
    (.unexpectedContentLength, [(":status", "100"), ("content-length", "1")], 4),
    (.unknownPseudoField, [(":status", "200"), (":path", "/")], 5),
    (.repeatedPseudoField, [(":status", "200"), (":status", "200")], 5),
    (.latePseudoField, [(":status", "200"), ("x", "1"), (":status", "200")], 5),
    (.connectionField, [(":status", "200"), ("connection", "close")], 5),
    (.upperCaseName, [(":status", "200"), ("X", "1")], 5),
    (.invalidValue, [(":status", "200"), ("x", "a\r\nb: c")], 5),
    (.bodyTooShort, [(":status", "200"), ("content-length", "1")], 5),
    (.tooLarge, [(":status", "200"), ("x", String(repeating: "v", count: 5000))], 5),
]

/// A client against frames made by hand.
@Suite struct HTTP2ClientTests {
    /// A client whose server has said its first words.
    private func client(
        _ settings: [(UInt16, UInt32)] = [],
        options: HTTP2Options = HTTP2Options(headLimits: someLimits)
    ) throws -> HTTP2Peer {
        let peer = try HTTP2Peer(.client, options: options)
        peer.receive(.settings(settings), .settingsAnswer)
        let bytes = peer.bytesSent()
        #expect(Array(bytes[..<24]) == HTTPTests.preface)
        return peer
    }

    private let usual = "GET /a?b HTTP/1.1\r\nHost: b.example\r\n\r\n"

    @Test("a request is sent with its pseudo-header fields and without those of the connection")
    func request() throws {
        let peer = try client()
        let head =
            "POST /a?b HTTP/1.1\r\nAccept: */*\r\nHost: b.example:8\r\nConnection: close\r\n"
            + "TE: trailers\r\nTransfer-Encoding: chunked\r\nAuthorization: x\r\n\r\n"
        #expect(peer.request(head, end: false, token: 5) == 1)
        peer.finish(1, trailers: "x: 1\r\n")
        #expect(
            peer.send(1, "abc").0 == [
                "headers 1 :method=POST :scheme=https :authority=b.example:8 :path=/a?b "
                    + "accept=*/* te=trailers !authorization=x",
                "data 1 abc", "headers 1 x=1 end",
            ]
        )
    }

    @Test("what every request has anew drives nothing out of the compression's memory")
    func requestIDs() throws {
        let peer = try client()
        for id in 0..<3 {
            peer.request("GET / HTTP/1.1\r\nhost: h\r\nX-Request-Id: \(id)\r\nx: y\r\n\r\n")
            let fields = ":method=GET :scheme=https :authority=h :path=/ !x-request-id=\(id) x=y"
            #expect(peer.sent() == ["headers \(id * 2 + 1) \(fields) end"])
        }
    }

    @Test("targets of all forms become paths")
    func targets() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.isSecure = false
        let peer = try client(options: options)
        let start = ":scheme=http :authority="
        let cases = [
            ("GET http://c.example/x?y HTTP/1.1", ":method=GET \(start)c.example :path=/x?y"),
            ("GET http://c.example HTTP/1.1", ":method=GET \(start)c.example :path=/"),
            ("OPTIONS * HTTP/1.1", ":method=OPTIONS \(start)b :path=*"),
            ("OPTIONS http://c.example HTTP/1.1", ":method=OPTIONS \(start)c.example :path=*"),
        ]
        for (line, fields) in cases {
            let stream = peer.request(line + "\r\nHost: b\r\nTE: gzip\r\n\r\n")
            #expect(peer.sent() == ["headers \(stream) \(fields) end"])
        }
        #expect(peer.request("GET") == -1)
        // A host that was not named is not made up.
        for line in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n"] {
            #expect(peer.request(line) > 0, "\(line)")
            let sent = peer.sent()
            #expect(sent.count == 1 && !sent.joined().contains(":authority"), "\(sent)")
        }
    }

    @Test("an answer is text with its framing said")
    func answers() throws {
        let peer = try client()
        let cases: [(String, [(String, String)], Bool, String)] = [
            ("GET", [(":status", "200"), ("content-length", "3")], false, "content-length: 3\r\n"),
            ("GET", [(":status", "200")], false, "transfer-encoding: chunked\r\n"),
            ("GET", [(":status", "200"), ("x", "y")], true, "x: y\r\ncontent-length: 0\r\n"),
            ("HEAD", [(":status", "200"), ("content-length", "3")], true, "content-length: 3\r\n"),
            ("HEAD", [(":status", "200")], true, ""), ("GET", [(":status", "204")], true, ""),
            ("GET", [(":status", "304"), ("content-length", "3")], true, "content-length: 3\r\n"),
        ]
        for (index, (method, fields, ends, lines)) in cases.enumerated() {
            let stream = peer.request("\(method) / HTTP/1.1\r\nhost: b\r\n\r\n", token: 7)
            #expect(stream == index * 2 + 1)
            _ = peer.sent()
            let flags = RawFrame.endHeaders | (ends ? RawFrame.endStream : 0)
            let status = fields[0].1
            #expect(
                peer.receive(.headers(UInt32(stream), fields, flags)) == [
                    "head \(stream) HTTP/1.1 \(status) \r\n\(lines)\r\n\(ends ? " end" : "") #7"
                ]
            )
        }
    }

    @Test("interim answers have a bound, whatever a few bytes stand for")
    func interims() throws {
        let peer = try client()
        peer.request(usual)
        _ = peer.sent()
        var events: [String] = []
        for _ in 0..<40 {
            let head = [(":status", "103"), ("link", "x")]
            events += peer.receive(.headers(1, head, RawFrame.endHeaders))
        }
        #expect(events.count { $0.hasPrefix("interim 1") } == Int(HTTP2Connection.mostInterims))
        #expect(events.count == Int(HTTP2Connection.mostInterims) + 1)
        #expect(events.last?.hasPrefix("malformed 1") == true)
        #expect(peer.connection.endCode == nil)
    }

    @Test("interim answers, a body and trailers come as such")
    func interim() throws {
        let peer = try client()
        peer.request(usual)
        _ = peer.sent()
        let events = peer.receive(
            .headers(1, [(":status", "103"), ("link", "x")], RawFrame.endHeaders),
            .headers(1, [(":status", "200")], RawFrame.endHeaders),
            .data(1, "abc"),
            .headers(1, [("grpc-status", "0")])
        )
        #expect(
            events == [
                "interim 1 HTTP/1.1 103 \r\nlink: x\r\n\r\n",
                "head 1 HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n", "data 1 abc",
                "trailers 1 grpc-status: 0\r\n end",
            ]
        )
        #expect(peer.connection.streamCount == 0)
    }

    @Test("malformed answers reset their stream", arguments: malformedCases)
    func malformed(_ flaw: HTTP2Flaw, _ fields: [(String, String)], _ flags: UInt8) throws {
        let peer = try client()
        peer.request(usual, token: 3)
        _ = peer.sent()
        #expect(peer.receive(.headers(1, fields, flags)) == ["malformed 1 \(flaw) #3"])
        #expect(peer.sent().contains("reset 1 1"))
    }

    @Test("a body that does not fit its head resets the stream")
    func bodies() throws {
        let peer = try client()
        peer.request(usual)
        peer.request("HEAD / HTTP/1.1\r\nhost: b\r\n\r\n")
        peer.request(usual)
        _ = peer.sent()
        #expect(peer.receive(.headers(1, [(":status", "100")], RawFrame.endHeaders)).count == 1)
        #expect(peer.receive(.data(1, "abc")) == ["malformed 1 bodyBeforeHead"])
        peer.receive(.headers(3, [(":status", "200")], RawFrame.endHeaders))
        #expect(peer.receive(.data(3, "abc")) == ["malformed 3 bodyTooLong"])
        peer.receive(
            .headers(5, [(":status", "200"), ("content-length", "2")], RawFrame.endHeaders)
        )
        #expect(
            peer.receive(.data(5, "a", RawFrame.endStream)) == [
                "data 5 a", "malformed 5 bodyTooShort",
            ]
        )
    }

    @Test("no more streams than the server allows, none after GOAWAY")
    func limits() throws {
        let peer = try client([(3, 2)])
        #expect(peer.connection.streamLimit == 2)
        #expect(peer.request(usual) == 1)
        #expect(peer.request(usual) == 3)
        #expect(!peer.connection.canRequest)
        #expect(peer.request(usual) == -1)
        _ = peer.sent()
        peer.receive(.headers(1, [(":status", "204")]))
        #expect(peer.request(usual) == 5)
        _ = peer.sent()
        let events = peer.receive(.goAway(3, 0))
        #expect(events == ["goAway 3 0", "refused 5 7"])
        #expect(!peer.connection.canRequest)
        #expect(peer.request(usual) == -1)
        #expect(peer.receive(.headers(3, [(":status", "204")])).first?.hasPrefix("head 3") == true)
        #expect(peer.connection.isOver)
    }

    @Test("a request not sent when GOAWAY comes may be sent elsewhere")
    func unsent() throws {
        let peer = try client()
        #expect(peer.request(usual, token: 4) == 1)
        #expect(peer.receive(.goAway(0, 0)) == ["goAway 0 0", "refused 1 7 #4"])
        #expect(peer.connection.streamCount == 0)
    }

    @Test("a stream that the server refuses is told apart from one that it resets")
    func resets() throws {
        let peer = try client()
        for _ in 0..<3 { peer.request(usual) }
        _ = peer.sent()
        #expect(peer.receive(.reset(1, 7)) == ["refused 1 7"])
        #expect(peer.receive(.reset(3, 2)) == ["reset 3 2"])
        let answer = RawFrame.headers(5, [(":status", "200"), ("content-length", "0")])
        #expect(peer.receive(answer, .reset(5, 0)).count == 1, "it was over already")
    }

    @Test("a reset before the request has left leaves nothing behind")
    func earlyReset() throws {
        let peer = try client()
        #expect(peer.request(usual) == 1)
        peer.connection.reset(1, HTTP2Code.cancel)
        _ = peer.sent()
        #expect(peer.connection.streamCount == 0)
        #expect(peer.connection.eventCount == 0)
        #expect(peer.request(usual) == 3)
    }

    @Test(
        "what a server may not send ends the connection",
        arguments: [
            RawFrame.headers(2, [(":status", "200")]), RawFrame.headers(1, [(":status", "200")]),
            RawFrame(type: 5, flags: 4, stream: 1, payload: bigEndian(2)),
            RawFrame.settings([(2, 1)]),
            RawFrame.data(1, "a"), RawFrame.data(2, "a"), RawFrame.windowUpdate(1, 1),
        ]
    )
    func broken(_ frame: RawFrame) throws {
        let peer = try client()
        peer.receive(frame)
        #expect(peer.sent().last == "goaway 0 1")
        #expect(peer.connection.isOver)
    }

    @Test("a client that leaves lets its streams go on")
    func leaving() throws {
        let peer = try client()
        peer.request(usual)
        _ = peer.sent()
        peer.connection.goAway()
        #expect(peer.sent() == ["goaway 0 0"])
        #expect(!peer.connection.canRequest && !peer.connection.isOver)
        peer.receive(.headers(1, [(":status", "204")]))
        #expect(peer.connection.isOver)
    }
}
