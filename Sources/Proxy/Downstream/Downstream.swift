import CLinux
import EventLoop
import HTTP

/// A client's connection.
///
/// It owns no buffer while it is idle; what a request needs besides lives in its ``Exchange``.
struct Downstream: SlabEntry {
    /// Where the connection stands.
    enum Phase: UInt8 {
        /// A PROXY header has to come first. Next: `handshake`, `idle`, `lingering`.
        case header
        /// TLS is being agreed on. Next: `idle`, `lingering`.
        case handshake
        /// Between requests, without a byte of the next one. Next: `head`, `busy`, `lingering`.
        case idle
        /// Part of a head has arrived. Next: `busy`, `idle`, `lingering`.
        case head
        /// An exchange runs. Next: `idle`, `lingering`, `tunnel`.
        case busy
        /// It speaks HTTP/2 and carries streams. Next: `lingering`.
        case carrier
        /// Bytes pass both ways after an upgrade. Final.
        case tunnel
        /// A request was answered without its body, which is read past. Next: `idle`, `lingering`.
        case discarding
        /// The answer is sent, what still comes is dropped. Final.
        case lingering
    }

    /// Facts about the connection.
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt16
        /// Bytes or the client's end may wait to be read.
        static let readable = Flags(rawValue: 1)
        /// The client will send nothing more.
        static let finished = Flags(rawValue: 2)
        /// The connection failed or both directions have ended.
        static let broken = Flags(rawValue: 4)
        /// The loop reports its events.
        static let registered = Flags(rawValue: 8)
        /// It stands in the ready list.
        static let queued = Flags(rawValue: 16)
        /// It closes once its output has left.
        static let closesAfterOutput = Flags(rawValue: 32)
        /// It lingers before it closes, since the client may still be sending.
        static let lingers = Flags(rawValue: 64)
        /// It is in the list of idle connections.
        static let listedIdle = Flags(rawValue: 128)
        /// It counts towards `max-connections-per-client`.
        static let countedClient = Flags(rawValue: 256)
        /// The peer is a trusted proxy.
        static let trustedPeer = Flags(rawValue: 512)
        /// The sending direction was shut.
        static let shut = Flags(rawValue: 1024)
        /// What the client sends came encrypted.
        static let encrypted = Flags(rawValue: 2048)
        /// It is readable, but others have their turn first.
        static let paused = Flags(rawValue: 4096)
        /// Its time without a request is over, but something has come in that moment.
        static let overstays = Flags(rawValue: 8192)
        /// It is in the list of handshakes whose client has said nothing whole.
        static let listedUnheard = Flags(rawValue: 16384)
    }

    var generation: UInt32 = 0
    var nextFree: Int32 = -1
    var descriptor: Int32 = -1
    var exchange: Int32 = -1
    var phase: Phase = .idle
    var listener: UInt16 = 0
    var flags: Flags = []
    var parser = RequestParser()
    /// Bytes received and not yet used.
    var input = Buffer()
    /// Bytes of an answer that the kernel would not take yet.
    var output = Buffer()
    var peer = weir_address()
    /// What it has besides where it speaks TLS; ``output`` is ciphertext then.
    var secure = SecureSide()
    /// Who the client is by its certificate, once a changed head has named it: two numbers of
    /// bytes, then subject, names and fingerprint.
    var identity = Buffer()
    /// What it has besides where it speaks HTTP/2.
    var streams = StreamSide()
    /// When the present phase has lasted too long.
    var deadline = Instant.never
    /// Requests begun on this connection.
    var served: UInt32 = 0
    /// What is left of a body that is read past.
    var discarded = BodyDecoder(.none)
    /// Bytes dropped while lingering or discarding.
    var dropped: UInt32 = 0
    var idleNext: Int32 = -1
    var idlePrevious: Int32 = -1
}
