import Balancing
import Configuration
import HTTP

/// The tokens of one pool's endpoints: which endpoint a client means, and how it is told of one.
///
/// Everything is made once; while requests are served no code is computed and nothing is allocated.
/// Immutable, so that all workers read it.
final class StickyTokens: @unchecked Sendable {
    /// The field of requests in which a token comes, in lower case: `cookie` or the header's name.
    let requestField: String
    /// Its bytes, in memory of this object.
    let fieldName: UnsafeRawBufferPointer
    /// Which known field it is.
    let field: FieldName
    /// Whether the field is a Cookie field, with the token as one cookie's value.
    let isCookie: Bool
    /// How many endpoints there are.
    let count: Int
    private let cookieName: UnsafeRawBufferPointer
    private let places: UnsafePointer<Place>
    private let mask: Int
    private let lines: UnsafePointer<Lines>
    private let memory: [UnsafeMutableRawPointer]

    /// A place in the hash table: a token's bytes as three overlapping words.
    private struct Place: BitwiseCopyable {
        var front: UInt64 = 0
        var middle: UInt64 = 0
        var back: UInt64 = 0
        /// -1 in an empty place.
        var endpoint = -1
    }

    /// An endpoint's lines.
    private struct Lines {
        var plain: UnsafeRawBufferPointer
        var secure: UnsafeRawBufferPointer
    }

    /// Tokens for the endpoints with these names, in the pool's order.
    ///
    /// Of endpoints with the same name, the first one is meant by their token.
    init(_ config: StickyConfig, secret: StickySecret, pool: String, endpoints: [String]) {
        var memory: [UnsafeMutableRawPointer] = []
        switch config.carrier {
        case .cookie(let name):
            (requestField, isCookie) = ("cookie", true)
            cookieName = Self.keep(name, in: &memory)
        case .header(let name):
            (requestField, isCookie) = (name, false)
            cookieName = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        fieldName = Self.keep(requestField, in: &memory)
        field = FieldName(name: RawSpan(_unsafeBytes: fieldName))
        count = endpoints.count
        let tokens = endpoints.map { StickyToken(endpoint: $0, pool: pool, secret: secret) }
        let table = Self.table(of: tokens)
        mask = table.count - 1
        places = UnsafePointer(Self.keep(table, in: &memory))
        let written = tokens.map { token in
            let plain = config.fieldLine(token, secure: false)
            let secure = config.fieldLine(token, secure: true)
            return Lines(
                plain: Self.keep(plain, in: &memory),
                secure: Self.keep(secure, in: &memory)
            )
        }
        lines = UnsafePointer(Self.keep(written, in: &memory))
        self.memory = memory
    }

    /// Tokens for a pool's endpoints by slot; `nil` if the pool is not sticky.
    convenience init?(_ pool: PoolConfig, secret: StickySecret, members: [ServerConfig?]) {
        guard let config = pool.sticky else { return nil }
        self.init(
            config,
            secret: secret,
            pool: pool.name,
            endpoints: members.map { $0?.name ?? "" }
        )
    }

    deinit {
        for allocation in memory { allocation.deallocate() }
    }

    /// The endpoint that a request's field names: its value is `value` in `bytes`.
    func endpoint(inField value: ByteRange, of bytes: RawSpan) -> EndpointIndex? {
        guard isCookie else { return endpoint(of: value, in: bytes) }
        let name = RawSpan(_unsafeBytes: cookieName)
        guard let token = cookieValue(name, in: bytes, range: value) else { return nil }
        return endpoint(of: token, in: bytes)
    }

    /// The endpoint with the token that stands at `range`; `nil` for whatever is no token.
    ///
    /// Whole tokens are compared at once, so that the time taken does not tell how many of a forged
    /// one's bytes are right.
    func endpoint(of range: ByteRange, in bytes: RawSpan) -> EndpointIndex? {
        guard range.count == StickyToken.count, range.end <= bytes.byteCount else { return nil }
        let wanted = Self.place(range.start, of: bytes)
        var index = Self.home(wanted.front) & mask
        // At least half of the places are empty.
        while true {
            let place = places[index]
            if place.endpoint < 0 { return nil }
            let difference =
                (place.front ^ wanted.front) | (place.middle ^ wanted.middle)
                | (place.back ^ wanted.back)
            if difference == 0 { return place.endpoint }
            index = (index &+ 1) & mask
        }
    }

    /// The field line, with CRLF, that tells a client of this endpoint.
    ///
    /// `secure` is whether the request came by https; the line of a cookie says `Secure` then. The
    /// memory lives as long as this object. Empty for an endpoint that does not exist.
    func fieldLine(for endpoint: EndpointIndex, secure: Bool) -> UnsafeRawBufferPointer {
        guard endpoint >= 0, endpoint < count else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return secure ? lines[endpoint].secure : lines[endpoint].plain
    }

    /// Where the search for a token with these first bytes begins, before the mask.
    private static func home(_ front: UInt64) -> Int {
        let mixed = front &* 0x9e37_79b9_7f4a_7c15
        return Int(truncatingIfNeeded: mixed >> 32)
    }

    /// The token at `offset`, which with all its bytes is inside the span.
    private static func place(_ offset: Int, of bytes: RawSpan) -> Place {
        Place(
            front: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self),
            middle: bytes.unsafeLoadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self),
            back: bytes.unsafeLoadUnaligned(
                fromByteOffset: offset &+ StickyToken.count &- 8,
                as: UInt64.self
            )
        )
    }

    private static func table(of tokens: [StickyToken]) -> [Place] {
        var size = 2
        while size < tokens.count * 2 { size *= 2 }
        var places = [Place](repeating: Place(), count: size)
        for (endpoint, token) in tokens.enumerated() {
            var place = Self.place(0, of: token.bytes.span.bytes)
            place.endpoint = endpoint
            var index = home(place.front) & (size - 1)
            while places[index].endpoint >= 0 { index = (index + 1) & (size - 1) }
            places[index] = place
        }
        return places
    }

    private static func keep(
        _ text: String,
        in memory: inout [UnsafeMutableRawPointer]
    ) -> UnsafeRawBufferPointer {
        let bytes = Array(text.utf8)
        return UnsafeRawBufferPointer(start: keep(bytes, in: &memory), count: bytes.count)
    }

    private static func keep<Element>(
        _ elements: [Element],
        in memory: inout [UnsafeMutableRawPointer]
    ) -> UnsafeMutablePointer<Element> {
        let kept = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        kept.initialize(from: elements, count: elements.count)
        memory.append(UnsafeMutableRawPointer(kept))
        return kept
    }
}

extension StickyConfig {
    /// The line, with CRLF, by which an answer brings a client this token.
    ///
    /// `SameSite=None` is written over plain http too, where browsers refuse it for want of
    /// `Secure`: `Secure` would not make them take it there, and other clients do.
    fileprivate func fieldLine(_ token: StickyToken, secure: Bool) -> String {
        let text = String(decoding: token.bytes, as: UTF8.self)
        switch carrier {
        case .header(let name):
            return "\(name): \(text)\r\n"
        case .cookie(let name):
            var line = "Set-Cookie: \(name)=\(text); Path=/; HttpOnly; SameSite="
            switch sameSite {
            case .lax: line += "Lax"
            case .strict: line += "Strict"
            case .none: line += "None"
            }
            if let maxAge { line += "; Max-Age=\(maxAge.secondsRoundedUp)" }
            if secure { line += "; Secure" }
            return line + "\r\n"
        }
    }
}

extension Duration {
    /// Whole seconds, rounded up: a cookie's age of 0 would erase it.
    fileprivate var secondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
