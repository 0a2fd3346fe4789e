import COpenSSL
import Synchronization

/// A session that a server gave.
final class ClientSession: @unchecked Sendable {
    // Unchecked: OpenSSL counts a session's references and does not change it.
    let pointer: OpaquePointer

    /// Takes a reference over.
    init(adopting pointer: OpaquePointer) { self.pointer = pointer }

    deinit { SSL_SESSION_free(pointer) }

    /// Whether it may be used again: a ticket of TLS 1.3 may not (RFC 8446 §C.4).
    var isReusable: Bool { SSL_SESSION_get_protocol_version(pointer) < TLS1_3_VERSION }
}

/// The sessions of one client context, by server; bounded, the oldest server goes first.
final class ClientSessions: Sendable {
    /// A server: its name, by which its certificate was checked, and which of its machines it is.
    struct Server: Hashable {
        var name: String
        var machine: UInt64
    }

    /// How many servers' sessions are kept.
    static let serverLimit = 1024
    /// How many sessions are kept of each server.
    static let sessionLimit = 8

    private struct Entry {
        var server: Server
        var sessions: [ClientSession] = []
    }

    private struct State {
        /// Numbers are never given twice: a late session of a server that went is dropped.
        var next: UInt = 1
        var numbers: [Server: UInt] = [:]
        var entries: [UInt: Entry] = [:]
        var oldest: UInt = 1
    }

    private let state = Mutex(State())

    /// The number of a server, for `add`, and the session to go on with.
    func begin(_ server: Server) -> (number: UInt, session: ClientSession?) {
        state.withLock { state in
            let number = state.numbers[server] ?? Self.admit(server, &state)
            guard let session = state.entries[number]?.sessions.last else { return (number, nil) }
            if !session.isReusable { state.entries[number]?.sessions.removeLast() }
            return (number, session)
        }
    }

    /// Keeps a session of a server.
    func add(_ session: ClientSession, of number: UInt) {
        state.withLock { state in
            guard var sessions = state.entries[number]?.sessions else { return }
            // A session of TLS 1.2 stands in for all before it.
            if session.isReusable { sessions.removeAll() }
            if sessions.count >= Self.sessionLimit { sessions.removeFirst() }
            sessions.append(session)
            state.entries[number]?.sessions = sessions
        }
    }

    private static func admit(_ server: Server, _ state: inout State) -> UInt {
        while state.entries.count >= serverLimit {
            if let gone = state.entries.removeValue(forKey: state.oldest) {
                state.numbers[gone.server] = nil
            }
            state.oldest += 1
        }
        let number = state.next
        state.next += 1
        state.numbers[server] = number
        state.entries[number] = Entry(server: server)
        return number
    }
}
