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
}
