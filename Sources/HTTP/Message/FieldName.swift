import CBytes

/// The field names that Weir knows; every other one is `other`.
///
/// A name is classified once, while its head is parsed. In the order of CBytes's constants.
public enum FieldName: UInt8, BitwiseCopyable, Sendable, Equatable, Hashable, CaseIterable {
    case other
    case host
    case connection
    case contentLength
    case transferEncoding
    case keepAlive
    case proxyConnection
    case te
    case trailer
    case upgrade
    case http2Settings
    case expect
    case via
    case xForwardedFor
    case xForwardedProto
    case xForwardedHost
    case forwarded
    case xRequestID
    case date
    case server
    case cookie
    case userAgent
    case referer
    case proxyAuthenticate
    case proxyAuthorization
    case accept
    case acceptEncoding
    case acceptLanguage
    case authorization
    case cacheControl
    case contentEncoding
    case contentRange
    case contentType
    case ifMatch
    case ifNoneMatch
    case ifModifiedSince
    case ifUnmodifiedSince
    case ifRange
    case range
    case maxForwards
    case age
    case expires
    case etag
    case lastModified
    case location
    case retryAfter
    case vary
    case setCookie
    case wwwAuthenticate
    case origin
    case pragma
    case acceptRanges
    case upgradeInsecureRequests
    case secFetchSite
    case secFetchMode
    case secFetchDest
    case secFetchUser
    case secCHUA
    case priority
    case xRealIP
    case xForwardedPort
    case traceParent
    case traceState

    /// The name of one of CBytes's numbers; `other` for a number that is none.
    init(code: UInt8) {
        // The numbers are those of the cases, without gaps; the failable initialiser is a call
        // and a branch per case.
        self = code < CBYTES_FIELD_COUNT ? unsafe unsafeBitCast(code, to: FieldName.self) : .other
    }

    /// The name that the bytes are, whatever their case; `other` for every unknown one.
    public init(name: RawSpan) {
        self = isToken(name) ? name.fieldName(from: 0, to: name.byteCount) : .other
    }

    /// This name's bit in a `FieldNameSet`.
    var bit: UInt64 { 1 &<< UInt64(rawValue) }
}

/// A set of known field names.
public struct FieldNameSet: BitwiseCopyable, Equatable, Sendable {
    /// One bit per name, `FieldName.bit`.
    private(set) var bits: UInt64

    /// The set without any name.
    public init() { bits = 0 }

    /// The set of these bits.
    init(bits: UInt64) { self.bits = bits }

    /// The set of these names.
    public init(_ names: FieldName...) {
        bits = 0
        for name in names { bits |= name.bit }
    }

    /// Whether `name` is in it.
    public func contains(_ name: FieldName) -> Bool { bits & name.bit != 0 }

    /// Adds a name.
    mutating func insert(_ name: FieldName) { bits |= name.bit }
}
