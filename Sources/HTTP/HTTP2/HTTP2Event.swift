/// Something that a HTTP/2 connection's peer did, or that became of a request.
///
/// Exactly one event of a stream has `endsStream` set unless the stream is reset before.
public struct HTTP2Event: BitwiseCopyable, Sendable {
    /// What happened.
    public enum Kind: UInt8, BitwiseCopyable, Sendable, Equatable {
        /// A request's head, or an answer's final one, as HTTP/1 text with its blank line, in the
        /// connection's `text`.
        ///
        /// A server may set the stream's token now.
        case head
        /// An interim answer's head, as HTTP/1 text (client only).
        case interim
        /// Bytes of a body, where they lie in the bytes received.
        case data
        /// A trailer section as lines of HTTP/1 without a blank one, in `text`; nothing of the
        /// stream follows.
        case trailers
        /// The peer has ended the stream without more to say.
        case end
        /// The stream is gone: the peer reset it with `code`.
        case reset
        /// The stream is gone and the server has not looked at it: the request may be sent again
        /// elsewhere (client only).
        case refused
        /// The stream is being reset because the peer's message is malformed; `flaw` says why.
        ///
        /// The stream may be one that was never announced.
        case malformed
        /// A request that has to be answered with the status in `code`: 431 where its head is
        /// larger than the limits, 414 where its target is, 501 where it asks for a protocol
        /// that is not known (server only).
        ///
        /// A server may set the stream's token now. What remains of it is not wanted.
        case reject
        /// The peer takes no more requests, or sends none, beyond `stream`; `code` says why.
        case goAway
    }

    /// What happened.
    public var kind: Kind
    /// What is wrong with a malformed message.
    public var flaw = HTTP2Flaw.none
    /// Whether the peer has ended the stream with it.
    public var endsStream = false
    /// Whether a head asks for a WebSocket by extended CONNECT (RFC 8441).
    public var isWebSocket = false
    /// Whether a request that is to be rejected is known to have the method HEAD.
    public var isHead = false
    /// Whether the stream of a request that was not looked at yet is over already, so that there is
    /// nobody to answer (server only).
    public var isGone = false
    /// Whether a head's content is a call of gRPC, or the answer to one.
    public var isCall = false
    /// The stream; of a goAway the last one that the peer has looked at.
    public var stream: Int32
    /// Where its bytes begin.
    public var offset: Int32 = 0
    /// How many bytes they are.
    public var count: Int32 = 0
    /// An HTTP/2 error code, or the status of a reject.
    public var code: UInt32 = 0
    /// The number that the caller gave the stream; 0 before.
    public var token: UInt64 = 0
    /// The names of a head's fields that no compression may remember (RFC 7541 §6.2.3): to be
    /// given to the side that sends the head on.
    public var sensitive = SensitiveNames()

    /// An event of this kind.
    init(_ kind: Kind, stream: Int32) {
        self.kind = kind
        self.stream = stream
    }
}

/// A set of field names that may hold more than was put in, but never less.
public struct SensitiveNames: BitwiseCopyable, Equatable, Sendable {
    private var bits: UInt64 = 0

    /// The set without any name.
    public init() {}

    /// Whether no name is in it.
    public var isEmpty: Bool { bits == 0 }

    /// Adds the names of another set.
    public mutating func formUnion(_ other: SensitiveNames) { bits |= other.bits }

    /// Adds the name that has this sum.
    mutating func insert(_ sum: NameSum) { bits |= sum.bit }

    /// Whether the name that has this sum may be in it.
    func mayContain(_ sum: NameSum) -> Bool { bits & sum.bit != 0 }
}

/// A sum over a name's bytes, taken one by one in lower case (FNV-1a).
struct NameSum {
    private var sum: UInt32 = 0x811c_9dc5

    /// Takes in the next byte.
    mutating func add(_ byte: UInt8) { sum = (sum ^ UInt32(byte)) &* 0x0100_0193 }

    /// The name's bit among 64.
    var bit: UInt64 { 1 &<< UInt64((sum ^ sum >> 16) & 63) }
}
