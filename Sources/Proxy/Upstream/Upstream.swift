import EventLoop
import HTTP

/// A connection to an endpoint.
struct Upstream: SlabEntry {
    /// Where the connection stands.
    enum Phase: UInt8 {
        /// The connection is being opened, or the stream waits for its carrier. Next: `securing`,
        /// `busy`, `carrier`.
        case connecting
        /// TLS is being agreed on. Next: `busy`, `carrier`.
        case securing
        /// It carries an exchange. Next: `idle`.
        case busy
        /// It is kept for the next request. Next: `busy`.
        case idle
        /// It speaks HTTP/2 and carries streams. Final.
        case carrier
    }

    /// How its bytes travel.
    enum Transport: UInt8 {
        /// By its socket, as they are.
        case plain
        /// By its socket, encrypted.
        case secure
        /// In frames, by another connection's socket.
        case stream
    }

    /// Facts about the connection.
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        /// Bytes or the server's end may wait to be read.
        static let readable = Flags(rawValue: 1)
        /// The server will send nothing more.
        static let finished = Flags(rawValue: 2)
        /// The connection failed or both directions have ended.
        static let broken = Flags(rawValue: 4)
        /// It has answered a request before.
        static let reused = Flags(rawValue: 8)
        /// It stands in the ready list.
        static let queued = Flags(rawValue: 16)
        /// Sending failed: what is left to do is to read an early answer.
        static let sendFailed = Flags(rawValue: 32)
        /// It takes no further request.
        static let closesAfterAnswer = Flags(rawValue: 64)
        /// The sending direction was shut.
        static let shut = Flags(rawValue: 128)
    }

    var generation: UInt32 = 0
    var nextFree: Int32 = -1
    var descriptor: Int32 = -1
    var exchange: Int32 = -1
    var endpoint: Int32 = -1
    var phase: Phase = .connecting
    var transport: Transport = .plain
    var flags: Flags = []
    var parser = ResponseParser()
    /// Bytes received and not yet used.
    var input = Buffer()
    /// Bytes that the kernel would not take yet: ciphertext, or what came through a tunnel.
    var output = Buffer()
    /// What it has besides where it speaks TLS.
    var secure = SecureSide()
    /// What it has besides where it speaks HTTP/2.
    var streams = ServerStreams()
    /// When the present phase has lasted too long.
    var deadline = Instant.never
    /// From when on it takes no new request.
    var expires = Instant.never
    /// Until when the server keeps it while it is idle.
    var keptUntil = Instant.never
    /// Bytes sent before the present request began.
    var sentBefore: UInt64 = 0
    /// Bytes sent in all.
    var sent: UInt64 = 0
    var served: UInt32 = 0
    var idleNext: Int32 = -1
    var idlePrevious: Int32 = -1
}
