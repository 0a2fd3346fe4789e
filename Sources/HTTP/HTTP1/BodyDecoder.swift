/// Finds a message's body in the bytes that follow its head (RFC 9112 §6 and §7).
///
/// Chunk extensions are checked and passed over. The bytes stay with the caller.
public struct BodyDecoder: BitwiseCopyable, Sendable {
    /// What the bytes at the offset in question are.
    public enum Event: Equatable, BitwiseCopyable, Sendable {
        /// Everything up to `consumed` is used; nothing can be said before more bytes come.
        case needMore(consumed: Int)
        /// Body bytes; the caller goes on at the range's end.
        case data(ByteRange)
        /// The trailer section's lines with their CRLFs, without the blank line behind them; all
        /// of them at once and only if there are any. The caller goes on at the range's end.
        case trailers(ByteRange)
        /// The message is complete; bytes from `consumed` on belong to the next one.
        case end(consumed: Int)
    }

    /// The longest line of a chunk's size, its extensions and CRLF included, in bytes.
    public static let longestChunkLine = 1024

    private enum State: UInt8, BitwiseCopyable, Sendable {
        /// All bytes until the connection ends. Next: `complete`.
        case untilClose
        /// `owed` bytes of the one length. Next: `complete`.
        case length
        /// A chunk's size comes next. Next: `chunkData`, `trailers`.
        case chunkSize
        /// `owed` bytes of a chunk. Next: `chunkEnd`.
        case chunkData
        /// The CRLF behind a chunk's data. Next: `chunkSize`.
        case chunkEnd
        /// The trailer section. Next: `lastLine`, `complete`.
        case trailers
        /// The blank line behind a trailer section. Next: `complete`.
        case lastLine
        /// Final.
        case complete
    }

    private var owed: UInt64 = 0
    /// Bytes of an unfinished trailer section that were searched for its end.
    private var scanned: UInt32 = 0
    private var state: State

    /// A decoder at the beginning of a body of this framing.
    public init(_ framing: BodyFraming) {
        switch framing {
        case .none: state = .complete
        case .length(let length):
            owed = length
            state = length == 0 ? .complete : .length
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the message has ended.
    public var isComplete: Bool { state == .complete }

    /// Bytes that a body with a Content-Length still owes; nil for other framings.
    public var remaining: UInt64? {
        switch state {
        case .length: owed
        case .complete: 0
        case .untilClose, .chunkSize, .chunkData, .chunkEnd, .trailers, .lastLine: nil
        }
    }

    /// Takes note of `count` body bytes that went another way; only where `remaining` says how
    /// many may, or the body lasts until the connection ends.
    public mutating func consumed(_ count: UInt64) {
        guard state == .length else { return }
        owed = count < owed ? owed &- count : 0
        if owed == 0 { state = .complete }
    }

    /// The connection ended: whether the message is complete by it, or was before.
    public mutating func closed() -> Bool {
        if state == .untilClose { state = .complete }
        return state == .complete
    }

    /// What stands at `offset` of `input`.
    ///
    /// A chunk-size line or a trailer section that is not complete stays unconsumed; the next call
    /// must begin at its first byte again. `limits.headSize` bounds the trailer section,
    /// `limits.fields` the lines in it.
    ///
    /// - Throws: why the framing is refused; the connection cannot be used any further.
    public mutating func next(
        _ input: RawSpan,
        from offset: Int,
        limits: HeadLimits
    ) throws(BodyError) -> Event {
        var position = max(offset, 0)
        while true {
            switch state {
            case .complete: return .end(consumed: position)
            case .untilClose:
                guard position < input.byteCount else { return .needMore(consumed: position) }
                return .data(ByteRange(from: position, to: input.byteCount))
            case .length, .chunkData: return takeData(input, from: position)
            case .chunkSize:
                guard let line = try ChunkLine(input, from: position) else {
                    return .needMore(consumed: position)
                }
                position = line.end
                owed = line.size
                state = line.size == 0 ? .trailers : .chunkData
            case .chunkEnd:
                guard try takeLineEnd(input, at: position) else {
                    return .needMore(consumed: position)
                }
                position &+= 2
                state = .chunkSize
            case .trailers:
                guard let end = try trailersEnd(input, from: position, limits: limits) else {
                    return .needMore(consumed: position)
                }
                state = .lastLine
                if end > position { return .trailers(ByteRange(from: position, to: end)) }
            case .lastLine:
                guard try takeLineEnd(input, at: position) else {
                    return .needMore(consumed: position)
                }
                position &+= 2
                state = .complete
            }
        }
    }

    private mutating func takeData(_ input: RawSpan, from position: Int) -> Event {
        guard position < input.byteCount else { return .needMore(consumed: position) }
        let there = input.byteCount &- position
        let count = owed < UInt64(there) ? Int(owed) : there
        owed &-= UInt64(count)
        if owed == 0 { state = state == .length ? .complete : .chunkEnd }
        return .data(ByteRange(from: position, to: position &+ count))
    }

    /// Whether a CRLF stands at `position`; false if it is cut off.
    private func takeLineEnd(_ input: RawSpan, at position: Int) throws(BodyError) -> Bool {
        guard position < input.byteCount else { return false }
        guard input.byte(at: position) == Byte.carriageReturn else { throw .missingChunkEnd }
        guard position &+ 1 < input.byteCount else { return false }
        guard input.byte(at: position &+ 1) == Byte.lineFeed else { throw .missingChunkEnd }
        return true
    }

    /// Where the blank line that ends the trailer section begins; nil if it is not there yet.
    private mutating func trailersEnd(
        _ input: RawSpan,
        from start: Int,
        limits: HeadLimits
    ) throws(BodyError) -> Int? {
        let end = min(input.byteCount, start &+ limits.headSize)
        var position = start &+ Int(scanned)
        while position < end {
            let lineFeed = input.first(Byte.lineFeed, from: position, to: end)
            if lineFeed == end { break }
            position = lineFeed &+ 1
            guard lineFeed > start, input.byte(at: lineFeed &- 1) == Byte.carriageReturn else {
                throw .bareLineEnd
            }
            let isBlankLine =
                lineFeed == start &+ 1
                || (lineFeed >= start &+ 2 && input.byte(at: lineFeed &- 2) == Byte.lineFeed)
            if isBlankLine {
                let section = ByteRange(from: start, to: lineFeed &- 1)
                try checkTrailers(input, in: section, limits: limits)
                scanned = 0
                return lineFeed &- 1
            }
        }
        if end &- start >= limits.headSize { throw .trailersTooLarge }
        scanned = UInt32(truncatingIfNeeded: max(end &- start, 0))
        return nil
    }
}
