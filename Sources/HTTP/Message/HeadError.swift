/// Why a head, or a trailer section, is refused.
public enum HeadError: UInt8, Error, Equatable, CaseIterable, Sendable {
    /// More empty lines before the request line than are skipped.
    case tooManyEmptyLines
    /// The method is empty, no token, or not followed by one space.
    case invalidMethod
    /// The method's name is longer than `Method.longestName`.
    case methodTooLong
    /// CONNECT: Weir is no forward proxy.
    case connectRefused
    /// The target is empty, of no known form, or holds a byte that no target may.
    case invalidTarget
    /// The target is longer than its limit.
    case targetTooLong
    /// No HTTP version ends the request line.
    case invalidVersion
    /// A version of HTTP other than 1.
    case unsupportedVersion
    /// The status line is none.
    case invalidStatusLine
    /// The head is longer than its limit.
    case headTooLarge
    /// There are more fields than their limit.
    case tooManyFields
    /// A CR that no LF follows.
    case bareCarriageReturn
    /// An LF without a CR before it.
    case bareLineFeed
    /// A control byte.
    case controlByte
    /// A line that begins with white space: a folded value, or space before the first field.
    case foldedLine
    /// A field line without a colon, or without a name before it.
    case invalidFieldLine
    /// A field name that is no token.
    case invalidFieldName
    /// White space between a field's name and its colon.
    case spaceBeforeColon
    /// Content-Length is not a number.
    case invalidContentLength
    /// Content-Length has more digits than any length needs.
    case contentLengthTooLong
    /// There is more than one Content-Length, be they equal.
    case repeatedContentLength
    /// Transfer-Encoding is anything but `chunked`, once.
    case invalidTransferEncoding
    /// Transfer-Encoding in an HTTP/1.0 message.
    case transferEncodingInOldVersion
    /// Transfer-Encoding in an answer that cannot have a body.
    case transferEncodingWithoutBody
    /// Both Transfer-Encoding and Content-Length.
    case bothFramings
    /// No Host in an HTTP/1.1 request.
    case missingHost
    /// More than one Host.
    case repeatedHost
    /// Host, or the target's authority, is no host with an optional port.
    case invalidHost
    /// Connection is no list of tokens.
    case invalidConnection
    /// Connection names Host, Content-Length or Transfer-Encoding.
    case connectionNamesFraming
    /// Connection lists more options than anyone needs.
    case tooManyConnectionOptions
}
