/// How a message says where its body ends (RFC 9112 §6).
public enum BodyFraming: Equatable, BitwiseCopyable, Sendable {
    /// There is no body.
    case none
    /// Exactly so many bytes; 0 where a Content-Length of 0 was sent.
    case length(UInt64)
    /// The chunked transfer coding, which ends itself.
    case chunked
    /// All bytes until the connection ends; answers only.
    case untilClose
}
