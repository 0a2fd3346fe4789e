/// How an exchange ended: the word in the access log, in `x-weir-outcome` and in the reference page
/// that says what to do about each.
public enum Outcome: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    case ok
    case badRequest
    case handshakeFailed
    case handshakeTimeout
    case headTooLarge
    case targetTooLong
    case bodyTooLarge
    case methodRefused
    case protocolRefused
    case versionRefused
    case headTimeout
    case bodyTimeout
    case sendTimeout
    case clientAborted
    case misdirected
    case noRoute
    case noEndpoint
    case connectFailed
    case connectTimeout
    case untrustedServer
    case responseTimeout
    case streamTimeout
    case totalTimeout
    case upstreamReset
    case badAnswer
    case poolFull
    case overloaded
    case shutdown

    /// The word that names it everywhere.
    public var word: StaticString {
        switch self {
        case .ok: "ok"
        case .badRequest: "bad-request"
        case .handshakeFailed: "handshake-failed"
        case .handshakeTimeout: "handshake-timeout"
        case .headTooLarge: "head-too-large"
        case .targetTooLong: "target-too-long"
        case .bodyTooLarge: "body-too-large"
        case .methodRefused: "method-refused"
        case .protocolRefused: "protocol-refused"
        case .versionRefused: "version-refused"
        case .headTimeout: "head-timeout"
        case .bodyTimeout: "body-timeout"
        case .sendTimeout: "send-timeout"
        case .clientAborted: "client-aborted"
        case .misdirected: "misdirected"
        case .noRoute: "no-route"
        case .noEndpoint: "no-endpoint"
        case .connectFailed: "connect-failed"
        case .connectTimeout: "connect-timeout"
        case .untrustedServer: "untrusted-server"
        case .responseTimeout: "response-timeout"
        case .streamTimeout: "stream-timeout"
        case .totalTimeout: "total-timeout"
        case .upstreamReset: "upstream-reset"
        case .badAnswer: "bad-answer"
        case .poolFull: "pool-full"
        case .overloaded: "overloaded"
        case .shutdown: "shutdown"
        }
    }

    /// The status of the answer that Weir makes for it, where no head has been sent yet.
    public var status: Int {
        switch self {
        case .ok: 200
        case .badRequest, .handshakeFailed: 400
        case .headTooLarge: 431
        case .targetTooLong: 414
        case .bodyTooLarge: 413
        case .methodRefused: 405
        case .protocolRefused: 501
        case .versionRefused: 505
        case .headTimeout, .bodyTimeout, .handshakeTimeout: 408
        case .sendTimeout, .clientAborted: 499
        case .misdirected: 421
        case .noRoute: 404
        case .upstreamReset, .badAnswer, .untrustedServer: 502
        case .noEndpoint, .connectFailed, .poolFull, .overloaded, .shutdown: 503
        case .connectTimeout, .responseTimeout, .streamTimeout, .totalTimeout: 504
        }
    }

    /// One sentence for the person who reads the answer.
    public var explanation: StaticString {
        switch self {
        case .ok: "The request was answered."
        case .badRequest: "The request is not valid HTTP."
        case .handshakeFailed: "Client and proxy could not agree on an encrypted connection."
        case .handshakeTimeout: "The TLS handshake, or the PROXY header before it, took too long."
        case .headTooLarge: "The request's head is larger than this server allows."
        case .targetTooLong: "The request's target is longer than this server allows."
        case .bodyTooLarge: "The request's body is larger than this server allows."
        case .methodRefused: "This server does not open tunnels by CONNECT."
        case .protocolRefused: "Of tunnels by extended CONNECT this server only opens WebSockets."
        case .versionRefused: "This port speaks HTTP/1.1 and HTTP/1.0."
        case .headTimeout: "The request's head took too long to arrive."
        case .bodyTimeout: "The request's body took too long to arrive."
        case .sendTimeout: "The client took too long to read the answer."
        case .clientAborted: "The client left before the request was complete."
        case .misdirected: "This connection does not serve the host of the request."
        case .noRoute: "No route takes this request."
        case .noEndpoint: "No server is available for this request."
        case .connectFailed: "No server could be reached."
        case .connectTimeout: "The server did not accept the connection in time."
        case .untrustedServer: "No encrypted connection to a server that proves who it is was had."
        case .responseTimeout: "The server did not answer in time."
        case .streamTimeout: "The server fell silent in the middle of its answer."
        case .totalTimeout: "The request took longer than its time limit."
        case .upstreamReset: "The server closed the connection before its answer was complete."
        case .badAnswer: "The server's answer is not valid HTTP."
        case .poolFull: "The servers have as much to do as they may; try again shortly."
        case .overloaded: "This proxy is overloaded; try again shortly."
        case .shutdown: "This proxy is shutting down."
        }
    }
}
