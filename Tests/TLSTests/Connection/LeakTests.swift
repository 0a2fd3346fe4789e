import Glibc
import Testing

@testable import TLS

/// Whether memory is missed is seen at the process's end, by LeakSanitizer.
@Suite("What a handshake leaves")
struct LeakTests {
    /// `make test` runs this once more with a leak planted, which has to be reported.
    private static let plantsLeak = getenv("WEIR_PLANT_LEAK") != nil

    @Test("a handshake that is given up leaves nothing")
    func abandoned() throws {
        let context = try Servers.context()
        for _ in 0..<3 {
            let port = TLSPort()
            // The connection points at it, and does not hold it.
            defer { withExtendedLifetime(port) {} }
            let connection = try #require(context.accept(port))
            let hello = try Self.hello()
            let step = hello.withUnsafeBytes { buffer in
                if let base = buffer.baseAddress { connection.offer(base, buffer.count) }
                return connection.handshake()
            }
            #expect(step == .needMore)
            #expect(!port.output.isEmpty)
            if !Self.plantsLeak { connection.free() }
        }
    }

    /// What a client sends first.
    private static func hello() throws -> [UInt8] {
        let port = TLSPort()
        defer { withExtendedLifetime(port) {} }
        let connection = try #require(RawClient().connect(port))
        defer { connection.free() }
        port.withdraw()
        _ = connection.handshake()
        return Array(port.output)
    }
}
