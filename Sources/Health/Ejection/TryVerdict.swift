/// How a try ended, as ejection sees it.
public enum TryVerdict: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Answered, and none of the next two.
    case good = 0
    /// A status that `ejection.status` names: counts in a row, and as bad in the rate.
    case countedAnswer = 1
    /// Another 5xx: bad in the rate; neither ends nor lengthens the row.
    case errorAnswer = 2
    /// No connection: bad in the rate, and in the row if `ejection.on` names it.
    case connectFailure = 3
    /// The connection ended before the answer did: likewise.
    case reset = 4
    /// No connection or no answer in time: likewise.
    case timeout = 5

    /// The verdict on an answer with this status.
    public static func of(status: Int, _ options: EjectionOptions) -> TryVerdict {
        if options.statuses.contains(status) { return .countedAnswer }
        return status >= 500 ? .errorAnswer : .good
    }

    /// Whether it says something of the connection rather than of an answer.
    public var isOfConnection: Bool {
        switch self {
        case .good, .countedAnswer, .errorAnswer: false
        case .connectFailure, .reset, .timeout: true
        }
    }

    /// The words for the operator.
    public var words: String {
        switch self {
        case .good: "a good answer"
        case .countedAnswer: "an answer with a status that counts"
        case .errorAnswer: "an answer with a status of 5xx"
        case .connectFailure: "no connection"
        case .reset: "the connection ended before the answer"
        case .timeout: "no answer in time"
        }
    }
}
