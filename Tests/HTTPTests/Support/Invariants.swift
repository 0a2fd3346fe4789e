import HTTP

/// A parser that reads bytes from the network, and what must hold whatever they are.
enum ParserUnderTest: String, CaseIterable, Sendable {
    case request
    case response
    case body
    case http2Server = "http2-server"
    case http2Client = "http2-client"
    case proxyHeader = "proxy-header"

    /// What is wrong with how the parser takes these bytes; nil if nothing is.
    ///
    /// Every input must give a value or a typed error, and the same one whole, byte by byte and
    /// cut at random places; every range must lie inside what was given. The first byte of a
    /// body's input chooses its framing. An HTTP/2 connection must besides stand whatever its
    /// owner does in between.
    func violation(on bytes: [UInt8], cutting random: inout TestRandom) -> String? {
        // Small, so that inputs meet the limits too.
        let limits = HeadLimits(headSize: 1024, fields: 20, targetSize: 200)
        switch self {
        case .request:
            return compare(bytes, &random) { parseRequest(bytes, cuts: $0, limits: limits) }
        case .response:
            return compare(bytes, &random) { parseResponse(bytes, cuts: $0, limits: limits) }
        case .body:
            guard let first = bytes.first else { return nil }
            let rest = Array(bytes.dropFirst())
            let framing: BodyFraming =
                switch first {
                case 0: .none
                case 1...31: .length(UInt64(first))
                case 32: .untilClose
                default: .chunked
                }
            return compare(rest, &random) { decodeBody(rest, framing, cuts: $0, limits: limits) }
        case .http2Server, .http2Client:
            let role: HTTP2Role = self == .http2Server ? .server : .client
            if let violation = driveHTTP2(role, bytes, limits: limits, &random) { return violation }
            return compare(bytes, &random) { feedHTTP2(role, bytes, cuts: $0, limits: limits) }
        case .proxyHeader: return compare(bytes, &random) { readProxyHeader(bytes, cuts: $0) }
        }
    }

    /// What is read of a header whose bytes arrive up to each of `cuts` in turn, as text.
    private func readProxyHeader(_ bytes: [UInt8], cuts: [Int]) -> String {
        for cut in cuts {
            let arrived = Array(bytes[..<cut])
            do throws(ProxyHeaderError) {
                let reading = try ProxyHeader.read(arrived.span.bytes)
                if reading == .needMore { continue }
                if case .header(let header, let size) = reading {
                    if size > cut { return "<outside: \(size) of \(cut)>" }
                    let again = header.bytes(.binary)
                    let wanted = header == .unix ? .unknown : header
                    if try ProxyHeader.read(again.span.bytes) != .header(wanted, size: again.count)
                    {
                        return "<outside of what was written: \(header)>"
                    }
                }
                return "\(reading)"
            } catch {
                return "\(error)"
            }
        }
        return "more"
    }

    private func compare<Result: Equatable & CustomStringConvertible>(
        _ bytes: [UInt8],
        _ random: inout TestRandom,
        _ parse: ([Int]) -> Result
    ) -> String? {
        let whole = parse([bytes.count])
        if "\(whole)".contains("<outside") { return "a range lies outside: \(whole)" }
        if let body = whole as? BodyResult, let violation = body.violation { return violation }
        let steps = parse(Array(0...bytes.count))
        if steps != whole { return "whole: \(whole)\nbyte by byte: \(steps)" }
        let cuts = random.cuts(of: bytes.count)
        let pieces = parse(cuts)
        if pieces != whole { return "whole: \(whole)\ncut at \(cuts): \(pieces)" }
        return nil
    }
}
