import EventLoop
import TLS

/// What a connection that speaks TLS has besides: nothing for one that does not.
struct SecureSide: BitwiseCopyable {
    /// OpenSSL's side of it; freed with the connection.
    var connection: TLSConnection?
    /// Ciphertext that was received and that nobody has decrypted yet.
    var sealed = Buffer()

    /// Ciphertext that leaves with the answer to what the client has sent: a session ticket.
    var held = Buffer()
    /// Whether the peer's end, or a failure, was met behind bytes and is still to be reported.
    var endsBehind = false
    /// Whether it has been idle for so long that its record buffers were given back.
    var isResting = false

    /// Whether the connection speaks TLS.
    var isOn: Bool { connection != nil }
}

/// What came of receiving and decrypting once.
struct SecureRead {
    /// Bytes of plaintext; 0 at the peer's end, `-EAGAIN` if nothing is there, another negative
    /// number if the connection has failed.
    var count: Int
    /// Whether the kernel and OpenSSL have nothing more at present.
    var isDrained: Bool
    /// Whether much was received that held little: the kernel may have more.
    var isPaused = false
}
