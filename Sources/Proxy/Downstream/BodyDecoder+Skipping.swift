import HTTP

extension BodyDecoder {
    /// Passes over body bytes; returns how many, nil for a broken body.
    mutating func skip(_ input: RawSpan, limits: HeadLimits) -> Int? {
        var offset = 0
        while true {
            let event: Event
            do throws(BodyError) {
                event = try next(input, from: offset, limits: limits)
            } catch { return nil }
            switch event {
            case .data(let range), .trailers(let range): offset = range.end
            case .needMore(let consumed), .end(let consumed): return consumed
            }
        }
    }
}
