import HTTP
import Testing

/// A client and a server of Weir's that talk to each other.
@Suite struct HTTP2PairTests {
    private let client: HTTP2Peer
    private let server: HTTP2Peer

    init() throws {
        let memory = HTTP2Memory()
        defer { withExtendedLifetime(memory) {} }
        client = try HTTP2Peer(.client, memory: memory)
        server = try HTTP2Peer(.server, memory: memory)
    }

    /// Moves bytes until neither side has any; what the server, then what the client, was told.
    private func talk(_ random: inout TestRandom) -> ([String], [String]) {
        var told: ([String], [String]) = ([], [])
        while true {
            let asked = client.bytesSent(room: 1024 + random.below(4000))
            told.0 += server.receive(asked, cuts: random.cuts(of: asked.count).dropLast())
            let answered = server.bytesSent(room: 1024 + random.below(4000))
            told.1 += client.receive(answered, cuts: random.cuts(of: answered.count).dropLast())
            if asked.isEmpty, answered.isEmpty { return told }
        }
    }

    @Test("what waits to be sent is memory in use until it is")
    func waiting() throws {
        let memory = HTTP2Memory()
        #expect(memory.bytesInUse == 0)
        let first = try HTTP2Peer(.client, memory: memory)
        let one = memory.bytesInUse
        #expect(one >= 65_536)
        let second = try HTTP2Peer(.client, memory: memory)
        #expect(memory.bytesInUse == 2 * one)
        #expect(!first.bytesSent().isEmpty && memory.bytesInUse == one)
        withExtendedLifetime(second) {}
    }

    @Test("heads arrive as they were sent", arguments: 1...10)
    func heads(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        for round in 0..<50 {
            let names = ["x-a", "x-b", "accept", "user-agent", "x-long"]
            let fields = (0..<random.below(8)).map { _ in
                let value = String(repeating: random.pick(["v", "w "]), count: random.below(200))
                return random.pick(names) + ": " + value + "e\r\n"
            }.joined()
            let head = "GET /\(round) HTTP/1.1\r\nhost: h.example\r\n\(fields)\r\n"
            let stream = client.request(head)
            let (asked, _) = talk(&random)
            #expect(asked == ["head \(stream) \(head) end"], "seed \(seed), round \(round)")
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\(fields)\r\n"
            #expect(server.respond(stream, answer))
            let (_, answered) = talk(&random)
            let text = answer.replacing("200 OK", with: "200 ")
            #expect(answered == ["head \(stream) \(text) end"], "seed \(seed), round \(round)")
        }
        #expect(client.connection.streamCount == 0 && server.connection.streamCount == 0)
    }

    @Test("more heads than are put together at once arrive as they were sent")
    func manyHeads() {
        var random = TestRandom(seed: 1)
        _ = talk(&random)
        let heads = (0..<100).map { index in
            let value = String(repeating: "\(index % 10)", count: 300 + index * 10)
            return "GET /\(index) HTTP/1.1\r\nhost: h\r\nX-Value: \(value)\r\n\r\n"
        }
        for (index, head) in heads.enumerated() {
            #expect(client.request(head) == Int32(index * 2 + 1))
        }
        let (asked, _) = talk(&random)
        let expected = heads.enumerated().map { index, head in
            "head \(index * 2 + 1) \(head.replacing("X-Value", with: "x-value")) end"
        }
        #expect(asked == expected)
    }

    @Test(
        "a head behind one that is put together in part arrives as it was sent",
        arguments: [[50_000, 100, 100], [20_000, 30_000, 100], [16_300, 49_000, 100, 60_000]]
    )
    func longHeads(sizes: [Int]) throws {
        let limits = HeadLimits(headSize: 65_536, fields: 40, targetSize: 1024)
        let options = HTTP2Options(headLimits: limits)
        let client = try HTTP2Peer(.client, options: options)
        let server = try HTTP2Peer(.server, options: options)
        func talk(room: Int) -> [String] {
            var told: [String] = []
            while true {
                let (asked, answered) = (client.bytesSent(room: room), server.bytesSent(room: room))
                _ = server.receive(asked)
                told += client.receive(answered)
                if asked.isEmpty, answered.isEmpty { return told }
            }
        }
        _ = talk(room: 1 << 20)
        let streams = sizes.map { _ in client.request("GET / HTTP/1.1\r\nhost: h\r\n\r\n") }
        _ = talk(room: 1 << 20)
        var expected: [String] = []
        let none = "content-length: 0"
        for (index, (stream, size)) in zip(streams, sizes).enumerated() {
            // Letters that no code makes shorter, and others in each head.
            let letter = ["$", "&", "*", "!"][index]
            let field = "x-\(index): " + String(repeating: letter, count: size)
            #expect(server.respond(stream, "HTTP/1.1 200 OK\r\n\(field)\r\n\(none)\r\n\r\n"))
            expected.append("head \(stream) HTTP/1.1 200 \r\n\(field)\r\n\(none)\r\n\r\n end")
        }
        #expect(talk(room: 3000) == expected)
    }

    /// Sends bodies of many streams at once, both ways, through windows that open as bytes are
    /// used.
    @Test("bodies arrive whole, however they are cut", arguments: 1...10)
    func bodies(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        var left: [Int32: Int] = [:]
        var arrived: [Int32: Int] = [:]
        var whole: [Int32: Int] = [:]
        for _ in 0..<8 {
            let stream = client.request("POST / HTTP/1.1\r\nhost: h\r\n\r\n", end: false)
            whole[stream] = random.below(600_000)
            left[stream] = whole[stream]
        }
        var ended = 0
        for _ in 0..<100_000 where ended < 8 {
            for (stream, count) in left.sorted(by: { $0.key < $1.key }) {
                let lent = min(count, 1 + random.below(50_000))
                let bytes = [UInt8](repeating: UInt8(stream), count: lent)
                bytes.withUnsafeBytes { buffer in
                    if let base = buffer.baseAddress, lent > 0 {
                        client.connection.supply(stream, base, lent)
                    }
                    if lent == count { client.connection.finish(stream) }
                    ended += pass(from: client, to: server, &arrived, &random)
                    left[stream] = client.connection.taken(stream).map {
                        count - (lent > 0 ? $0 : 0)
                    }
                }
            }
            // The server says what it has used.
            let answer = server.bytesSent()
            client.receive(answer)
        }
        #expect(ended == 8, "seed \(seed)")
        #expect(arrived == whole.filter { $0.value > 0 }, "seed \(seed)")
    }

    /// Moves bytes one way; how many streams ended.
    private func pass(
        from sender: HTTP2Peer,
        to receiver: HTTP2Peer,
        _ arrived: inout [Int32: Int],
        _ random: inout TestRandom
    ) -> Int {
        let bytes = sender.bytesSent(room: 1024 + random.below(60_000))
        var ended = 0
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, buffer.count > 0 else { return }
            receiver.connection.clearEvents()
            receiver.connection.receive(base, buffer.count, now: 0)
            for index in 0..<receiver.connection.eventCount {
                let event = receiver.connection.event(index)
                if event.endsStream { ended += 1 }
                guard event.kind == .data else { continue }
                let range = Int(event.offset)..<Int(event.offset + event.count)
                #expect(buffer[range].allSatisfy { $0 == UInt8(event.stream) })
                arrived[event.stream, default: 0] += range.count
                receiver.connection.credit(event.stream, range.count)
            }
        }
        return ended
    }

    @Test(
        "random frames, most of them nearly right, say the same however they arrive",
        arguments: 1...20
    )
    func cuts(seed: Int) {
        var random = TestRandom(seed: UInt64(seed))
        for round in 0..<40 {
            let bytes = randomFrames(&random)
            for parser in [ParserUnderTest.http2Server, .http2Client] {
                if let violation = parser.violation(on: bytes, cutting: &random) {
                    Issue.record("seed \(seed), round \(round): \(violation)")
                }
            }
        }
    }

    private func randomFrames(_ random: inout TestRandom) -> [UInt8] {
        var bytes = RawFrame.settings().bytes
        for _ in 0..<random.below(10) {
            let stream: UInt32 = random.pick([0, 1, 1, 1, 2, 3, 3, 5, 7, 9])
            let flags: UInt8 = random.pick([0, 1, 4, 5, 5, 5, 8, 0x20])
            var fields = random.once(in: 3) ? [(":status", "200")] : post()
            if random.once(in: 3) {
                fields.append(
                    (
                        random.pick(["x", "X", "cookie", "te", "host", "content-length"]),
                        random.pick(["", "1", "a", "a "])
                    )
                )
            }
            if random.once(in: 5) { fields.remove(at: random.below(fields.count)) }
            let smallWindow = RawFrame.settings([(4, UInt32(random.below(9)))])
            let frames: [RawFrame] = [
                .headers(stream, fields, flags), .headers(stream, fields),
                .data(stream, "abc", flags), .reset(stream), .windowUpdate(stream, 7), .ping(),
                .continuation(stream, block(fields), flags), .goAway(stream),
                .priority(stream, on: 3), smallWindow,
                RawFrame(type: 0xc, flags: flags, stream: stream),
            ]
            var frame = random.pick(frames).bytes
            if random.once(in: 8) { frame[random.below(frame.count)] = UInt8(random.below(256)) }
            bytes += frame
        }
        return bytes
    }
}
