/// Why an answer cannot be read any further.
public enum AnswerFault: Error, Equatable {
    /// Its head is refused.
    case head(HeadError)
    /// Its body's framing is refused.
    case body(BodyError)
    /// Too many interim answers, or another protocol that nobody asked for.
    case interim
}

/// Reads the one answer that a connection owes to a question of Weir's own; interim answers are
/// passed over.
///
/// Holds only how far it came; the bytes stay with the caller.
public struct AnswerReader: BitwiseCopyable, Sendable {
    /// What the bytes at the offset in question are.
    public enum Event: BitwiseCopyable, Sendable {
        /// So many of the bytes are used; the others are to be shown again with those to come.
        case needMore(used: Int)
        /// The final head, at `offset` of the bytes: its ranges and the table's count from there.
        /// The caller goes on at its end.
        case head(ResponseHead, offset: Int)
        /// Body bytes; the caller goes on at the range's end.
        case data(ByteRange)
        /// The answer is complete; what follows the used bytes was not asked for.
        case end(used: Int)
    }

    /// More interim answers are refused.
    public static let mostInterims = 4

    private let method: Method
    private var parser = ResponseParser()
    private var body = BodyDecoder(.none)
    private var interims: UInt8 = 0
    private var hasHead = false

    /// At the beginning of the answer to a request of this method.
    public init(to method: Method) { self.method = method }

    /// What stands at `offset` of `bytes`, which are those not used before and those that have
    /// come since.
    ///
    /// - Throws: why the connection cannot be used any further.
    public mutating func next(
        _ bytes: RawSpan,
        from offset: Int,
        into fields: inout FieldTable,
        limits: HeadLimits
    ) throws(AnswerFault) -> Event {
        var position = min(max(offset, 0), bytes.byteCount)
        while !hasHead {
            let rest = bytes.extracting(position..<bytes.byteCount)
            let parsed: ResponseHead?
            do throws(HeadError) {
                parsed = try parser.parse(rest, into: &fields, limits: limits)
            } catch {
                throw .head(error)
            }
            guard let head = parsed else { return .needMore(used: position) }
            guard head.status < 200 else {
                hasHead = true
                body = BodyDecoder(head.framing(for: method))
                return .head(head, offset: position)
            }
            interims &+= 1
            if head.status == 101 || interims > Self.mostInterims { throw .interim }
            position &+= head.headSize
        }
        do throws(BodyError) {
            return try nextOfBody(bytes, position, limits)
        } catch {
            throw .body(error)
        }
    }

    private mutating func nextOfBody(
        _ bytes: RawSpan,
        _ offset: Int,
        _ limits: HeadLimits
    ) throws(BodyError) -> Event {
        var position = offset
        while true {
            switch try body.next(bytes, from: position, limits: limits) {
            case .needMore(let consumed): return .needMore(used: consumed)
            case .data(let range): return .data(range)
            case .trailers(let range): position = range.end
            case .end(let consumed): return .end(used: consumed)
            }
        }
    }

    /// The connection ended: whether the answer is complete.
    public mutating func closed() -> Bool { hasHead && body.closed() }
}
