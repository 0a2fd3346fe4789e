/// Why a try ended without an answer that is passed on.
enum TryFailure: UInt8, CaseIterable {
    /// The endpoint refused the connection or could not be reached.
    case connectFailed
    case connectTimeout
    /// TLS with the endpoint could not be agreed on, or its certificate is not to be trusted.
    case handshakeFailed
    /// No descriptor was left for a connection.
    case noDescriptor
    /// The server closed the connection before it received a byte of the request.
    case closedUnseen
    /// The server said that it did not look at the request: it takes no more at present.
    case refused
    /// The connection ended before an answer; the server may have seen the request.
    case reset
    /// The answer is not valid HTTP.
    case badAnswer
    /// No answer came in time.
    case timeout
    /// The answer's status is one that is not passed on while there are tries.
    case status
    /// The call of gRPC ended, without a message, with a status that is not passed on while there
    /// are tries.
    case callStatus

    /// How the exchange ends if it is not tried again.
    var outcome: Outcome {
        switch self {
        case .connectFailed: .connectFailed
        case .connectTimeout: .connectTimeout
        case .handshakeFailed: .untrustedServer
        case .noDescriptor: .overloaded
        case .closedUnseen, .refused, .reset: .upstreamReset
        case .badAnswer, .status, .callStatus: .badAnswer
        case .timeout: .responseTimeout
        }
    }

    /// Whether no connection to the endpoint came about, so that it saw nothing of the request.
    var isUnseen: Bool {
        self == .connectFailed || self == .connectTimeout || self == .handshakeFailed
    }
}

/// Decides whether a request is sent again (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
///
/// A request that no server can have seen may always be sent again. One that may have been
/// processed is sent again only if its method is idempotent, or the file takes a key for it.
struct RetryRule {
    /// What happens after a failed try.
    enum Decision: Equatable {
        /// On a new connection to the same endpoint, which was not asked yet: not another try.
        case replaceConnection
        /// On a new connection to the same endpoint, at once.
        case sameEndpoint
        /// On another endpoint, if one is left: at once, or after a wait that grows with the tries.
        case otherEndpoint(waits: Bool)
        /// Not at all.
        case giveUp
    }

    /// Everything sent so far is still there.
    var isResendable: Bool
    /// The request may be repeated.
    var isIdempotent: Bool
    /// The connection had served another request before.
    var isReused: Bool
    /// Part of an answer has gone to the client.
    var hasAnswered: Bool
    /// The try found out for all whether an ejected endpoint is well again: its failure is not the
    /// client's, whatever `retries` says.
    var isProbe = false
    /// Tries begun, the failed one included, such probes not.
    var tries: Int
    /// `retries.attempts`.
    var attempts: Int
    /// `retries.on` names `connect-failure`.
    var retriesConnect: Bool
    /// `retries.on` names `reset-before-answer`.
    var retriesReset: Bool
    /// `retries.on` names `timeout`.
    var retriesTimeout = false

    /// What to do after this failure.
    func decide(_ failure: TryFailure) -> Decision {
        guard isResendable, !hasAnswered else { return .giveUp }
        let isLeft = isProbe || tries < attempts
        switch failure {
        case .connectFailed, .connectTimeout, .handshakeFailed:
            return isLeft && (retriesConnect || isProbe)
                ? .otherEndpoint(waits: false) : .giveUp
        case .closedUnseen:
            if isReused { return .replaceConnection }
            return isLeft && (retriesConnect || retriesReset || isProbe)
                ? .otherEndpoint(waits: false) : .giveUp
        case .refused:
            return isLeft && (retriesConnect || retriesReset || isProbe)
                ? .otherEndpoint(waits: !isProbe) : .giveUp
        case .reset:
            guard isIdempotent, retriesReset || isProbe, isLeft else { return .giveUp }
            // Kept connections end for reasons of their own; the endpoint may be well.
            return isReused ? .sameEndpoint : .otherEndpoint(waits: !isProbe)
        case .timeout:
            guard isIdempotent, retriesTimeout || isProbe, isLeft else { return .giveUp }
            return .otherEndpoint(waits: !isProbe)
        case .status:
            return isIdempotent && isLeft ? .otherEndpoint(waits: !isProbe) : .giveUp
        // The file names it, which says that such calls may be repeated.
        case .callStatus: return isLeft ? .otherEndpoint(waits: !isProbe) : .giveUp
        case .badAnswer:
            return isIdempotent && isProbe ? .otherEndpoint(waits: false) : .giveUp
        case .noDescriptor: return .giveUp
        }
    }
}
