import Health
import Routing

/// One entry of `routes`.
public struct RouteConfig: Sendable, Equatable {
    /// The label in logs: the file's `name`, else made from `match`.
    public var name: String
    /// What a request must be like: one of these suffices; never empty.
    public var matches: [RouteSpec]
    /// What happens to it.
    public var action: RouteAction
    /// Whether its requests are in the access log.
    public var accessLog = true
    /// How long browsers are told to come by https only (RFC 6797); `nil` tells them nothing.
    public var hsts: Duration?
    /// What is changed of the head that goes to a server.
    public var requestHeaders = HeaderEdits()
    /// What is changed of the head that goes to the client.
    public var responseHeaders = HeaderEdits()
    /// The pool's time-outs with this route's own laid over them; defaults without a pool.
    public var timeouts = PoolTimeouts()
    /// The pool's retry rules with this route's own laid over them.
    public var retries = RetryOptions()
    /// What serves when no server is healthy: the route's own, else the pool's.
    public var fallback: FallbackConfig?

    /// A route with defaults.
    public init(name: String, matches: [RouteSpec], action: RouteAction) {
        self.name = name
        self.matches = matches
        self.action = action
    }
}

/// What a route does with a request.
public enum RouteAction: Sendable, Equatable {
    /// Forward to the pool with this index in ``Config/pools``.
    case pool(Int)
    /// Send the client elsewhere. `to` without a path keeps path and query.
    case redirect(to: Template, status: Int, keepsPathAndQuery: Bool)
    /// Answer here.
    case respond(FixedAnswer)
}

/// An answer made by Weir by the file's word.
public struct FixedAnswer: Sendable, Equatable {
    /// 200 to 599.
    public var status = 200
    /// The body: a template, or a file's bytes as they were at load time.
    public var body: FixedBody = .template(Template(segments: []))
    /// The absolute path of the file that the body is from; `nil` for a template.
    public var bodyPath: String?
    /// Fields beside Weir's own, in the order of the file.
    public var headers: [FixedHeader] = []

    /// An empty answer with status 200.
    public init() {}
}

/// The body of a ``FixedAnswer``.
public enum FixedBody: Sendable, Equatable {
    /// Text with `{name}` in it.
    case template(Template)
    /// A file's bytes; `contentType` by the file's ending.
    case bytes([UInt8], contentType: String)
}

/// One field of a ``FixedAnswer``.
public struct FixedHeader: Sendable, Equatable {
    /// The field's name as written.
    public var name: String
    /// The field's value.
    public var value: Template

    /// A field.
    public init(name: String, value: Template) {
        self.name = name
        self.value = value
    }
}

/// Changes of a head's fields, made in this order.
public struct HeaderEdits: Sendable, Equatable {
    /// Names of fields that go away.
    public var remove: [String] = []
    /// Fields that take the place of all that came with their names.
    public var set: [FixedHeader] = []
    /// Fields that join those that came.
    public var add: [FixedHeader] = []

    /// No changes.
    public init() {}
}

/// Text with variables, parsed once when the file is read.
public struct Template: Sendable, Equatable {
    /// A piece of a template.
    public enum Segment: Sendable, Equatable {
        /// Text as it is.
        case literal(String)
        /// A variable's value, without control bytes.
        case variable(Variable)
    }

    /// What a template may name.
    public enum Variable: Sendable, Equatable {
        case clientAddress
        case requestID
        case method
        case scheme
        case host
        /// The path as received, without the query.
        case path
        /// The query without its `?`, empty where there is none.
        case query
        /// Path and query as received.
        case uri
        /// The route's name.
        case route
        /// The pool that serves.
        case pool
        /// The server that answered.
        case server
        /// The subject of the client's certificate (RFC 4514).
        case tlsSubject
        /// The alternative names of the client's certificate, in a list.
        case tlsNames
        /// SHA-256 of the client's certificate, in hexadecimal digits.
        case tlsFingerprint
        /// The first field of this name, lower case.
        case header(String)
        /// The first cookie of this name.
        case cookie(String)
    }

    /// In order; two literals never stand side by side.
    public var segments: [Segment]

    /// A template of these pieces.
    public init(segments: [Segment]) { self.segments = segments }
}
