import EventLoop
import HTTP

/// What a connection to an endpoint has besides where HTTP/2 is spoken.
///
/// The connection itself, the carrier, has a ``session``. Each of its streams has a slot of its own
/// among the upstream connections, without a descriptor: to the exchange it is a connection that
/// serves one request.
struct ServerStreams: BitwiseCopyable {
    /// The carrier's codec, which it retains; `nil` for everybody else, and before it stands.
    var session: Unmanaged<HTTP2Connection>?
    /// The carrier's newest stream, -1 for none.
    var newest: Int32 = -1
    /// The carrier's oldest stream, -1 for none.
    var oldest: Int32 = -1
    /// How many streams the carrier has.
    var count: Int32 = 0
    /// How many of them have not been sent: the carrier does not stand yet, or is full.
    var waiting: Int32 = 0
    /// How many of them have body bytes that wait for frames.
    var bodies: Int32 = 0
    /// Carriers of the same endpoint that take streams, as a list.
    var nextCarrier: Int32 = -1
    var previousCarrier: Int32 = -1
    /// When anything of the carrier's streams last came.
    var heard = Instant(nanoseconds: 0)
    /// A stream's carrier; -1 for everybody else, and once the carrier has gone.
    var carrier: Int32 = -1
    /// A stream's number (RFC 9113 §5.1.1); 0 before it is sent.
    var id: Int32 = 0
    /// The carrier's streams, as a list.
    var older: Int32 = -1
    var newer: Int32 = -1
    /// Body bytes that were received and not given back to the server's window yet.
    var uncredited: UInt32 = 0
    var flags: Flags = []
    /// The request's trailer lines, until the codec has them.
    var trailers = Buffer()
    /// The answer's trailer lines, until the client's side has them.
    var answerTrailers = Buffer()
    /// Finds the request's body in what the exchange sends.
    var body = BodyDecoder(.none)

    /// What has happened on a stream, or to a carrier.
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt16
        /// The request's head has been handed to the codec.
        static let headSent = Flags(rawValue: 1)
        /// All of the request's body is there; nothing comes behind what waits.
        static let ended = Flags(rawValue: 2)
        /// The server has sent all that it will.
        static let serverEnded = Flags(rawValue: 4)
        /// The stream is over for the codec too.
        static let reset = Flags(rawValue: 8)
        /// It waits to be looked at before the batch is sent, or once it is read.
        static let isQueued = Flags(rawValue: 16)
        /// The carrier takes no further streams.
        static let ending = Flags(rawValue: 32)
        /// The carrier is in its endpoint's list.
        static let isListed = Flags(rawValue: 64)
        /// The server's settings were heeded.
        static let isSettled = Flags(rawValue: 128)
        /// The request's text is none that HTTP/2 can carry.
        static let unspeakable = Flags(rawValue: 256)
    }
}

extension UnsafeMutablePointer<Upstream> {
    /// Whether this is one of several streams of a carrier.
    var isOfStream: Bool { pointee.transport == .stream }
}
