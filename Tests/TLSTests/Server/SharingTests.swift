import Testing

@testable import TLS

@Suite("Contexts are shared by all workers")
struct SharingTests {
    @Test("handshakes on several threads go on while keys take turns")
    func threads() async throws {
        let keys = TicketKeys(now: 0)
        let other = Servers.authority.issue("*.example.test")
        let server = try Servers.context(Servers.example, other) { $0.ticketKeys = keys }
        let trust = try TLSAuthorities(pem: Servers.authority.certificate.pem)
        let client = try TLSClientContext(TLSClientOptions(trust: .authorities(trust)))
        let resumed = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<4 {
                group.addTask { try Self.work(worker, server, client, keys) }
            }
            return try await group.reduce(0, +)
        }
        #expect(resumed > 0)
    }

    /// How many of a worker's handshakes went on from a session.
    private static func work(
        _ worker: Int,
        _ server: TLSServerContext,
        _ client: TLSClientContext,
        _ keys: TicketKeys
    ) throws -> Int {
        var resumed = 0
        for round in 0..<20 {
            let name = round % 2 == 0 ? "example.test" : "a.example.test"
            let pair = try #require(Pair(server) { client.connect($0, serverName: name) })
            pair.run()
            #expect(pair.isDone)
            if pair.server.connection.isResumed { resumed += 1 }
            if worker == 0, round % 8 == 7 {
                keys.rotate(now: Int64(round) * TicketKeys.turn)
            }
        }
        return resumed
    }
}
