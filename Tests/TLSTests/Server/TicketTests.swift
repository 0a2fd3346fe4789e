import COpenSSL
import Testing

@testable import TLS

@Suite("Sessions go on by tickets")
struct TicketTests {
    /// Connects and keeps the session; whether an earlier one went on.
    private func connect(_ client: RawClient, _ context: TLSServerContext) throws -> Bool {
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        #expect(pair.isDone)
        let resumed = pair.server.connection.isResumed
        #expect(resumed == pair.client.connection.isResumed)
        client.keepSession(of: pair.client.connection)
        return resumed
    }

    private func context(
        _ keys: TicketKeys,
        change: (inout TLSServerOptions) -> Void = { _ in }
    ) throws -> TLSServerContext {
        try Servers.context {
            $0.ticketKeys = keys
            change(&$0)
        }
    }

    @Test("on another worker's port and by another context with the same keys", arguments: versions)
    func resumption(version: TLSVersion) throws {
        let keys = TicketKeys(now: 0)
        let client = RawClient(max: version.number)
        client.serverName = "example.test"
        let first = try context(keys)
        #expect(try !connect(client, first))
        #expect(try connect(client, first))
        #expect(try connect(client, try context(keys)))
        #expect(try !connect(client, try context(TicketKeys(now: 0))))
    }

    @Test("and facts of the session are still told", arguments: versions)
    func facts(version: TLSVersion) throws {
        let context = try Servers.context()
        let client = RawClient(max: version.number)
        client.serverName = "example.test"
        client.protocols = ["h2"]
        #expect(try !connect(client, context))
        let pair = try #require(Pair(context) { client.connect($0) })
        pair.run()
        #expect(pair.server.connection.isResumed && pair.server.connection.isHTTP2)
        #expect(pair.server.connection.serverName == "example.test")
    }

    @Test("as long as their key is one of the last three", arguments: versions)
    func rotation(version: TLSVersion) throws {
        let keys = TicketKeys(now: 100)
        let context = try context(keys)
        let client = RawClient(max: version.number)
        #expect(try !connect(client, context))
        #expect(!keys.rotate(now: 99 + TicketKeys.turn))
        for turn in 1...3 {
            let other = RawClient(max: version.number)
            #expect(try !connect(other, context))
            #expect(keys.rotate(now: 100 + Int64(turn) * TicketKeys.turn))
            #expect(try connect(other, context))
            // A ticket of an older key is replaced by one of the newest.
            #expect(keys.rotate(now: 100 + Int64(turn) * TicketKeys.turn + 1) == false)
        }
        #expect(try !connect(client, context))
    }

    @Test("an old key opens until it is gone")
    func age() throws {
        let keys = TicketKeys(now: 0)
        let name = try #require(keys.sealing()).name
        func isNewest() -> Bool? {
            withUnsafeBytes(of: name) { bytes in
                bytes.bindMemory(to: UInt8.self).baseAddress.flatMap { keys.opening($0)?.isNewest }
            }
        }
        #expect(isNewest() == true)
        keys.rotate(now: TicketKeys.turn)
        #expect(isNewest() == false)
        keys.rotate(now: 2 * TicketKeys.turn)
        #expect(isNewest() == false)
        keys.rotate(now: 3 * TicketKeys.turn)
        #expect(isNewest() == nil)
    }

    @Test("by keys from a file, on several machines", arguments: versions)
    func file(version: TLSVersion) throws {
        let old = (0..<80).map { UInt8($0) }
        let new = (0..<80).map { UInt8($0 + 100) }
        let client = RawClient(max: version.number)
        #expect(try !connect(client, try context(TicketKeys(file: old))))
        #expect(try connect(client, try context(TicketKeys(file: new + old))))
        #expect(try connect(client, try context(TicketKeys(file: new))))
        let keys = try TicketKeys(file: new)
        #expect(!keys.rotate(now: .max))
    }

    @Test("files of another form are refused", arguments: [0, 1, 79, 81, 159, 17 * 80])
    func badFile(count: Int) {
        #expect(throws: TLSSetupError.self) {
            try TicketKeys(file: [UInt8](repeating: 0, count: count))
        }
    }

    @Test("the most keys that a file may have are taken, doubles are not")
    func keyLimit() throws {
        let many = (0..<TicketKeys.limit).flatMap { [UInt8](repeating: UInt8($0), count: 80) }
        _ = try TicketKeys(file: many)
        #expect(throws: TLSSetupError.self) {
            try TicketKeys(file: [UInt8](repeating: 9, count: 160))
        }
    }

    @Test("a damaged ticket leads to a full handshake")
    func damage() throws {
        let context = try Servers.context()
        let client = RawClient(max: TLS1_2_VERSION)
        #expect(try !connect(client, context))
        let session = try #require(client.session)
        var ticket: UnsafePointer<UInt8>?
        var count = 0
        SSL_SESSION_get0_ticket(session, &ticket, &count)
        let bytes = UnsafeMutablePointer(mutating: try #require(ticket))
        bytes[count / 2] ^= 1
        #expect(try !connect(client, context))
    }

    @Test("but not where clients must show other certificates", arguments: versions)
    func demands(version: TLSVersion) throws {
        let keys = TicketKeys(now: 0)
        let client = RawClient(max: version.number)
        #expect(try !connect(client, try context(keys)))
        let strict = try context(keys) { $0.clientAuthority = Servers.authority.certificate.pem }
        let pair = try #require(Pair(strict) { client.connect($0) })
        pair.run()
        #expect(pair.server.failure?.kind == .certificateMissing)
    }
}
