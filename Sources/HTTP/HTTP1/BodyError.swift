/// Why a body's framing is refused.
public enum BodyError: UInt8, Error, Equatable, CaseIterable, Sendable {
    /// A chunk's size is no hexadecimal number.
    case invalidChunkSize
    /// A chunk's size has more digits than any size needs.
    case chunkSizeTooLong
    /// What follows a chunk's size is no extension.
    case invalidChunkExtension
    /// The line of a chunk's size is longer than `BodyDecoder.longestChunkLine`.
    case chunkLineTooLong
    /// A line of the framing ends with an LF alone or holds a CR alone.
    case bareLineEnd
    /// No CRLF stands behind a chunk's data.
    case missingChunkEnd
    /// The trailer section is longer than the limit for heads.
    case trailersTooLarge
    /// The trailer section has more fields than the limit for heads.
    case tooManyTrailers
    /// A trailer line is malformed.
    case invalidTrailer

    /// Whether a limit was passed, rather than a rule of the grammar broken.
    public var isTooLarge: Bool { self == .trailersTooLarge || self == .tooManyTrailers }

    /// What is wrong, in one sentence for the client.
    public var explanation: StaticString {
        switch self {
        case .invalidChunkSize: "A chunk's size is not a hexadecimal number."
        case .chunkSizeTooLong: "A chunk's size has too many digits."
        case .invalidChunkExtension: "A chunk's extension is malformed."
        case .chunkLineTooLong: "A chunk's extensions are too long."
        case .bareLineEnd: "A line of the chunked coding does not end with CR LF."
        case .missingChunkEnd: "A chunk's data is not followed by CR LF."
        case .trailersTooLarge: "The trailer section is too large."
        case .tooManyTrailers: "There are too many trailer fields."
        case .invalidTrailer: "A trailer line is malformed."
        }
    }
}
