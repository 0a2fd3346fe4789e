extension HeadError {
    /// What is wrong, in one sentence for the client.
    public var explanation: StaticString {
        switch self {
        case .tooManyEmptyLines: "There are too many empty lines before the request line."
        case .invalidMethod: "The request line does not begin with a method and one space."
        case .methodTooLong: "The method's name is too long."
        case .connectRefused: "CONNECT is not offered here."
        case .invalidTarget: "The request target is malformed."
        case .targetTooLong: "The request target is too long."
        case .invalidVersion: "The request line does not end with an HTTP version."
        case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are spoken here."
        case .invalidStatusLine: "The status line is malformed."
        case .headTooLarge: "The head is too large."
        case .tooManyFields: "There are too many header fields."
        case .bareCarriageReturn: "A carriage return stands without a line feed behind it."
        case .bareLineFeed: "A line ends with a line feed alone."
        case .controlByte: "There is a control byte in a line."
        case .foldedLine: "A line begins with white space."
        case .invalidFieldLine: "A header line has no name or no colon."
        case .invalidFieldName: "A header field's name holds a character that no name may."
        case .spaceBeforeColon: "There is white space before a header field's colon."
        case .invalidContentLength: "Content-Length is not a number."
        case .contentLengthTooLong: "Content-Length has too many digits."
        case .repeatedContentLength: "There is more than one Content-Length."
        case .invalidTransferEncoding: "Transfer-Encoding is not exactly chunked."
        case .transferEncodingInOldVersion: "HTTP/1.0 has no Transfer-Encoding."
        case .transferEncodingWithoutBody:
            "There is a Transfer-Encoding in an answer without a body."
        case .bothFramings: "There are both Transfer-Encoding and Content-Length."
        case .missingHost: "There is no Host."
        case .repeatedHost: "There is more than one Host."
        case .invalidHost: "The host is malformed."
        case .invalidConnection: "Connection is not a list of names."
        case .connectionNamesFraming:
            "Connection names Host, Content-Length or Transfer-Encoding."
        case .tooManyConnectionOptions: "Connection lists too many options."
        }
    }
}
