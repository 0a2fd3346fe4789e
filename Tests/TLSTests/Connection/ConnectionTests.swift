import COpenSSL
import Testing

@testable import TLS

@Suite("A connection moves bytes between its port and its caller")
struct ConnectionTests {
    private func pair(_ version: TLSVersion = .tls13) throws -> Pair {
        let client = RawClient(max: version.number)
        return try #require(Pair(try Servers.context()) { client.connect($0) })
    }

    @Test("a handshake is done on both sides, and its facts are told", arguments: versions)
    func handshake(version: TLSVersion) throws {
        let client = RawClient(max: version.number)
        client.serverName = "Example.test"
        client.protocols = ["h2", "http/1.1"]
        let pair = try #require(Pair(try Servers.context()) { client.connect($0) })
        pair.run()
        #expect(pair.isDone)
        let server = pair.server.connection
        #expect(server.version == "TLSv\(version.rawValue)")
        #expect(server.isHTTP2 && !server.isResumed)
        #expect(server.serverName == "Example.test")
        #expect(server.peerCertificate == nil)
        let suites = TLSSuite.allCases.filter { $0.isTLS13 == (version == .tls13) }
        #expect(suites.map(\.rawValue).contains(server.cipher))
        #expect(pair.client.connection.peerCertificate?.names == ["example.test"])
    }

    @Test("bytes come out as they went in, whatever the pieces", arguments: versions, [1, 7, .max])
    func transfer(version: TLSVersion, pieces: Int) throws {
        let pair = try pair(version)
        pair.run(pieces: pieces)
        let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        let answer = (0..<72_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        #expect(pair.client.send(request) == request.count)
        #expect(pair.server.send(answer) == answer.count)
        pair.run(pieces: pieces)
        #expect(pair.server.received == request)
        #expect(pair.client.received == answer)
        #expect(pair.server.port.unread == 0)
    }

    @Test("a handshake that is cut at any byte goes on", arguments: versions)
    func cuts(version: TLSVersion) throws {
        let whole = try pair(version)
        whole.run()
        let length = whole.crossed
        #expect(whole.isDone && length > 500)
        let context = try Servers.context()
        for cut in 1..<length {
            let client = RawClient(max: version.number)
            let pair = try #require(Pair(context) { client.connect($0) })
            pair.run(limit: cut)
            pair.run()
            #expect(pair.isDone, "cut at \(cut)")
        }
    }

    @Test("a handshake that is given up at any byte leaves nothing", arguments: versions)
    func aborts(version: TLSVersion) throws {
        let context = try Servers.context()
        let client = RawClient(max: version.number)
        var limit = 0
        while true {
            let pair = try #require(Pair(context) { client.connect($0) })
            pair.run(limit: limit)
            if pair.isDone { break }
            #expect(pair.server.failure == nil && pair.client.failure == nil)
            // What a connection that goes does last: without effect in a handshake.
            pair.server.shutdown()
            #expect(ERR_peek_error() == 0)
            limit += 1
        }
        #expect(limit > 500)
    }

    @Test("close_notify ends a side, and the other one may still send", arguments: versions)
    func end(version: TLSVersion) throws {
        let pair = try pair(version)
        pair.run()
        pair.client.send(Array("last".utf8))
        pair.client.shutdown()
        pair.run()
        #expect(pair.server.received == Array("last".utf8))
        #expect(pair.server.end == TLSConnection.ended)
        pair.server.send(Array("answer".utf8))
        pair.run()
        #expect(pair.client.received == Array("answer".utf8))
    }

    @Test("what has no room yet is pending")
    func pending() throws {
        let pair = try pair()
        pair.run()
        pair.client.send([UInt8](repeating: 1, count: 100))
        let record = pair.client.outgoing
        var room = [UInt8](repeating: 0, count: 60)
        let connection = pair.server.connection
        let count = record.withUnsafeBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            connection.offer(base, bytes.count)
            return connection.read(&room, room.count)
        }
        #expect(count == 60)
        #expect(connection.pending == 40)
        #expect(connection.read(&room, room.count) == 40)
        #expect(connection.read(&room, room.count) == 0)
        #expect(connection.pending == 0)
    }

    @Test("a connection reads nothing that was offered to another one")
    func foreignBytes() throws {
        let context = try Servers.context()
        let client = RawClient()
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let first = try #require(context.accept(port))
        let second = try #require(context.accept(port))
        defer {
            first.free()
            second.free()
        }
        let clientPort = TLSPort()
        defer { withExtendedLifetime(clientPort) {} }
        let connection = try #require(client.connect(clientPort))
        defer { connection.free() }
        #expect(connection.handshake() == .needMore)
        let hello = Array(clientPort.output)
        hello.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            first.offer(base, bytes.count)
            #expect(port.unread == hello.count)
            #expect(second.handshake() == .needMore)
        }
        #expect(port.unread == 0 && port.output.isEmpty)
    }

    @Test("bytes that were withdrawn are not read, and go on where they are offered again")
    func withdrawal() throws {
        let pair = try pair()
        pair.run()
        for text in ["one", "two"] { pair.client.send(Array(text.utf8)) }
        let bytes = pair.client.outgoing
        let connection = pair.server.connection
        let port = pair.server.port
        var room = [UInt8](repeating: 0, count: 10)
        var rest: [UInt8] = []
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            connection.offer(base, bytes.count)
            #expect(connection.read(&room, room.count) == 3)
            rest = Array(bytes.suffix(port.unread))
            port.withdraw()
            #expect(port.unread == 0)
            #expect(connection.read(&room, room.count) == 0)
        }
        #expect(!rest.isEmpty && rest.count < bytes.count)
        pair.server.feed(rest)
        #expect(pair.server.received == Array("two".utf8))
    }

    @Test("a full port takes whole records and no more")
    func fullPort() throws {
        let pair = try pair()
        pair.run()
        let connection = pair.server.connection
        let bytes = [UInt8](repeating: 7, count: 400_000)
        let taken = connection.write(bytes, bytes.count)
        #expect(taken >= 80 << 10 && taken < bytes.count)
        #expect(taken % 16_384 == 0)
        #expect(connection.write(bytes, bytes.count) == 0)
        pair.server.collect()
        #expect(connection.write(bytes, bytes.count) == taken)
        pair.server.collect()
        pair.run()
        #expect(pair.client.received.count == taken * 2)
    }

    @Test("buffers are given back only when nothing is in them", arguments: versions)
    func buffers(version: TLSVersion) throws {
        let pair = try pair(version)
        pair.run()
        #expect(pair.server.connection.freeBuffers())
        pair.client.send(Array("hello".utf8))
        let record = pair.client.outgoing
        pair.client.outgoing = []
        pair.server.feed(Array(record.prefix(10)))
        #expect(!pair.server.connection.freeBuffers())
        pair.server.feed(Array(record.dropFirst(10)))
        #expect(pair.server.received == Array("hello".utf8))
        #expect(pair.server.connection.freeBuffers())
        pair.server.send(Array("again".utf8))
        pair.run()
        #expect(pair.client.received == Array("again".utf8))
    }

    @Test("a damaged record breaks the connection", arguments: versions)
    func damage(version: TLSVersion) throws {
        let pair = try pair(version)
        pair.run()
        pair.client.send(Array("hello".utf8))
        var record = pair.client.outgoing
        record[record.count - 1] ^= 1
        pair.server.feed(record)
        #expect(pair.server.end == TLSConnection.broken)
        #expect(pair.server.connection.failure.kind == .badRecord)
        #expect(pair.server.connection.write(record, 1) == TLSConnection.broken)
        #expect(ERR_peek_error() == 0)
    }

    @Test("a client may not renegotiate")
    func renegotiation() throws {
        let pair = try pair(.tls12)
        pair.run()
        SSL_renegotiate(pair.client.connection.ssl)
        SSL_do_handshake(pair.client.connection.ssl)
        pair.client.collect()
        pair.run()
        #expect(renegotiations(of: pair.server.connection) == 0)
        #expect(pair.client.end == TLSConnection.broken)
    }

    /// How often the keys were agreed anew.
    private func renegotiations(of connection: TLSConnection) -> Int {
        SSL_ctrl(connection.ssl, SSL_CTRL_GET_NUM_RENEGOTIATIONS, 0, nil)
    }

    @Test("a key update is answered")
    func keyUpdate() throws {
        let pair = try pair()
        pair.run()
        SSL_key_update(pair.client.connection.ssl, SSL_KEY_UPDATE_REQUESTED)
        pair.client.send(Array("a".utf8))
        pair.run()
        pair.server.send(Array("b".utf8))
        pair.run()
        #expect(pair.server.received == Array("a".utf8))
        #expect(pair.client.received == Array("b".utf8))
    }

    @Test("as many key updates as anybody needs are answered, no more", arguments: [true, false])
    func keyUpdateFlood(isAsked: Bool) throws {
        let pair = try pair()
        pair.run()
        let kind = isAsked ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED
        for number in 1...(HandshakeFlood.limit + 1) {
            SSL_key_update(pair.client.connection.ssl, kind)
            pair.client.send([1])
            pair.run()
            let isOver = number > HandshakeFlood.limit
            #expect((pair.server.end == TLSConnection.broken) == isOver, "\(number)")
        }
        #expect(pair.server.received.count >= HandshakeFlood.limit)
        #expect(pair.server.connection.failure.text.contains("key updates"))
        #expect(ERR_peek_error() == 0)
    }

    @Test("many key updates in one piece are not all answered")
    func keyUpdatesAtOnce() throws {
        let pair = try pair()
        pair.run()
        for _ in 0..<2000 {
            SSL_key_update(pair.client.connection.ssl, SSL_KEY_UPDATE_REQUESTED)
            SSL_do_handshake(pair.client.connection.ssl)
            pair.client.collect()
        }
        let flood = pair.client.outgoing
        #expect(flood.count > 2000 * 20)
        pair.server.feed(flood)
        #expect(pair.server.end == TLSConnection.broken)
        #expect(pair.server.outgoing.count < (HandshakeFlood.limit + 2) * 40)
        // Nobody else is held to account for it.
        let other = try self.pair()
        other.run()
        #expect(other.isDone)
    }
}
