/// What the caller keeps with a connection of how fast its peer takes what waits for it.
///
/// Nothing here looks at it; it lies with the connection so that others need no room for it.
public struct HTTP2Notes: BitwiseCopyable, Sendable, Equatable {
    /// Since when bytes wait that the kernel would not take, in nanoseconds; `nil` if none do.
    public var waitsSince: Int64?
    /// When the peer last took some, in nanoseconds.
    public var tookLast: Int64 = 0
    /// Bytes that the peer had acknowledged at the last look; 0 before the first.
    public var acknowledged: Int64 = 0
    /// Bytes that the peer has taken since `waitsSince`.
    public var taken: Int64 = 0

    /// Nothing waits.
    public init() {}
}
