import COpenSSL

@testable import TLS

/// One side of a connection in memory.
final class Side {
    let port: TLSPort
    let connection: TLSConnection
    var step = TLSConnection.Step.needMore
    var received: [UInt8] = []
    /// How reading ended; 0: it has not.
    var end = 0
    /// What came out and has not reached the other side.
    var outgoing: [UInt8] = []

    init(_ connection: TLSConnection, _ port: TLSPort) {
        self.connection = connection
        self.port = port
    }

    deinit { connection.free() }

    var failure: TLSFailure? {
        if case .failed(let failure) = step { return failure }
        return nil
    }

    /// Hands bytes over as they came from the network.
    func feed(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            if let base = buffer.baseAddress { connection.offer(base, buffer.count) }
            if step == .needMore { step = connection.handshake() }
            if step == .done { readAll() }
        }
        collect()
    }

    private func readAll() {
        var room = [UInt8](repeating: 0, count: 20_000)
        while end == 0 {
            let count = connection.read(&room, room.count)
            if count > 0 { received += room.prefix(count) } else { end = count }
            if count == 0 { break }
        }
    }

    /// Encrypts; how much was taken.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        let count = connection.write(bytes, bytes.count)
        collect()
        return count
    }

    func shutdown() {
        connection.shutdown()
        collect()
    }

    func collect() {
        outgoing += port.output
        port.clearOutput()
    }
}

/// A server and a client that talk in memory.
final class Pair {
    let server: Side
    let client: Side
    /// How many bytes have crossed.
    private(set) var crossed = 0

    init?(server: TLSConnection?, _ serverPort: TLSPort, client: TLSConnection?, _ port: TLSPort) {
        guard let server, let client else {
            server?.free()
            client?.free()
            return nil
        }
        self.server = Side(server, serverPort)
        self.client = Side(client, port)
    }

    /// A server of `context` and a client made by `client`, on ports of their own.
    convenience init?(_ context: TLSServerContext, client: (TLSPort) -> TLSConnection?) {
        let serverPort = TLSPort()
        defer { withExtendedLifetime(serverPort) {} }
        let clientPort = TLSPort()
        defer { withExtendedLifetime(clientPort) {} }
        self.init(
            server: context.accept(serverPort),
            serverPort,
            client: client(clientPort),
            clientPort
        )
    }

    /// Lets bytes cross in pieces until both sides rest, or `limit` bytes have crossed.
    func run(pieces: Int = .max, limit: Int = .max) {
        client.feed([])
        var isMoving = true
        while isMoving, crossed < limit {
            isMoving = pass(from: client, to: server, pieces, limit)
            isMoving = pass(from: server, to: client, pieces, limit) || isMoving
        }
    }

    private func pass(from: Side, to: Side, _ pieces: Int, _ limit: Int) -> Bool {
        let moved = !from.outgoing.isEmpty
        while !from.outgoing.isEmpty, crossed < limit {
            let count = min(pieces, from.outgoing.count, limit - crossed)
            let piece = Array(from.outgoing.prefix(count))
            from.outgoing.removeFirst(count)
            crossed += count
            to.feed(piece)
        }
        return moved
    }

    var isDone: Bool { server.step == .done && client.step == .done }
}
