import CLinux
import EventLoop
import TLS

/// Memory that the TLS connections of one thread use in turn.
final class SecureRoom {
    /// Bytes of ciphertext received at once, and of plaintext read at once: a full record.
    static let size = 16_384
    /// Where ciphertext is received.
    let sealed = UnsafeMutableRawPointer.allocate(byteCount: SecureRoom.size, alignment: 16)
    /// Where plaintext is read.
    let plain = UnsafeMutableRawPointer.allocate(byteCount: SecureRoom.size, alignment: 16)
    /// Where OpenSSL gets and gives ciphertext.
    let port = TLSPort()

    deinit {
        sealed.deallocate()
        plain.deallocate()
    }
}

/// TLS on one socket, on either side of it; never waits.
///
/// What a receive has brought is decrypted to its end, so that the kernel alone says whether there
/// is more; what it does not take of what is sent waits here.
final class SecureChannel {
    /// What a receive has brought.
    enum Reading: Equatable {
        /// Nothing; the kernel has no more.
        case nothing
        /// Something, be it a part of the handshake.
        case some
        /// The other side has ended its sending (close_notify), perhaps behind bytes.
        case ended
        /// A client speaks plain HTTP; it was not answered.
        case plainHTTP
        /// The connection is of no more use; why, in plain words.
        case failed(String)
    }

    /// Plaintext that is encrypted at once, as far as the kernel is to keep up with it.
    private static let portion = 65_536
    /// Why a connection ends that nobody has ended.
    private static let cut = "the connection was cut"

    /// Whether the handshake is done.
    private(set) var isOpen = false
    private let descriptor: Int32
    private let room: SecureRoom
    private let connection: TLSConnection
    /// Ciphertext that the kernel did not take yet.
    private var unsent = UnsentBytes()

    private init(_ connection: TLSConnection, on descriptor: Int32, _ room: SecureRoom) {
        self.connection = connection
        self.descriptor = descriptor
        self.room = room
    }

    deinit { connection.free() }

    /// The server's side of a socket that was accepted; `nil`: no memory.
    ///
    /// The descriptor stays the caller's.
    static func accepting(
        _ context: TLSServerContext,
        on descriptor: Int32,
        _ room: SecureRoom
    ) -> SecureChannel? {
        context.accept(room.port).map { SecureChannel($0, on: descriptor, room) }
    }

    /// The client's side of a socket that is connected, or about to be, to a server of this name;
    /// `nil`: no memory, or the name is none.
    ///
    /// The descriptor stays the caller's.
    static func connecting(
        _ context: TLSClientContext,
        to name: String,
        on descriptor: Int32,
        _ room: SecureRoom
    ) -> SecureChannel? {
        let connection = context.connect(room.port, serverName: name, resumes: false)
        guard let connection else { return nil }
        let channel = SecureChannel(connection, on: descriptor, room)
        _ = connection.handshake()
        channel.keepOutput()
        return channel
    }

    /// Whether ciphertext waits for the kernel to take it.
    var hasUnsent: Bool { !unsent.isEmpty }

    /// SHA-256 of the certificate that the other side has shown; `nil` where it has shown none.
    var peerFingerprint: String? { connection.peerCertificate?.fingerprint }

    /// Receives once and adds what it holds to `plaintext`.
    func receive(into plaintext: inout [UInt8]) -> Reading {
        let count = weir_recv(descriptor, room.sealed, SecureRoom.size)
        if count == Int(-EAGAIN) { return .nothing }
        // Without a close_notify the end may be somebody else's doing (RFC 8446 §6.1).
        guard count > 0 else { return .failed(Self.cut) }
        connection.offer(room.sealed, count)
        if !isOpen {
            let step = connection.handshake()
            if case .failed(let failure) = step, failure.kind == .plainHTTP {
                room.port.clearOutput()
                return .plainHTTP
            }
            let isSent = send()
            switch step {
            case .failed(let failure): return .failed(failure.text)
            case .needMore: return isSent ? .some : .failed(Self.cut)
            case .done: isOpen = true
            }
        }
        return decrypt(into: &plaintext)
    }

    /// Reads all that was offered.
    private func decrypt(into plaintext: inout [UInt8]) -> Reading {
        while true {
            let count = connection.read(room.plain, SecureRoom.size)
            if count > 0 {
                plaintext += UnsafeRawBufferPointer(start: room.plain, count: count)
                continue
            }
            let failure = count == TLSConnection.broken ? connection.failure.text : ""
            // An answer to a key update, or an alert.
            let isSent = send()
            switch count {
            case TLSConnection.ended: return .ended
            case TLSConnection.broken: return .failed(failure)
            case _ where !isSent: return .failed(Self.cut)
            // Answers had no room beside those that have left now.
            case _ where room.port.unread > 0: continue
            default: return .some
            }
        }
    }

    /// Encrypts and sends some bytes, as far as nothing waits from before; returns how many were
    /// taken, a negative number if the connection is broken.
    func send(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        guard flush() else { return -1 }
        guard unsent.isEmpty, isOpen else { return 0 }
        let taken = connection.write(bytes, min(count, Self.portion))
        guard taken >= 0, send() else { return -1 }
        return taken
    }

    /// Sends what waits; false if the connection is broken.
    func flush() -> Bool { unsent.flush(to: descriptor) }

    /// Gives back some 33 KB, where nothing is under way.
    func rest() {
        if isOpen, unsent.isEmpty { connection.freeBuffers() }
    }

    /// Tells the other side that nothing more comes, before the descriptor is closed.
    func end() {
        guard isOpen, unsent.isEmpty else { return }
        connection.shutdown()
        _ = send()
    }

    /// Sends what stands in the port.
    private func send() -> Bool {
        keepOutput()
        return flush()
    }

    private func keepOutput() {
        unsent.append(room.port.output)
        room.port.clearOutput()
    }
}
