/// A request method.
///
/// Methods that Weir treats alike share `other`; their name is in the head.
public enum Method: UInt8, BitwiseCopyable, Sendable, Equatable, CaseIterable {
    case other
    case get
    case head
    case post
    case put
    case delete
    case connect
    case options
    case trace
    case patch

    /// The longest method name that is accepted, in bytes.
    public static let longestName = 32

    /// The method of this name, which is case-sensitive (RFC 9110 §9.1).
    public init(_ name: RawSpan) {
        switch name.byteCount {
        case 3:
            self = name.holds("GET", at: 0) ? .get : name.holds("PUT", at: 0) ? .put : .other
        case 4:
            self = name.holds("POST", at: 0) ? .post : name.holds("HEAD", at: 0) ? .head : .other
        case 5:
            self =
                name.holds("PATCH", at: 0)
                ? .patch : name.holds("TRACE", at: 0) ? .trace : .other
        case 6: self = name.holds("DELETE", at: 0) ? .delete : .other
        case 7:
            self =
                name.holds("OPTIONS", at: 0)
                ? .options : name.holds("CONNECT", at: 0) ? .connect : .other
        default: self = .other
        }
    }

    /// The name as it stands in a request line; empty for `other`.
    public var name: StaticString {
        switch self {
        case .other: ""
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        }
    }

    /// Whether it only reads (RFC 9110 §9.2.1); false for methods that Weir does not know.
    public var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .other, .post, .put, .delete, .connect, .patch: false
        }
    }

    /// Whether sending it twice does what sending it once does (RFC 9110 §9.2.2); false for
    /// methods that Weir does not know.
    public var isIdempotent: Bool { isSafe || self == .put || self == .delete }
}
