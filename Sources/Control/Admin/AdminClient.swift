import CLinux
import Configuration
import EventLoop
import Routing

/// Asks the admin API of a running process, for commands; waits for the answer.
public struct AdminClient {
    /// Why there is no answer.
    public struct NoAnswer: Error, CustomStringConvertible {
        /// In words.
        public var description: String
        /// Whether somebody took the request, and may be at it still.
        public var isLate = false

        /// An error with these words.
        public init(description: String) { self.description = description }
    }

    /// An answer.
    public struct Answer {
        /// Its status.
        public var status: Int
        /// Its body as text.
        public var body: String
    }

    /// Nanoseconds that an answer is waited for: a new process has a minute to serve in, and a
    /// reload waits for names, and then half a minute for workers.
    private static func patience(_ target: String) -> Int64 {
        switch target {
        case "/upgrade": 70_000_000_000
        case "/reload": 130_000_000_000
        default: 10_000_000_000
        }
    }

    private let address: ListenAddress
    private let token: [UInt8]?
    /// `Host` of requests.
    private let host: String
    /// Whom TLS is spoken with; `nil` for plain HTTP.
    let security: AdminTrust?
    /// Where the API listens, as an operator would type it.
    public let place: String

    /// A client of the API of a file, read as `weir run` reads it: it trusts the certificate that
    /// the file names, and no other; where `authority` is given, authorities of that file instead,
    /// which have to vouch for `localhost`.
    ///
    /// - Throws: ``NoAnswer`` if its token, certificate or authority cannot be read.
    public init(_ config: AdminConfig, authority: String? = nil) throws(NoAnswer) {
        address = config.address
        place = "\(config.address)"
        host = "localhost"
        token = try config.tokenFile.map { file throws(NoAnswer) in try Self.token(file) }
        if let authority {
            security = try AdminTrust.authorities(authority, for: host)
        } else {
            security = try config.tls.map { paths throws(NoAnswer) in
                try AdminTrust.only(paths.certificate)
            }
        }
    }

    /// A client of the API at an origin; `authority` is a file of those who vouch for it, in place
    /// of the system's.
    ///
    /// - Throws: ``NoAnswer`` if the token or the authority cannot be read, or no address is known
    ///   by the name.
    public init(
        _ origin: WebOrigin,
        tokenFile: String?,
        authority: String?
    ) throws(NoAnswer) {
        place = origin.description
        host = origin.authority
        token = try tokenFile.map { file throws(NoAnswer) in try Self.token(file) }
        security =
            origin.isSecure ? try AdminTrust.authorities(authority, for: origin.host) : nil
        address = try Self.address(of: origin)
    }

    private static func token(_ file: String) throws(NoAnswer) -> [UInt8] {
        switch FileSystem().read(file) {
        case .success(let bytes):
            if let token = AdminConfig.token(bytes) { return token }
            throw NoAnswer(description: "\(file) holds no token")
        case .failure(let problem):
            throw NoAnswer(description: "cannot read \(file): \(problem.reason)")
        }
    }

    /// The address of an origin: that of a name is asked for.
    private static func address(of origin: WebOrigin) throws(NoAnswer) -> ListenAddress {
        switch origin.address {
        case .ip(let ip, let port): return .ip(ip, port: port)
        case .unix(let path): return .unix(path: path)
        case .name(let name, let port):
            return .ip(try resolve(name), port: port)
        case .service(let name):
            throw NoAnswer(description: "\(name) has no address")
        }
    }

    private static func resolve(_ name: String) throws(NoAnswer) -> IPAddress {
        guard let loop = try? ControlLoop() else {
            throw NoAnswer(description: "no descriptor is left")
        }
        var answer: DNSQuery.Answer?
        let query = DNSQuery(.addresses, name, ResolverConfig(), on: loop) { answer = $0 }
        // The question has a time-out of its own.
        withExtendedLifetime(query) {
            while answer == nil { loop.turn() }
        }
        switch answer {
        case .addresses(.found(let found, _)):
            if let first = found.first { return first }
        case .addresses(.failed(let why)), .addresses(.empty(let why)):
            throw NoAnswer(description: "\(name): \(why)")
        case .services, nil: break
        }
        throw NoAnswer(description: "\(name) has no address")
    }

    /// Asks once.
    ///
    /// - Throws: ``NoAnswer`` if nobody answers in ten seconds; in more where the process has to
    ///   wait for something itself.
    public func ask(_ method: String, _ target: String) throws(NoAnswer) -> Answer {
        let bytes = try exchange(request(method, target), Self.patience(target))
        guard let end = Self.headEnd(bytes), let status = Self.status(bytes[..<end]) else {
            throw stranger
        }
        return Answer(status: status, body: String(decoding: bytes[end...], as: UTF8.self))
    }

    /// The error where something else listens.
    var stranger: NoAnswer {
        NoAnswer(description: "what answers at \(place) is no admin API")
    }

    /// The error where nothing does.
    var nobody: NoAnswer { NoAnswer(description: "no process answers at \(place)") }

    /// The error of a connection that is of no use, for a reason.
    func broken(_ why: String) -> NoAnswer { NoAnswer(description: "\(place): \(why)") }

    /// Holds who is at the other end of a connection against whom this client trusts.
    ///
    /// - Throws: ``NoAnswer`` if it is somebody else.
    func check(_ channel: SecureChannel) throws(NoAnswer) {
        if let why = security?.objection(to: channel) { throw broken(why) }
    }

    /// The error where somebody takes a request and does not answer for so many nanoseconds.
    private func late(_ patience: Int64) -> NoAnswer {
        var error = NoAnswer(
            description: "\(place) has not answered in \(patience / 1_000_000_000) seconds; "
                + "what was asked for may be under way"
        )
        error.isLate = true
        return error
    }

    /// A request's head and end; `more` are fields of its own.
    func request(_ method: String, _ target: String, more: [String] = []) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "host: \(host)", "connection: close"]
        lines += more
        if method != "GET" { lines.append("content-length: 0") }
        if let token {
            lines.append("authorization: Bearer " + String(decoding: token, as: UTF8.self))
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The status in an answer's head; `nil` for what is none.
    static func status(_ head: ArraySlice<UInt8>) -> Int? {
        let words = String(decoding: head, as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/1.") else { return nil }
        return Int(words[1])
    }

    /// Where an answer's body begins; `nil` if its head has not ended.
    static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4)
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
            && bytes[index + 3] == 10
        {
            return index + 4
        }
        return nil
    }

    // MARK: Sockets

    /// Sends this request and returns everything that comes until the other side ends.
    private func exchange(_ request: String, _ patience: Int64) throws(NoAnswer) -> [UInt8] {
        let nobody = nobody
        let link = try AdminLink(self, request)
        guard let poller = try? Poller(capacity: 1),
            poller.addConnection(link.descriptor, token: 0)
        else { throw nobody }
        let end = weir_monotonic_ns() + patience
        while true {
            let left = (end - weir_monotonic_ns()) / 1_000_000
            guard left > 0 else { throw link.sent == 0 ? nobody : late(patience) }
            _ = poller.wait(milliseconds: Int32(clamping: left))
            if try link.advance() { return link.received }
        }
    }

    /// A socket that is connected, or about to be.
    func open() throws(NoAnswer) -> Socket {
        let socket = Socket(adopting: weir_socket(address.isUnix ? 0 : family, isUnix))
        guard socket.descriptor >= 0 else { throw nobody }
        let result = connect(socket.descriptor)
        guard result == 0 || result == -EINPROGRESS else { throw nobody }
        return socket
    }

    private var isUnix: Int32 { address.isUnix ? 1 : 0 }

    private var family: Int32 {
        if case .ip(.v6, _) = address { 6 } else { 4 }
    }

    private func connect(_ descriptor: Int32) -> Int32 {
        var internet = weir_address()
        switch address {
        case .unix(let path): return weir_connect_unix(descriptor, path)
        case .ip(let ip, let port): internet = weir_address(ip, port: port)
        // Whatever listens everywhere listens here.
        case .any(let port): internet = weir_address(.v4(0x7F00_0001), port: port)
        }
        return weir_connect(descriptor, &internet)
    }
}
