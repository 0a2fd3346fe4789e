/// How far an incomplete head was looked at: what makes a byte-at-a-time sender cheap.
///
/// A head is parsed again only when a new line may have ended or a limit was passed.
struct HeadProgress: BitwiseCopyable {
    /// Bytes known to hold no line end that has not been parsed.
    private var scanned: UInt32 = 0
    /// From so many bytes on a verdict is due even without a line end.
    private var due: UInt32 = 0

    /// Whether parsing now may give more than last time.
    func isWorthParsing(_ input: RawSpan) -> Bool {
        if scanned == 0 || input.byteCount >= Int(due) { return true }
        return input.first(Byte.lineFeed, from: Int(scanned), to: input.byteCount)
            < input.byteCount
    }

    /// Nothing can be said before a line ends or `due` bytes are there.
    mutating func wait(at count: Int, due: Int) {
        scanned = UInt32(truncatingIfNeeded: count)
        self.due = UInt32(truncatingIfNeeded: due)
    }

    /// Whether an error in the line at `lineStart` has to wait, so that it is the same one
    /// however the bytes arrive.
    static func mustWait(_ input: RawSpan, lineStart: Int, to end: Int, due: Int) -> Bool {
        input.byteCount < due && input.first(Byte.lineFeed, from: lineStart, to: end) == end
    }
}
