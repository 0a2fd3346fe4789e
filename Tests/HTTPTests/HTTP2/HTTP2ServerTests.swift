import HTTP
import Testing

private let plainHead = "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n"

/// What a server makes of a well-behaved client.
@Suite struct HTTP2ServerTests {
    @Test("a server begins with its settings and answers the client's")
    func beginning() throws {
        let peer = try HTTP2Peer()
        #expect(peer.receive(opening()) == [])
        #expect(peer.sent() == ["settings", "settings ack", "window 0 983041"])
        #expect(!peer.connection.wantsSend)
        #expect(!peer.connection.isOver)
    }

    @Test("a request without a body is a head that ends the stream")
    func request() throws {
        let peer = try HTTP2Peer.server()
        #expect(peer.receive(.headers(1, get())) == ["head 1 \(plainHead) end"])
        #expect(peer.connection.streamCount == 1)
        #expect(peer.respond(1, "HTTP/1.1 204 No Content\r\nServer: weir\r\n\r\n"))
        #expect(peer.sent() == ["headers 1 :status=204 server=weir end"])
        #expect(peer.connection.streamCount == 0)
    }

    @Test("a body without Content-Length is said to be chunked and comes as plain bytes")
    func body() throws {
        let peer = try HTTP2Peer.server()
        let head = "POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n"
        let events = peer.receive(
            .headers(1, post(), RawFrame.endHeaders),
            .data(1, "abc"),
            .data(1, "de", RawFrame.endStream)
        )
        #expect(events == ["head 1 \(head)", "data 1 abc", "data 1 de end"])
    }

    @Test("a body's end may come in a frame of its own")
    func lateEnd() throws {
        let peer = try HTTP2Peer.server()
        let fields = post([("content-length", "3")])
        let head = "POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 3\r\n\r\n"
        #expect(
            peer.receive(.headers(1, fields, RawFrame.endHeaders), .data(1, "abc"))
                == ["head 1 \(head)", "data 1 abc"]
        )
        #expect(peer.receive(.data(1, "", RawFrame.endStream)) == ["end 1 end"])
    }

    @Test("trailers end a body and come as lines")
    func trailers() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, post(), RawFrame.endHeaders), .data(1, "abc"))
        let trailers = [("x-sum", "1"), ("x-other", "")]
        #expect(
            peer.receive(.headers(1, trailers)) == ["trailers 1 x-sum: 1\r\nx-other: \r\n end"]
        )
    }

    @Test("pieces of Cookie become one field, wherever they stand")
    func cookies() throws {
        let peer = try HTTP2Peer.server()
        let together = get("/", [("cookie", "a=1"), ("cookie", "b=2"), ("x", "y")])
        let head = "GET / HTTP/1.1\r\nhost: a.example\r\n"
        #expect(
            peer.receive(.headers(1, together)) == [
                "head 1 \(head)cookie: a=1; b=2\r\nx: y\r\n\r\n end"
            ]
        )
        let apart = get(
            "/",
            [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3"), ("z", "")]
        )
        #expect(
            peer.receive(.headers(3, apart)) == [
                "head 3 \(head)x: y\r\ncookie: a=1; b=2; c=3\r\nz: \r\n\r\n end"
            ]
        )
    }

    @Test("a token given at the head is that of all later events, those already there included")
    func tokens() throws {
        let peer = try HTTP2Peer.server()
        let bytes =
            RawFrame.headers(1, post(), RawFrame.endHeaders).bytes
            + RawFrame.headers(3, get()).bytes + RawFrame.data(1, "a").bytes
            + RawFrame.reset(1).bytes
        peer.receive(bytes)
        // The stream is gone already; its events have the number all the same.
        #expect(!peer.connection.setToken(7, ofStreamAt: 0))
        #expect(peer.connection.setToken(9, ofStreamAt: 1))
        let tokens = (0..<peer.connection.eventCount).map { peer.connection.event($0).token }
        #expect(tokens == [7, 9, 7, 7])
        #expect(peer.receive(.reset(3)) == ["reset 3 8 #9"])
    }

    @Test("an answer's body is sent from the bytes lent, as far as room and windows go")
    func answerBody() throws {
        let peer = try HTTP2Peer.server([(4, 10)])
        peer.receive(.headers(1, get()))
        peer.respond(1, "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n", end: false)
        let first = peer.send(1, "0123456789abcd")
        #expect(first.0 == ["headers 1 :status=200 content-length=14", "data 1 0123456789"])
        #expect(first.1 == 10)
        #expect(peer.connection.window(1) == 0)
        let second = peer.send(1, "abcd")
        #expect(second.0 == [] && second.1 == 0)
        peer.receive(.windowUpdate(1, 100))
        #expect(peer.connection.window(1) == 100)
        peer.finish(1)
        let third = peer.send(1, "abcd")
        #expect(third.0 == ["data 1 abcd end"])
        #expect(third.1 == nil, "the stream is over, so it wants no more")
    }

    @Test("the last bytes of a body can be put into frames at once, as far as windows go")
    func endings() throws {
        let peer = try HTTP2Peer.server([(4, 4)])
        peer.receive(.headers(1, get()), .headers(3, get()))
        let end = { (stream: Int32, text: String) -> Int in
            Array(text.utf8).withUnsafeBytes { bytes in
                bytes.baseAddress.map { peer.connection.end(stream, $0, bytes.count) } ?? -1
            }
        }
        for stream: Int32 in [1, 3] { peer.respond(stream, "HTTP/1.1 200 OK\r\n\r\n", end: false) }
        #expect(end(1, "abc") == 3)
        #expect(peer.connection.streamCount == 1)
        #expect(end(1, "abc") == 3, "it is over")
        #expect(end(3, "abcdef") == 4)
        #expect(
            peer.sent() == [
                "headers 1 :status=200", "headers 3 :status=200", "data 1 abc end", "data 3 abcd",
            ]
        )
        #expect(end(3, "ef") == 0)
        #expect(peer.sent() == [])
        peer.receive(.windowUpdate(3, 8))
        #expect(end(3, "ef") == 2)
        #expect(peer.sent() == ["data 3 ef end"])
        #expect(peer.connection.streamCount == 0)
    }

    @Test("what was lent is not used after send, however little room there was")
    func littleRoom() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()), .headers(3, get()))
        peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        peer.respond(3, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        let long = String(repeating: "x", count: 5000)
        let (frames, taken) = peer.send(1, long, room: 1024)
        let count = try #require(taken)
        #expect(count > 900 && count < 1024)
        #expect(frames.last == "data 1 " + String(repeating: "x", count: count))
        #expect(peer.sent(room: 1024) == [])
        peer.finish(1)
        peer.finish(3)
        let rest = peer.send(1, "yz")
        #expect(Set(rest.0) == ["data 1 yz end", "data 3  end"])
    }

    @Test("streams take turns where there is no room for all that they have")
    func turns() throws {
        let peer = try HTTP2Peer.server([(4, 1 << 20)])
        peer.receive(.headers(1, get()), .headers(3, get()), .windowUpdate(0, 1 << 20))
        let long = [UInt8](repeating: 0x78, count: 200_000)
        long.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for stream: Int32 in [1, 3] {
                peer.respond(stream, "HTTP/1.1 200 OK\r\n\r\n", end: false)
                peer.connection.supply(stream, base, bytes.count)
            }
            let frames = peer.sent(room: 140_000).map { $0.prefix(6) }
            #expect(abs(frames.count { $0 == "data 1" } - frames.count { $0 == "data 3" }) <= 1)
            #expect(frames.count { $0 == "data 3" } >= 4)
        }
    }

    @Test("frames that do not fit are sent on from where they were cut")
    func cutFrames() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        let value = String(repeating: "v", count: 3000)
        peer.respond(1, "HTTP/1.1 200 OK\r\nx: \(value)\r\n\r\n")
        #expect(peer.sent(room: 1024) == [])
        #expect(peer.connection.wantsSend)
        #expect(peer.sent(room: 1024) == [])
        #expect(peer.sent(room: 1024) == ["headers 1 :status=200 x=\(value) end"])
        #expect(!peer.connection.wantsSend)
    }

    @Test("trailers follow a body, and interim answers precede the final one")
    func answerTrailers() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        #expect(peer.respond(1, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", end: false))
        #expect(peer.respond(1, "HTTP/1.1 200 OK\r\nTrailer: x\r\n\r\n", end: false))
        #expect(!peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n"), "it was answered")
        peer.finish(1, trailers: "X-Sum: 1\r\nConnection: close\r\n")
        #expect(
            peer.send(1, "abc").0 == [
                "headers 1 :status=103 link=</a>", "headers 1 :status=200 trailer=x",
                "data 1 abc", "headers 1 x-sum=1 end",
            ]
        )
        peer.receive(.headers(3, get()))
        peer.respond(3, "HTTP/1.1 200 OK\r\n\r\n", end: false)
        _ = peer.sent()
        peer.finish(3, trailers: "grpc-status: 0\r\n")
        #expect(peer.sent() == ["headers 3 grpc-status=0 end"])
    }

    @Test("fields that HTTP/2 does not have are left out of answers")
    func connectionFields() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        let head =
            "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: timeout=5\r\n"
            + "Transfer-Encoding: chunked\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n"
            + "Content-Type: text/plain\r\n\r\n"
        #expect(peer.respond(1, head))
        #expect(peer.sent() == ["headers 1 :status=200 content-type=text/plain end"])
    }

    @Test("what is no head is not sent")
    func noHead() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        for head in ["", "HTTP/1.1 200", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nx\r\n\r\n"]
        {
            #expect(!peer.respond(1, head), "\(head)")
        }
        #expect(!peer.respond(1, "HTTP/1.1 101 Switching\r\n\r\n"))
        #expect(!peer.respond(5, "HTTP/1.1 200 OK\r\n\r\n"), "there is no such stream")
        #expect(peer.sent() == [])
    }

    @Test("windows open again as a body is used, and not before")
    func credit() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.streamWindow = 1000
        let peer = try HTTP2Peer.server(options: options)
        peer.receive(.headers(1, post(), RawFrame.endHeaders))
        peer.receive(.data(1, String(repeating: "x", count: 1000)))
        #expect(peer.sent() == [])
        peer.connection.credit(1, 400)
        #expect(peer.sent() == [])
        peer.connection.credit(1, 200)
        #expect(peer.sent() == ["window 1 600"])
        peer.connection.credit(1, 100_000)
        _ = peer.sent()
        // No more than was used comes back, whatever is credited.
        peer.receive(.data(1, String(repeating: "x", count: 1000)))
        #expect(peer.receive(.data(1, "y")) == [])
        #expect(peer.sent().contains("reset 1 3"))
    }

    @Test("bytes that nobody used do not stay in the connection's window when a stream ends")
    func leftovers() throws {
        var options = HTTP2Options(headLimits: someLimits)
        options.connectionWindow = 65_535
        let peer = try HTTP2Peer.server(options: options)
        for stream in stride(from: UInt32(1), to: 21, by: 2) {
            peer.receive(.headers(stream, post(), RawFrame.endHeaders))
            peer.receive(.data(stream, String(repeating: "x", count: 10_000)))
            peer.receive(.reset(stream))
            _ = peer.sent()
        }
        #expect(peer.connection.endCode == nil)
    }

    @Test("a stream can be reset, and says nothing any more")
    func resetting() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, post(), RawFrame.endHeaders))
        peer.connection.reset(1, HTTP2Code.internalError)
        #expect(peer.receive(.data(1, "abc")) == [])
        #expect(peer.sent() == ["reset 1 2"])
        #expect(peer.receive(.data(1, "abc"), .reset(1)) == [])
        #expect(!peer.respond(1, "HTTP/1.1 200 OK\r\n\r\n"))
        #expect(peer.sent() == [])
        #expect(!peer.connection.isOver)
    }

    @Test("a body that is not wanted is dropped, and its stream ends with the answer")
    func discarding() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, post(), RawFrame.endHeaders), .data(1, "abc"))
        peer.connection.discardInput(1)
        #expect(peer.receive(.data(1, "def")) == [])
        peer.respond(1, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\n", end: false)
        peer.finish(1)
        #expect(
            peer.send(1, "no").0 == [
                "headers 1 :status=413 content-length=2", "data 1 no end", "reset 1 0",
            ]
        )
        #expect(peer.connection.streamCount == 0)
    }

    @Test("a graceful end lets streams go on and names the last one")
    func goAway() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        peer.connection.goAway()
        #expect(peer.sent() == ["ping", "goaway 2147483647 0"])
        #expect(peer.receive(.headers(3, get())).count == 1, "it was on its way")
        peer.receive(RawFrame(type: 6, flags: 1, payload: [UInt8](repeating: 0, count: 8)).bytes)
        #expect(peer.sent() == ["goaway 3 0"])
        #expect(peer.receive(.headers(5, get())) == [])
        peer.respond(1, "HTTP/1.1 204 No Content\r\n\r\n")
        peer.respond(3, "HTTP/1.1 204 No Content\r\n\r\n")
        #expect(peer.sent() == ["headers 1 :status=204 end", "headers 3 :status=204 end"])
        #expect(peer.connection.isOver)
        #expect(peer.connection.endCode == nil)
    }

    @Test("an end at once says why")
    func terminating() throws {
        let peer = try HTTP2Peer.server()
        peer.receive(.headers(1, get()))
        peer.connection.terminate(HTTP2Code.internalError)
        #expect(peer.sent() == ["goaway 1 2"])
        #expect(peer.connection.isOver)
        #expect(peer.connection.endCode == 2)
        #expect(peer.receive(.headers(3, get())) == [])
    }
}
