import Configuration
import HTTP
import Health
import Proxy
import Routing

/// What is checked, and how: endpoints of several pools for which both are the same share a check.
struct CheckKey: Hashable {
    /// An address with a port, or a unix socket.
    var address: ServerAddress
    /// The rest of the question.
    var options: CheckOptions
    /// `Host` of the request; empty where nothing depends on it.
    var host: String
    /// How the server is told that Weir speaks for itself; `nil` where it is not told.
    var proxyProtocol: ProxyProtocolVersion?
    /// How TLS is spoken first, if it is.
    var security: Security?
    /// Whether the question is asked by HTTP/2.
    var http2 = HTTP2Use.off

    /// TLS with a server: pools share checks only where all of it is the same.
    struct Security: Hashable {
        /// The pool's settings, those of its files included; without its name for servers.
        var settings: PoolTLSConfig
        /// What the server's certificate has to cover.
        var name: String
    }

    /// The check of an endpoint; `hostName` is the name by which it was found, if it was, and
    /// `tls` its pool's.
    ///
    /// `proxyProtocol` is that of the pool: a port that is there for checks only does not expect
    /// it. `nil` for what has no address.
    init?(
        _ options: CheckOptions,
        _ server: ServerConfig,
        tls: PoolTLSConfig?,
        hostName: String?,
        proxyProtocol: ProxyProtocolVersion? = nil,
        http2: HTTP2Use = .off
    ) {
        self.options = options
        self.proxyProtocol = proxyProtocol
        if let tls {
            var settings = tls
            settings.serverName = nil
            security = Security(settings: settings, name: tls.name(of: server))
        }
        let address = server.address
        switch address {
        case .ip(let ip, let port):
            self.address = .ip(ip, port: options.port ?? port)
            if let own = options.port, own != port { self.proxyProtocol = nil }
            host = hostName.map { "\($0):\(port)" } ?? ip.text(port: port)
        case .unix:
            self.address = address
            host = "localhost"
        case .name, .service: return nil
        }
        self.http2 = Self.use(of: options, http2, isSecure: tls != nil, address)
        switch options.question {
        case .grpc: break
        case .http(let question) where question.host == nil: break
        case .http, .tcp: host = ""
        }
    }

    /// Whether a question is asked by HTTP/2, given how the pool's servers are spoken to.
    ///
    /// A port that is there for checks only need not speak as the server's own.
    private static func use(
        of options: CheckOptions,
        _ http2: HTTP2Use,
        isSecure: Bool,
        _ address: ServerAddress
    ) -> HTTP2Use {
        switch options.question {
        case .tcp: return .off
        case .grpc: return isSecure ? .overTLS : .cleartext
        case .http:
            guard http2 == .cleartext, case .ip(_, let port) = address, let own = options.port,
                own != port
            else { return http2 }
            return .off
        }
    }

    /// What is offered where TLS is spoken.
    var protocols: [String] {
        if case .grpc = options.question { return ["h2"] }
        return http2 == .off ? ["http/1.1"] : ["h2", "http/1.1"]
    }

    /// The conversation by HTTP/2, whose request has the form of HTTP/1; `nil` if there is no
    /// memory for one.
    func stream(_ request: [UInt8], _ memory: HTTP2Memory) -> CheckStream? {
        switch options.question {
        case .tcp: nil
        case .http(let question):
            CheckStream(question, request, isSecure: security != nil, memory: memory)
        case .grpc(let service):
            CheckStream(service: service, host: host, isSecure: security != nil, memory: memory)
        }
    }
}

/// One thing that is checked, and who wants to know.
final class CheckTarget {
    /// An endpoint of a pool.
    struct Subscriber: Hashable {
        var pool: Int
        var slot: Int
    }

    /// Where its next check stands.
    enum State {
        /// Next: `queued`.
        case waiting
        /// It is due, and as many as may be are under way. Next: `underWay`.
        case queued
        /// Next: `waiting`.
        case underWay(CheckAttempt)
        /// Nobody wants to know any more.
        case ended
    }

    /// What is checked.
    let key: CheckKey
    /// The PROXY header that is sent before anything else; empty where none is due.
    let introduction: [UInt8]
    /// The bytes that are sent; empty for a mere connection.
    let request: [UInt8]
    /// What the results amount to.
    var machine: CheckMachine
    /// Where its next check stands.
    var state = State.waiting
    /// Whether a check has had a result.
    var hasResult = false
    /// Who wants to know.
    var subscribers: Set<Subscriber> = []

    /// A target that was never checked; `isDown`: whether it was by others, who found it down.
    init(_ key: CheckKey, isDown: Bool = false) {
        self.key = key
        machine = CheckMachine(key.options, isDown: isDown)
        introduction = key.proxyProtocol.map { ProxyHeader.local.bytes($0.header) } ?? []
        switch key.options.question {
        case .tcp, .grpc: request = []
        case .http(let question):
            request = CheckConversation.request(question, host: key.host)
        }
    }

    /// What is told when checks have brought the endpoint up.
    func wordsUp(isFirst: Bool) -> String {
        switch key.options.rule {
        case _ where isFirst: "the first check passed"
        case .consecutive(1, _): "a check passed"
        case .consecutive(let rise, _): "\(rise) checks in a row passed"
        case .window(let bad, let of): "fewer than \(bad) of the last \(of) checks failed"
        }
    }

    /// What was seen of a server that failed its check.
    func words(_ failure: CheckFailure) -> String {
        switch failure {
        case .timeout: return "no answer in \(key.options.timeout.configurationText)"
        case .handshakeTimeout:
            return "TLS: no end of the handshake in \(key.options.timeout.configurationText)"
        case .textMissing:
            guard case .http(let question) = key.options.question, let text = question.body
            else { return failure.words }
            return "body without \"\(text)\""
        case .noConnection, .tls, .closed, .malformed, .status, .call, .notServing:
            return failure.words
        }
    }
}
