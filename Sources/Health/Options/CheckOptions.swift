/// `health` of a pool: how endpoints are asked whether they are well.
public struct CheckOptions: Sendable, Hashable {
    /// What is asked, and what counts as a good answer.
    public var question = Question.tcp
    /// The port asked, where it is not the server's.
    public var port: UInt16?
    /// From one check to the next.
    public var every = Duration.seconds(2)
    /// How long one may take.
    public var timeout = Duration.seconds(1)
    /// From one check to the next while the last ones disagree with the state.
    public var everyChanging = Duration.seconds(2)
    /// From one check to the next while the endpoint is down.
    public var everyDown = Duration.seconds(2)
    /// When the state changes.
    public var rule = CheckRule.consecutive(rise: 2, fall: 3)
    /// Whether an endpoint is up before its first check, which decides alone.
    public var isInitiallyUp = true

    /// The defaults, asking for a connection only.
    public init() {}

    /// Good checks in a row that bring an endpoint back, for ejection's half-open state too.
    public var rise: Int {
        if case .consecutive(let rise, _) = rule { return rise }
        return 2
    }

    /// What is asked.
    public enum Question: Sendable, Hashable {
        /// Whether a connection can be made.
        case tcp
        /// A request, and its answer.
        case http(HTTPQuestion)
        /// `grpc.health.v1.Health/Check` for a service; "" is the server as a whole.
        case grpc(service: String)
    }

    /// When checks change an endpoint's state.
    public enum CheckRule: Sendable, Hashable {
        /// After so many in a row, each 1 to 100.
        case consecutive(rise: Int, fall: Int)
        /// Down as soon as at least `bad` of the last `of` failed, up again once fewer have;
        /// 1 ≤ `bad` ≤ `of` ≤ 64.
        case window(bad: Int, of: Int)
    }
}

/// The request of an HTTP check.
public struct HTTPQuestion: Sendable, Hashable {
    /// A field that is sent along.
    public struct Field: Sendable, Hashable {
        /// As written.
        public var name: String
        /// As written.
        public var value: String

        /// A field.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The method, as written; `HEAD` has no body to look at.
    public var method = "GET"
    /// An absolute path, perhaps with a query.
    public var path: String
    /// `Host`; `nil` is the server's name.
    public var host: String?
    /// Further fields.
    public var headers: [Field] = []
    /// Good ones.
    public var statuses = StatusSet(200...399)
    /// What a good answer's first 64 KiB contain.
    public var body: String?

    /// A question with defaults.
    public init(path: String) { self.path = path }
}
