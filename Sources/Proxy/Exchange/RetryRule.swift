/// Why a try ended without an answer.
enum TryFailure: UInt8, CaseIterable {
    /// The endpoint refused the connection or could not be reached.
    case connectFailed
    case connectTimeout
    /// No descriptor was left for a connection.
    case noDescriptor
    /// The server closed the connection before it received a byte of the request.
    case closedUnseen
    /// The connection ended before an answer; the server may have seen the request.
    case reset
    /// The answer is not valid HTTP.
    case badAnswer

    /// How the exchange ends if it is not tried again.
    var outcome: Outcome {
        switch self {
        case .connectFailed: .connectFailed
        case .connectTimeout: .connectTimeout
        case .noDescriptor: .overloaded
        case .closedUnseen, .reset: .upstreamReset
        case .badAnswer: .badAnswer
        }
    }
}

/// Decides whether a request is sent again (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
///
/// A request that no server can have seen may always be sent again. One that may have been
/// processed is sent again only if its method is idempotent.
struct RetryRule {
    /// What happens after a failed try.
    enum Decision: Equatable {
        /// On a new connection to the same endpoint, which was not asked yet: not another try.
        case replaceConnection
        /// On a new connection to the same endpoint.
        case sameEndpoint
        /// On another endpoint, if one is left.
        case otherEndpoint
        /// Not at all.
        case giveUp
    }

    /// Everything sent so far is still there.
    var isResendable: Bool
    /// The method is idempotent.
    var isIdempotent: Bool
    /// The connection had served another request before.
    var isReused: Bool
    /// Part of an answer has gone to the client.
    var hasAnswered: Bool
    /// Tries begun, the failed one included.
    var tries: Int
    /// `retries.attempts`.
    var attempts: Int
    /// `retries.on` names `connect-failure`.
    var retriesConnect: Bool
    /// `retries.on` names `reset-before-answer`.
    var retriesReset: Bool

    /// What to do after this failure.
    func decide(_ failure: TryFailure) -> Decision {
        guard isResendable, !hasAnswered else { return .giveUp }
        let another: Decision = tries < attempts ? .otherEndpoint : .giveUp
        switch failure {
        case .connectFailed, .connectTimeout: return retriesConnect ? another : .giveUp
        case .closedUnseen:
            if isReused { return .replaceConnection }
            return retriesConnect || retriesReset ? another : .giveUp
        case .reset:
            guard isIdempotent, retriesReset, tries < attempts else { return .giveUp }
            // Kept connections end for reasons of their own; the endpoint may be well.
            return isReused ? .sameEndpoint : .otherEndpoint
        case .noDescriptor, .badAnswer: return .giveUp
        }
    }
}
