/// A request method.
///
/// Methods that Weir treats alike share `other`; their name is in the head.
public enum Method: UInt8, Sendable, Equatable, CaseIterable {
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
}
