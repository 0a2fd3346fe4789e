/// An answer's head: ranges of the buffer that was parsed and what its fields mean.
public struct ResponseHead: BitwiseCopyable, Sendable {
    /// The status code, 100 to 599.
    public var status: UInt16
    /// The reason phrase; may be empty.
    public var reason: ByteRange
    /// 0 or 1; later ones of HTTP/1 count as 1 (RFC 9110 §2.5).
    public var minorVersion: UInt8
    /// Bytes consumed, blank line included.
    public var headSize: Int
    /// The value of Content-Length.
    public var contentLength: UInt64?
    /// Whether the body comes in chunks.
    public var isChunked: Bool
    /// Whether the server leaves the connection open after the answer.
    public var keepAlive: Bool
    /// Seconds that the server keeps an idle connection, from `Keep-Alive: timeout=`.
    public var keepAliveTimeout: UInt32?
    /// Whether it is a 101 whose Connection names upgrade and whose Upgrade is `websocket`.
    public var upgradesToWebSocket: Bool

    /// Where the body ends if the answer is to a request of this method (RFC 9112 §6.3).
    public func framing(for method: Method) -> BodyFraming {
        if method == .head || status < 200 || status == 204 || status == 304 { return .none }
        if isChunked { return .chunked }
        if let contentLength { return .length(contentLength) }
        return .untilClose
    }
}
