/// A stretch of bytes in the buffer that the caller parses from.
///
/// Heads are tables of such ranges rather than strings, so that parsing one allocates nothing.
public struct ByteRange: BitwiseCopyable, Equatable, Sendable {
    /// The first byte, counted from the start of the buffer.
    public var offset: UInt32
    /// How many bytes.
    public var count: UInt32

    /// An empty range at the buffer's start.
    public static var empty: ByteRange { ByteRange(offset: 0, count: 0) }

    /// The range of `count` bytes from `offset` on.
    public init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    /// The range between two offsets; `end` is past the last byte and not below `start`.
    public init(from start: Int, to end: Int) {
        self.offset = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: end &- start)
    }

    /// Past the last byte.
    public var end: Int { Int(offset) &+ Int(count) }
    /// The first byte as an `Int`.
    public var start: Int { Int(offset) }
    /// Whether no byte is in it.
    public var isEmpty: Bool { count == 0 }
}
