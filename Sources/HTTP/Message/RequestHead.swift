/// The form of a request target (RFC 9112 §3.2); authority form comes with CONNECT only, which
/// is refused.
public enum TargetForm: UInt8, BitwiseCopyable, Sendable, Equatable {
    /// `/path?query`.
    case origin
    /// `http://host/path?query`.
    case absolute
    /// `*`, with OPTIONS only.
    case asterisk
}

/// What a request asks the connection to become.
public enum UpgradeRequest: UInt8, BitwiseCopyable, Sendable, Equatable {
    /// Nothing else.
    case none
    /// A WebSocket: an HTTP/1.1 GET without a body whose Connection names upgrade and whose one
    /// Upgrade field is `websocket`.
    case websocket
    /// Anything else that has an Upgrade field; it goes on as a plain request.
    case other
}

/// A request's head: ranges of the buffer that was parsed and what its fields mean.
public struct RequestHead: BitwiseCopyable, Sendable {
    /// The method.
    public var method: Method = .other
    /// The method as sent.
    public var methodName = ByteRange.empty
    /// The target as sent.
    public var target = ByteRange.empty
    /// The target's form.
    public var form = TargetForm.origin
    /// The path as sent, without the query.
    ///
    /// Empty for an absolute form without one, which
    /// means "/"; `*` for the asterisk form.
    public var path = ByteRange.empty
    /// The query as sent, without its question mark.
    public var query = ByteRange.empty
    /// Whether there is a question mark.
    public var hasQuery = false
    /// The host that counts, with its port: the target's in absolute form, else the Host field's.
    ///
    /// Empty only for HTTP/1.0 without Host.
    public var authority = ByteRange.empty
    /// 0 or 1; later ones of HTTP/1 count as 1 (RFC 9110 §2.5).
    public var minorVersion: UInt8 = 1
    /// Where the request line begins: past empty lines before it (RFC 9112 §2.2).
    public var start = 0
    /// Bytes consumed, empty lines before and the blank line behind included.
    public var headSize = 0
    /// The body; never `untilClose`.
    public var framing = BodyFraming.none
    /// Whether the client leaves the connection open after the answer.
    public var keepAlive = false
    /// Whether the client waits for a 100 before it sends its body.
    public var expectsContinue = false
    /// What the connection shall become.
    public var upgrade = UpgradeRequest.none

    /// A head of nothing yet.
    public init() {}
}
