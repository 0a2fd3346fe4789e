/// What is wrong with a malformed HTTP/2 message (RFC 9113 §8.1.1).
public enum HTTP2Flaw: UInt8, BitwiseCopyable, Sendable, Equatable, CaseIterable {
    /// Nothing.
    case none
    /// A field name is empty or holds a byte that none may.
    case invalidName
    /// A field name has an upper-case letter.
    case upperCaseName
    /// A field value holds a control byte, or has white space around it.
    case invalidValue
    /// A field that concerns one connection only, which HTTP/2 has not.
    case connectionField
    /// TE with anything but "trailers".
    case invalidTE
    /// Content-Length is no number.
    case invalidContentLength
    /// There is more than one Content-Length.
    case repeatedContentLength
    /// Content-Length in an answer, or a request for a tunnel, that cannot have one.
    case unexpectedContentLength
    /// A pseudo-header field behind an ordinary one.
    case latePseudoField
    /// A pseudo-header field that is not known here.
    case unknownPseudoField
    /// A pseudo-header field comes twice.
    case repeatedPseudoField
    /// A pseudo-header field that must be there is not, or is empty.
    case missingPseudoField
    /// A pseudo-header field that must not be there with this method.
    case unexpectedPseudoField
    /// A pseudo-header field in a trailer section.
    case pseudoFieldInTrailers
    /// :method is no token.
    case invalidMethod
    /// :scheme is no scheme.
    case invalidScheme
    /// :path does not begin with a slash, or holds a byte that no path may.
    case invalidPath
    /// :authority, or Host, is no host with an optional port.
    case invalidAuthority
    /// There is neither :authority nor Host.
    case missingAuthority
    /// There is more than one Host.
    case repeatedHost
    /// :authority and Host name different hosts.
    case differentHosts
    /// :status is no status that an answer may have.
    case invalidStatus
    /// An interim answer ends the stream.
    case interimEndsStream
    /// More interim answers came than are passed on.
    case tooManyInterims
    /// A body begins before the head of the final answer.
    case bodyBeforeHead
    /// The body is longer than Content-Length says, or there must be none.
    case bodyTooLong
    /// The body is shorter than Content-Length says.
    case bodyTooShort
    /// A second head that does not end the stream.
    case openTrailers
    /// A head or a trailer section beyond the limits, where it cannot be answered.
    case tooLarge

    /// What is wrong, in one sentence.
    public var explanation: StaticString {
        switch self {
        case .none: "Nothing is wrong."
        case .invalidName: "A field name holds a byte that none may."
        case .upperCaseName: "A field name is not in lower case."
        case .invalidValue: "A field value holds a control byte or has white space around it."
        case .connectionField: "There is a field that HTTP/2 does not have, such as Connection."
        case .invalidTE: "TE is something other than trailers."
        case .invalidContentLength: "Content-Length is not a number."
        case .repeatedContentLength: "There is more than one Content-Length."
        case .unexpectedContentLength: "There is a Content-Length where none may be."
        case .latePseudoField: "A pseudo-header field stands behind an ordinary one."
        case .unknownPseudoField: "There is an unknown pseudo-header field."
        case .repeatedPseudoField: "A pseudo-header field comes twice."
        case .missingPseudoField: "A pseudo-header field is missing or empty."
        case .unexpectedPseudoField: "A pseudo-header field does not belong to this method."
        case .pseudoFieldInTrailers: "There is a pseudo-header field in a trailer section."
        case .invalidMethod: "The method is no token."
        case .invalidScheme: "The scheme is malformed."
        case .invalidPath: "The path is malformed."
        case .invalidAuthority: "The authority or Host is malformed."
        case .missingAuthority: "There is neither an authority nor Host."
        case .repeatedHost: "There is more than one Host."
        case .differentHosts: "The authority and Host name different hosts."
        case .invalidStatus: "The status is none that an answer may have."
        case .tooManyInterims: "There are more interim answers than are passed on."
        case .interimEndsStream: "An interim answer ends the stream."
        case .bodyBeforeHead: "The body begins before the head."
        case .bodyTooLong: "The body is longer than Content-Length says."
        case .bodyTooShort: "The body is shorter than Content-Length says."
        case .openTrailers: "A trailer section does not end the stream."
        case .tooLarge: "The head or trailer section is too large."
        }
    }
}
