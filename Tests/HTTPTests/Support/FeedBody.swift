import HTTP

/// What decoding a body came to.
struct BodyResult: Equatable, CustomStringConvertible {
    enum Ending: Equatable {
        /// Complete, with so many bytes consumed.
        case complete(Int)
        case error(BodyError)
        /// So many bytes consumed, more needed.
        case incomplete(Int)
    }

    var data: [UInt8] = []
    var trailers: [UInt8] = []
    var ending = Ending.incomplete(0)
    /// Something that the decoder must never do.
    var violation: String?

    var description: String {
        "\(String(decoding: data, as: UTF8.self))|\(String(decoding: trailers, as: UTF8.self))|"
            + "\(ending) \(violation ?? "")"
    }
}

/// Decodes a body whose bytes arrive up to each of `cuts` in turn; what was consumed is gone from
/// the buffer by the next arrival.
func decodeBody(
    _ bytes: [UInt8],
    _ framing: BodyFraming,
    cuts: [Int],
    limits: HeadLimits = usualLimits
) -> BodyResult {
    var decoder = BodyDecoder(framing)
    var result = BodyResult()
    var gone = 0
    for cut in cuts where cut >= gone {
        let buffer = Array(bytes[gone..<cut])
        var offset = 0
        var isWaiting = false
        while !isWaiting {
            let event: BodyDecoder.Event
            do throws(BodyError) {
                event = try decoder.next(buffer.span.bytes, from: offset, limits: limits)
            } catch {
                result.ending = .error(error)
                return result
            }
            switch event {
            case .needMore(let consumed):
                if consumed < offset || consumed > buffer.count {
                    result.violation = "consumed \(consumed) of \(buffer.count) from \(offset)"
                    return result
                }
                gone += consumed
                result.ending = .incomplete(gone)
                isWaiting = true
            case .data(let range), .trailers(let range):
                if range.start < offset || range.end > buffer.count || range.isEmpty {
                    result.violation = "\(range) of \(buffer.count) from \(offset)"
                    return result
                }
                if case .data = event {
                    result.data += buffer[range.start..<range.end]
                } else {
                    result.trailers += buffer[range.start..<range.end]
                }
                offset = range.end
            case .end(let consumed):
                if consumed < offset || consumed > buffer.count || !decoder.isComplete {
                    result.violation = "ended at \(consumed) of \(buffer.count)"
                }
                result.ending = .complete(gone + consumed)
                return result
            }
        }
    }
    return result
}
