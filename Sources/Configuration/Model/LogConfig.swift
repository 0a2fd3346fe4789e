/// `log`.
public struct LogConfig: Sendable, Equatable {
    /// How much Weir says of itself.
    public enum Level: String, Sendable, Equatable, CaseIterable {
        case debug
        case info
        case warning
        case error
    }

    /// Where a log goes.
    public enum Destination: Sendable, Equatable {
        case stdout
        case stderr
        /// A file at this absolute path, opened again on SIGUSR1.
        case file(path: String)
    }

    /// The least level that is written.
    public var level = Level.info
    /// Where Weir's own log goes.
    public var destination = Destination.stderr
    /// JSON lines instead of text.
    public var json = false
    /// The access log; `nil` where the file asks for none.
    public var access: AccessLogConfig?

    /// The defaults.
    public init() {}
}

/// `log.access`.
public struct AccessLogConfig: Sendable, Equatable {
    /// The form of a line.
    public enum Format: String, Sendable, Equatable, CaseIterable {
        case json
        case combined
    }

    /// Where lines go.
    public var destination: LogConfig.Destination
    /// The form of a line.
    public var format = Format.json
    /// Whether the last part of a client's address is left out (`client: masked`).
    public var masksClient = false
    /// The share of requests that is logged, 0 to 1; errors always are.
    public var sample = 1.0
    /// Whether only errors (an outcome other than `ok`, or a status of 500 and above) are logged.
    public var onlyErrors = false

    /// A log of everything in JSON.
    public init(destination: LogConfig.Destination) { self.destination = destination }
}
