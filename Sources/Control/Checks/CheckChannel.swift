import CLinux
import EventLoop
import TLS

/// TLS on the connection of one check, on the port that all checks use in turn.
///
/// The handshake is a full one each time: a server that goes on with a session does not show its
/// certificate, and one that has ended would go unseen.
final class CheckChannel {
    /// How far the handshake has come.
    enum Step {
        /// Both sides have agreed.
        case done
        /// More is needed than what has come.
        case needMore
        /// It is over; why, in plain words.
        case failed(String)
    }

    /// Why the connection broke, in plain words; `nil` if it did not.
    private(set) var failure: String?
    private let descriptor: Int32
    private let room: CheckRoom
    private let connection: TLSConnection
    private var isOpen = false
    /// Ciphertext that the kernel did not take yet.
    private var unsent = UnsentBytes()
    /// Ciphertext that came and was not decrypted yet.
    private var sealed: [UInt8] = []

    /// TLS on an open connection to a server of this name; `nil`: the name is none.
    ///
    /// The descriptor stays the caller's; `protocols` are what is offered.
    init?(
        _ context: TLSClientContext,
        _ name: String,
        on descriptor: Int32,
        _ room: CheckRoom,
        protocols: [String]
    ) {
        let connection = context.connect(
            room.port,
            serverName: name,
            protocols: protocols,
            resumes: false
        )
        guard let connection else { return nil }
        self.connection = connection
        self.descriptor = descriptor
        self.room = room
    }

    deinit { connection.free() }

    /// Whether both sides speak HTTP/2.
    var isHTTP2: Bool { connection.isHTTP2 }

    /// Goes on with the handshake as far as what has come allows.
    func handshake() -> Step {
        let cut = "the server ended the connection in the handshake"
        guard flush() else { return .failed(cut) }
        var offered = 0
        while true {
            connection.offer(room.sealed, offered)
            let step = connection.handshake()
            keep(offered)
            let isSent = send()
            switch step {
            case .failed(let failure): return .failed(failure.text)
            case _ where !isSent: return .failed(cut)
            case .done:
                isOpen = true
                return .done
            case .needMore: break
            }
            offered = weir_recv(descriptor, room.sealed, CheckRoom.size)
            if offered == Int(-EAGAIN) { return .needMore }
            if offered <= 0 { return .failed(cut) }
        }
    }

    /// Encrypts and sends; false if the connection is broken.
    ///
    /// What the kernel does not take leaves with ``flush()``.
    func send(_ bytes: [UInt8]) -> Bool {
        var taken = 0
        while taken < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                all.baseAddress.map { connection.write($0 + taken, all.count - taken) } ?? 0
            }
            guard count > 0, send() else { return false }
            taken += count
        }
        return true
    }

    /// Sends what waits; false if the connection is broken.
    func flush() -> Bool { unsent.flush(to: descriptor) }

    /// Receives and decrypts into the room's bytes.
    ///
    /// Returns how many there are, 0 at the server's end, `-EAGAIN` if nothing is there, another
    /// negative number if the connection is broken.
    func receive() -> Int {
        var offered = sealed.count
        sealed.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress {
                room.sealed.copyMemory(from: base, byteCount: bytes.count)
            }
        }
        sealed.removeAll(keepingCapacity: true)
        while true {
            connection.offer(room.sealed, offered)
            let count = connection.read(room.bytes, CheckRoom.size)
            if count < 0, count != TLSConnection.ended { failure = connection.failure.text }
            keep(offered)
            // An answer to a key update, or an alert.
            guard send() else { return Int(-ECONNRESET) }
            if count > 0 { return count }
            if count < 0 { return count == TLSConnection.ended ? 0 : Int(-EPROTO) }
            offered = weir_recv(descriptor, room.sealed, CheckRoom.size)
            if offered == Int(-EAGAIN) { return offered }
            // Without a close_notify the end may be somebody else's doing (RFC 8446 §6.1).
            if offered <= 0 { return Int(-ECONNRESET) }
        }
    }

    /// Tells the server that the check is over, before the descriptor is closed.
    func end() {
        guard isOpen, unsent.isEmpty else { return }
        connection.shutdown()
        _ = send()
    }

    /// Keeps what was offered and not taken, before other connections use the port.
    private func keep(_ offered: Int) {
        let unread = room.port.unread
        guard unread > 0, unread <= offered else { return }
        sealed = Array(
            UnsafeRawBufferPointer(start: room.sealed + (offered - unread), count: unread)
        )
    }

    /// Sends what stands in the port.
    private func send() -> Bool {
        unsent.append(room.port.output)
        room.port.clearOutput()
        return flush()
    }
}
