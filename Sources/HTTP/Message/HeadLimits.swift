/// How large a head may be.
public struct HeadLimits: BitwiseCopyable, Equatable, Sendable {
    /// Bytes of a whole head, from its first byte to its blank line, both included; at most 1 GiB.
    ///
    /// A chunked body's trailer section is held to the same number.
    public var headSize: Int
    /// Field lines.
    public var fields: Int
    /// Bytes of a request target.
    public var targetSize: Int

    /// Limits of these numbers.
    public init(headSize: Int, fields: Int, targetSize: Int) {
        self.headSize = min(max(headSize, 1), 1 << 30)
        self.fields = max(fields, 0)
        self.targetSize = min(max(targetSize, 1), 1 << 30)
    }
}

extension HeadLimits {
    /// The limits for the text that is made of a head of HTTP/2, which was held to these limits as
    /// it came: up to three field lines are written besides, and crumbs of cookies that did not
    /// count become one.
    public var ofBuiltText: HeadLimits {
        HeadLimits(headSize: headSize &+ 160, fields: fields &+ 4, targetSize: targetSize)
    }
}
