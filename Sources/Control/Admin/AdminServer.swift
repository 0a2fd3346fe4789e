import CLinux
import Configuration
import EventLoop
import Proxy

/// Listens for clients of the admin API, on the control thread.
final class AdminServer {
    /// Clients at once; for further ones those go that have said nothing for longest.
    static let mostConnections = 64
    /// From one sign of life on a stream of events to the next, in nanoseconds.
    private static let heartbeat: Int64 = 15_000_000_000

    /// Nanoseconds without accepting after the kernel refused to, as it has no descriptor left.
    private static let pause: Int64 = 100_000_000

    /// From one look at the certificate's files to the next, in nanoseconds.
    private static let lookInterval: Int64 = 500_000_000
    /// Nanoseconds that connections go on in which the file does not speak any more: the answer to
    /// whoever asked by one of them has to leave yet.
    static let farewell: Int64 = 1_000_000_000

    private let loop: ControlLoop
    private let logs: LogQueue
    private var access: AdminAccess
    /// What it proves itself with; `nil` speaks plain HTTP.
    private var security: AdminSecurity?
    /// Nanoseconds for a handshake of TLS.
    private var handshakeTime: Int64
    /// What the file says of it.
    private(set) var config: AdminConfig
    private let router: AdminRouter
    /// The listening socket.
    let listener: Int32
    /// Whether a service manager holds its socket too.
    let isPassed: Bool
    private let unixPath: String?
    /// Whether the path is that of the process before, which still serves.
    private var isForeign: Bool
    private var hasEnded = false
    private var isHandedOver = false
    private var connections: [ObjectIdentifier: AdminConnection] = [:]
    private let port: UInt16

    /// Where it listens, as an operator would type it.
    var address: String {
        config.address.display(scheme: config.tls == nil ? "http" : "https", port: port)
    }

    /// Listens where the file says, whose handshakes may take so many nanoseconds.
    ///
    /// `inherited`: the socket, where a process before had it; `isPassed`: whether a service
    /// manager holds it too, which removes its file itself; `before`: one that this takes the place
    /// of, and whose port it may have at other addresses.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on, a bad token, or files of
    ///   TLS that cannot be used.
    init(
        _ config: AdminConfig,
        handshakeTime: Int64,
        router: AdminRouter,
        inherited: Int32? = nil,
        isPassed: Bool = false,
        insteadOf before: AdminServer?,
        on loop: ControlLoop,
        logs: LogQueue
    ) throws(StartError) {
        self.loop = loop
        self.logs = logs
        self.handshakeTime = handshakeTime
        self.router = router
        self.isPassed = isPassed
        self.config = config
        isForeign = inherited != nil
        access = try Self.access(config)
        security = try config.tls.map { paths throws(StartError) in
            try AdminSecurity(paths, following: nil)
        }
        do throws(SystemError) {
            let shares = before?.sharesPort(with: config.address) ?? false
            let socket = try Self.socket(config, inherited, sharesPort: shares)
            port = socket.localPort
            listener = socket.release()
        } catch {
            throw StartError.listening(config.address, error)
        }
        if case .unix(let path) = config.address, !isPassed {
            unixPath = path
        } else {
            unixPath = nil
        }
    }

    private static func socket(
        _ config: AdminConfig,
        _ inherited: Int32?,
        sharesPort: Bool
    ) throws(SystemError) -> Socket {
        if let inherited { return Socket(adopting: inherited) }
        return try Socket.listening(
            at: ListeningAddress(config.address, mode: config.socketMode),
            backlog: mostConnections,
            sharesPort: sharesPort,
            userTimeout: 30_000
        )
    }

    /// Whether an address is another one of the same port, which is shared from then on: the one
    /// has to listen before the other ends.
    private func sharesPort(with address: ListenAddress) -> Bool {
        switch address {
        case .any(let wanted), .ip(_, let wanted):
            guard unixPath == nil, wanted == port, wanted > 0 else { return false }
            return weir_set_reuse(listener, 1) == 0
        case .unix: return false
        }
    }

    /// Whether a changed file leaves the socket as it is.
    func listens(as config: AdminConfig) -> Bool {
        config.address == self.config.address
    }

    /// The process before serves no more: its path is this one's.
    func takePath() {
        if isForeign, let unixPath { _ = weir_set_mode(unixPath, config.socketMode) }
        isForeign = false
    }

    /// What it needs of a changed file.
    struct Change {
        fileprivate let config: AdminConfig
        fileprivate let handshakeTime: Int64
        fileprivate let access: AdminAccess
        fileprivate let security: AdminSecurity?
    }

    /// Reads what it needs of a changed file that leaves the socket as it is; nothing changes yet.
    ///
    /// - Throws: ``StartError`` for a bad token, or files of TLS that cannot be used.
    func prepare(_ config: AdminConfig, handshakeTime: Int64) throws(StartError) -> Change {
        Change(
            config: config,
            handshakeTime: handshakeTime,
            access: try Self.access(config),
            security: try config.tls.map { [security] paths throws(StartError) in
                try AdminSecurity(paths, following: security)
            }
        )
    }

    /// Serves by a changed file.
    ///
    /// Connections without TLS do not outlive a file that wants it, nor the other way round.
    func follow(_ change: Change) {
        if let unixPath, change.config.socketMode != config.socketMode {
            _ = weir_set_mode(unixPath, change.config.socketMode)
        }
        config = change.config
        handshakeTime = change.handshakeTime
        access = change.access
        security = change.security
        loop.after(Self.farewell) { [weak self] in self?.closeStrangers() }
    }

    private func closeStrangers() {
        for connection in Array(connections.values)
        where connection.isSecure != (security != nil) { connection.close() }
    }

    /// Who may ask, by the file.
    ///
    /// - Throws: ``StartError`` for a bad token.
    private static func access(_ config: AdminConfig) throws(StartError) -> AdminAccess {
        AdminAccess(
            token: try token(config),
            isPublic: config.isPublic,
            isUnix: config.address.isUnix,
            isSecure: config.tls != nil
        )
    }

    private static func token(_ config: AdminConfig) throws(StartError) -> [UInt8]? {
        guard let file = config.tokenFile else { return nil }
        switch FileSystem(waitsForPipes: false).read(file) {
        case .success(let bytes):
            if let token = AdminConfig.token(bytes) { return token }
            throw StartError(description: "\(file) holds no token")
        case .failure(let problem):
            throw StartError(description: "cannot read \(file): \(problem.reason)")
        }
    }

    /// Begins to accept clients.
    func start() {
        watchListener()
        beat()
        look()
    }

    /// Looks at the certificate's files again and again.
    private func look() {
        loop.after(Self.lookInterval) { [weak self] in
            guard let self, !hasEnded else { return }
            switch security?.look() {
            case .changed:
                logs.note(level: .info, "admin API: a new certificate is in use")
            case .bad(let reason):
                logs.note(
                    level: .error,
                    "admin API: \(reason); the certificate that was read before stays"
                )
            case nil: break
            }
            look()
        }
    }

    private func beat() {
        loop.after(Self.heartbeat) { [weak self] in
            guard let self, !hasEnded else { return }
            stream(": \n\n", where: { _ in true })
            beat()
        }
    }

    /// Another process accepts from the socket now.
    func handOver() {
        guard !hasEnded, !isHandedOver else { return }
        isHandedOver = true
        loop.unwatch(listener)
        weir_close(listener)
        // Who stays would ask a process that does not serve any more.
        for connection in Array(connections.values) { connection.retire() }
    }

    /// Stops to listen and closes all connections.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        if !isHandedOver {
            if let unixPath, !isForeign { _ = weir_unlink(unixPath) }
            loop.close(listener)
        }
        for connection in Array(connections.values) { connection.close() }
    }

    /// Whether anybody streams events and asked by a query that `isWanted` takes.
    func hasStream(where isWanted: (String) -> Bool) -> Bool {
        connections.values.contains { $0.isStreaming && isWanted($0.streamQuery) }
    }

    /// Sends text to those who stream events and asked by a query that `isWanted` takes.
    func stream(_ text: String, where isWanted: (String) -> Bool) {
        for connection in Array(connections.values)
        where connection.isStreaming && isWanted(connection.streamQuery) {
            connection.stream(text)
        }
    }

    private func watchListener() {
        guard !hasEnded, !isHandedOver else { return }
        _ = loop.watch(listener) { [unowned self] _ in accept() }
    }

    private func accept() {
        for _ in 0..<16 {
            var peer = weir_address()
            let descriptor = weir_accept(listener, &peer)
            guard descriptor >= 0 else {
                if descriptor == -EAGAIN { return }
                // Without a descriptor to be had the listener would stay ready.
                loop.unwatch(listener)
                loop.after(Self.pause) { [weak self] in self?.watchListener() }
                return
            }
            guard connections.count < Self.mostConnections || makeRoom() else {
                weir_close(descriptor)
                continue
            }
            let channel = security?.accept(descriptor)
            guard security == nil || channel != nil else {
                weir_close(descriptor)
                continue
            }
            let connection = AdminConnection(
                descriptor,
                channel,
                handshakeTime: handshakeTime,
                on: loop,
                answer: { [unowned self] in answer($0) },
                closed: { [weak self] in self?.connections[ObjectIdentifier($0)] = nil }
            )
            connections[ObjectIdentifier(connection)] = connection
            if !connection.start() { connection.close() }
        }
    }

    /// Closes the connection that has said nothing for longest, or else the one that has read
    /// nothing; false if all stream, or wait for what takes a while.
    ///
    /// Else clients without the token could keep out those who ask whether Weir is ready.
    private func makeRoom() -> Bool {
        let waiting = connections.values.filter(\.isWaiting)
        let candidates = waiting.isEmpty ? connections.values.filter(\.isUnread) : waiting
        guard let oldest = candidates.min(by: { $0.waitsSince < $1.waitsSince }) else {
            return false
        }
        oldest.close()
        return true
    }

    private func answer(_ request: AdminRequest) -> AdminResponse {
        do throws(AdminProblem) {
            try access.check(request)
            return try router.answer(request)
        } catch {
            return error.response
        }
    }
}
