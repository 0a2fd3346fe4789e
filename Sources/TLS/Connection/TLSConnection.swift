import COpenSSL

/// One TLS connection: ciphertext from and to its port, plaintext from and to the caller.
///
/// A handle that is copied freely; the connection goes with `free`, once. All calls are made on
/// the thread of the port. Ciphertext that a call has made lies in the port's output afterwards
/// and is to be taken from there before another connection is called.
public struct TLSConnection: BitwiseCopyable {
    /// How far a handshake has come.
    public enum Step: Equatable {
        /// Both sides have agreed; what was offered besides can be read.
        case done
        /// More ciphertext is needed.
        case needMore
        /// It is over. The output may hold an alert that tells the peer.
        case failed(TLSFailure)
    }

    /// What `read` gives when the peer has ended its side with close_notify.
    public static let ended = -1
    /// What `read` and `write` give when the connection is broken; `failure` says why.
    public static let broken = -2

    /// What a record adds to its plaintext, and a key update beside it, at most.
    private static let overhead = 256
    /// The plaintext of a full record (RFC 8446 §5.1).
    private static let recordSize = 16_384

    let ssl: OpaquePointer
    private let port: UnsafeMutablePointer<PortState>

    /// A connection of `context`; `nil`: no memory.
    init?(context: OpaquePointer, port: TLSPort) {
        guard let ssl = SSL_new(context) else {
            ERR_clear_error()
            return nil
        }
        guard let bio = PortMethod.shared.open(port) else {
            SSL_free(ssl)
            return nil
        }
        SSL_set_bio(ssl, bio, bio)
        self.ssl = ssl
        self.port = port.state
    }

    /// Lends ciphertext that came from the peer, until the next offer on the port or `withdraw`.
    ///
    /// `handshake` takes all of it unless it ends; `read` does when it is called until it gives 0.
    /// What is left then is the port's `unread`.
    public func offer(_ bytes: UnsafeRawPointer, _ count: Int) {
        port.pointee.owner = ssl
        port.pointee.input = bytes
        port.pointee.inputCount = count
    }

    /// Goes on with the handshake as far as the offered bytes allow.
    ///
    /// The client's first flight is made by a call without an offer. Plain HTTP sent to a server
    /// is found before anything is answered: the output is empty then.
    public func handshake() -> Step {
        claim()
        if isServer, SSL_in_before(ssl) != 0, isPlainText {
            port.pointee.failure = TLSFailure(kind: .plainHTTP)
            return .failed(port.pointee.failure)
        }
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needMore
        default:
            fail()
            return .failed(port.pointee.failure)
        }
    }

    /// Decrypts up to `room` bytes of plaintext.
    ///
    /// The count, or 0: more ciphertext is needed (should some be unread, the port's output is
    /// full: take it and call again), or `ended`, or `broken`.
    public func read(_ target: UnsafeMutableRawPointer, _ room: Int) -> Int {
        claim()
        let count = SSL_read(ssl, target, Int32(clamping: room))
        if port.pointee.isFlooded {
            port.pointee.isFlooded = false
            fail()
            port.pointee.failure = TLSFailure(
                kind: .protocolError,
                isServer: isServer,
                detail: "too many key updates or renegotiations"
            )
            return Self.broken
        }
        if count > 0 { return Int(count) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return 0
        case SSL_ERROR_ZERO_RETURN: return Self.ended
        default:
            fail()
            return Self.broken
        }
    }

    /// Bytes of plaintext that are decrypted and not read yet.
    public var pending: Int { Int(SSL_pending(ssl)) }

    /// Encrypts into the port's output.
    ///
    /// How many bytes were taken, or `broken`: as many whole records as the port has room for.
    public func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        claim()
        var taken = 0
        while taken < count {
            let piece = min(count &- taken, Self.recordSize)
            guard port.pointee.room >= piece &+ Self.overhead else { break }
            let written = SSL_write(ssl, bytes + taken, Int32(truncatingIfNeeded: piece))
            guard written > 0 else {
                if SSL_get_error(ssl, written) == SSL_ERROR_WANT_READ { break }
                fail()
                return Self.broken
            }
            taken &+= Int(written)
        }
        return taken
    }

    /// Tells the peer that nothing more comes (close_notify).
    ///
    /// Without effect before the handshake is done, after a failure, and a second time.
    public func shutdown() {
        claim()
        guard SSL_is_init_finished(ssl) != 0, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0
        else { return }
        if SSL_shutdown(ssl) < 0 { ERR_clear_error() }
    }

    /// Gives record buffers back while nothing is under way, some 33 KB.
    ///
    /// `false`: a record is there in part, or not read to its end.
    @discardableResult
    public func freeBuffers() -> Bool { SSL_free_buffers(ssl) == 1 }

    /// Why the last call that failed on this port has failed.
    public var failure: TLSFailure { port.pointee.failure }

    /// Ends the connection's memory; nothing may be called on it afterwards.
    public func free() {
        // Without this OpenSSL would forbid to resume the session of a connection that was cut.
        if SSL_is_init_finished(ssl) != 0 {
            SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        }
        if port.pointee.owner == ssl { port.pointee.owner = nil }
        SSL_free(ssl)
    }

    var isServer: Bool { SSL_is_server(ssl) != 0 }

    /// Whether the bytes offered begin as no TLS record can: with a capital letter.
    private var isPlainText: Bool {
        guard port.pointee.inputCount > 0, let input = port.pointee.input else { return false }
        let first = input.load(as: UInt8.self)
        return first >= UInt8(ascii: "A") && first <= UInt8(ascii: "Z")
    }

    /// Makes sure that this connection reads no bytes that were offered to another one, and that
    /// no earlier error is taken for one of the call that follows.
    private func claim() {
        if port.pointee.owner != ssl {
            port.pointee.owner = ssl
            port.pointee.input = nil
            port.pointee.inputCount = 0
        }
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// Notes why the call just made failed, and empties OpenSSL's queue of errors.
    private func fail() {
        port.pointee.failure = TLSFailure(of: self)
        ERR_clear_error()
    }
}
