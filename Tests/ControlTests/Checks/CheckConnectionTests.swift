import CLinux
import EventLoop
import Proxy
import Routing
import Testing

@testable import Control

@Suite("A connection of the control thread's own")
final class CheckConnectionTests {
    private static let host = IPAddress.v4(0x7f00_0001)
    /// More than the kernel takes while nobody reads.
    private static let part = 16 << 20

    private let loop: ControlLoop
    private let listener: Socket
    private let connection: CheckConnection

    init() throws {
        loop = try ControlLoop()
        listener = try Socket.listening(
            at: .internet(weir_address(Self.host, port: 0)),
            backlog: 1,
            sharesPort: false,
            userTimeout: 0
        )
        connection = CheckConnection(on: loop, CheckRoom())
        let result = connection.open(Self.host, port: listener.localPort)
        #expect(result == 0 || result == -EINPROGRESS)
    }

    /// The other end.
    private func accept() -> Socket {
        var peer = weir_address()
        var descriptor = weir_accept(listener.descriptor, &peer)
        let end = loop.now + 10_000_000_000
        while descriptor < 0, loop.now < end {
            loop.turn(until: loop.now + 1_000_000)
            descriptor = weir_accept(listener.descriptor, &peer)
        }
        return Socket(adopting: descriptor)
    }

    @Test("what the kernel does not take at once leaves later, in its order")
    func sends() throws {
        let server = accept()
        let expected =
            [UInt8](repeating: 1, count: Self.part) + [UInt8](repeating: 2, count: Self.part)
        var isWhole = connection.send(Array(expected.prefix(Self.part)))
        isWhole = connection.send(Array(expected.suffix(Self.part))) && isWhole
        let isWatched = connection.watch([.readable, .writable]) { [connection] _ in
            isWhole = connection.send() && isWhole
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let end = loop.now + 10_000_000_000
        while received.count < expected.count, loop.now < end {
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { weir_recv(server.descriptor, $0, bytes.count) } ?? 0
            }
            if count > 0 { received += buffer[..<count] }
            loop.turn(until: loop.now)
        }
        connection.close()
        #expect(isWatched && isWhole)
        #expect(received == expected)
    }

    @Test("once it is closed its time is never over, and the other side sees the end")
    func ends() throws {
        let server = accept()
        var isOver = false
        connection.limit(1_000_000) { isOver = true }
        connection.close()
        let end = loop.now + 3_000_000
        while loop.now < end { loop.turn(until: end) }
        #expect(!isOver)
        var byte: UInt8 = 0
        let count = weir_recv(server.descriptor, &byte, 1)
        #expect(count == 0)
    }
}
