import EventLoop
import HTTP

/// What a client's connection has besides where HTTP/2 is spoken.
///
/// The connection itself, the carrier, has a ``session``. Each of its streams has a slot of its own
/// among the downstream connections, without a descriptor: to the exchange it is a connection that
/// serves one request.
struct StreamSide: BitwiseCopyable {
    /// The carrier's codec, which it retains; `nil` for everybody else.
    var session: Unmanaged<HTTP2Connection>?
    /// The carrier's newest stream, -1 for none.
    var newest: Int32 = -1
    /// How many streams the carrier has.
    var count: Int32 = 0
    /// A stream's carrier, -1 for everybody else.
    var carrier: Int32 = -1
    /// A stream's number (RFC 9113 §5.1.1).
    var id: Int32 = 0
    /// The carrier's streams, as a list.
    var older: Int32 = -1
    var newer: Int32 = -1
    /// Body bytes that were received and not given back to the client's window yet.
    var uncredited: UInt32 = 0
    var flags: StreamFlags = []
    /// Names of fields, of either side's head, that no compression may remember (RFC 7541 §7.1.3).
    var sensitive = SensitiveNames()
    /// The answer's trailer lines, until the codec has them.
    var trailers = Buffer()
    /// Bytes of the answer that have gone out in frames.
    var taken: Int64 = 0
}

/// What has happened on a stream.
struct StreamFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt16
    /// The answer's final head has been handed to the codec.
    static let headSent = StreamFlags(rawValue: 1)
    /// The answer's end has been handed to the codec.
    static let ended = StreamFlags(rawValue: 2)
    /// The client's body arrives in chunks of Weir's own making.
    static let chunked = StreamFlags(rawValue: 4)
    /// The client has sent all that it will.
    static let clientEnded = StreamFlags(rawValue: 8)
    /// The stream is over for the codec too.
    static let reset = StreamFlags(rawValue: 16)
    /// It waits to be looked at before the batch is sent.
    static let isQueued = StreamFlags(rawValue: 32)
    /// The carrier takes no further streams.
    static let ending = StreamFlags(rawValue: 64)
    /// The carrier's client has begun a head and not ended it.
    static let insideHead = StreamFlags(rawValue: 128)
    /// Streams of the carrier have parts of answers that wait for frames.
    static let lends = StreamFlags(rawValue: 256)
    /// The carrier's client sends nothing more: it ends with its streams.
    static let inputEnded = StreamFlags(rawValue: 512)
}
