/// Which side of an HTTP/2 connection Weir is.
public enum HTTP2Role: UInt8, BitwiseCopyable, Sendable, Equatable {
    /// It answers requests.
    case server
    /// It sends requests.
    case client
}

/// How a HTTP/2 connection behaves.
public struct HTTP2Options: BitwiseCopyable, Equatable, Sendable {
    /// Requests at once that the peer may have on a connection (SETTINGS_MAX_CONCURRENT_STREAMS),
    /// or, as a client, that this side opens at most whatever the server allows; 1 to 65,535.
    public var streams: Int
    /// How large a head may be in the form of HTTP/1; a trailer section is held to the same.
    public var headLimits: HeadLimits
    /// Bytes of a body that a stream may send ahead (SETTINGS_INITIAL_WINDOW_SIZE); 1 to 2³¹ − 1.
    public var streamWindow: Int
    /// Bytes of bodies that all streams together may send ahead; 65,535 to 2³¹ − 1.
    public var connectionWindow: Int
    /// Frames a second, and at once, that cost this side work and bring nobody forward: resets,
    /// PING, SETTINGS, PRIORITY, GOAWAY, CONTINUATION, unknown and empty ones, streams refused for
    /// their own fault, and WINDOW_UPDATE beyond two for each DATA frame sent; at least 1.
    public var budget: Int
    /// Whether requests may ask for a WebSocket (RFC 8441); means something to a server only.
    public var allowsWebSocket: Bool
    /// Whether requests that this side sends are of the scheme "https"; else of "http".
    public var isSecure: Bool
    /// What made-up WebSocket keys are drawn from.
    public var seed: UInt64

    /// Options of these values, each brought into its range.
    public init(
        headLimits: HeadLimits,
        streams: Int = 128,
        streamWindow: Int = 256 << 10,
        connectionWindow: Int = 1 << 20,
        budget: Int = 200,
        allowsWebSocket: Bool = true,
        isSecure: Bool = true,
        seed: UInt64 = 0
    ) {
        self.headLimits = headLimits
        self.streams = min(max(streams, 1), 65_535)
        self.streamWindow = min(max(streamWindow, 1), Int(Int32.max))
        self.connectionWindow = min(max(connectionWindow, 65_535), Int(Int32.max))
        self.budget = max(budget, 1)
        self.allowsWebSocket = allowsWebSocket
        self.isSecure = isSecure
        self.seed = seed
    }
}

/// The error codes of HTTP/2 (RFC 9113 §7).
public enum HTTP2Code {
    /// Not an error.
    public static let noError: UInt32 = 0x0
    /// The peer broke the protocol.
    public static let protocolError: UInt32 = 0x1
    /// This side failed.
    public static let internalError: UInt32 = 0x2
    /// The peer sent more than it was allowed to.
    public static let flowControlError: UInt32 = 0x3
    /// A frame for a stream that the peer has ended.
    public static let streamClosed: UInt32 = 0x5
    /// A frame of a size that it cannot have.
    public static let frameSizeError: UInt32 = 0x6
    /// The stream was not processed at all.
    public static let refusedStream: UInt32 = 0x7
    /// The stream is no longer needed.
    public static let cancel: UInt32 = 0x8
    /// The peer makes too much work.
    public static let enhanceYourCalm: UInt32 = 0xb
}
