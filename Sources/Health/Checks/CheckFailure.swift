import HTTP

/// Why an active check failed.
public enum CheckFailure: Error, Equatable, Sendable {
    /// There was no connection; why, in plain words.
    case noConnection(String)
    /// There was no TLS with it; why, in plain words.
    case tls(String)
    /// Connection and handshake took too long.
    case handshakeTimeout
    /// Connection and answer took too long.
    case timeout
    /// The connection ended before the answer did.
    case closed
    /// What came was no answer of HTTP/1.
    case malformed
    /// A status that does not count as good.
    case status(UInt16)
    /// The text is not in the body, or not in its first 64 KiB.
    case textMissing
    /// The call of gRPC ended with this status.
    case call(GRPCStatus)
    /// The service says that it does not serve.
    case notServing

    /// The words for the operator.
    public var words: String {
        switch self {
        case .noConnection(let why): why
        case .tls(let why): "TLS: \(why)"
        case .handshakeTimeout: "TLS: no end of the handshake in time"
        case .timeout: "no answer in time"
        case .closed: "the connection ended before the answer"
        case .malformed: "what came is no HTTP answer"
        case .status(let status): "status \(status)"
        case .textMissing: "the text is not in the first 64 KiB of the body"
        case .call(let status): "grpc-status \(status.rawValue) (\(status.name))"
        case .notServing: "the service says that it does not serve"
        }
    }
}
