import CLinux
import Configuration
import EventLoop
import Proxy
import TLS

/// Keeps what listeners and pools prove themselves with up to date: workers get new certificates as
/// soon as their files change, and keep the old ones where the new ones are bad.
final class CertificateControl {
    /// From one look at the files to the next, in nanoseconds.
    private static let interval: Int64 = 500_000_000
    /// Nanoseconds in a second.
    private static let second: Int64 = 1_000_000_000

    /// What a configuration proves itself with, read from its files.
    struct Material {
        fileprivate let placed: PlacedConfig
        /// By place of a listener, for its first connections; `nil` where it speaks no TLS.
        let servers: [TLSServerContext?]
        /// What pools have for connections to their servers.
        let pools: PoolContexts
        fileprivate let listeners: [(place: Int, certificates: ListenerCertificates)]
    }

    private var material: Material
    private let loop: ControlLoop
    private let logs: LogQueue
    private let tell: (WorkerMessage) -> Void
    private let keys: TicketKeys

    /// What pools have for connections to their servers.
    var pools: PoolContexts { material.pools }

    /// Reads everything for the first time; `tell` reaches every worker, and `tickets` are keys of
    /// the process before.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    init(
        _ placed: PlacedConfig,
        tickets: (keys: [UInt8], nextTurn: Int64)?,
        on loop: ControlLoop,
        logs: LogQueue,
        tell: @escaping (WorkerMessage) -> Void
    ) throws(StartError) {
        self.loop = loop
        self.logs = logs
        self.tell = tell
        let now = weir_monotonic_ns() / Self.second
        keys =
            tickets.flatMap { TicketKeys(handedOver: $0.keys, nextTurn: now + $0.nextTurn) }
            ?? TicketKeys(now: now)
        material = try Self.read(placed, keys: keys)
    }

    /// Keys that seal session tickets, for the process that follows, and seconds until the next.
    var ticketKeys: (keys: [UInt8], nextTurn: Int64) {
        keys.forSuccessor(now: weir_monotonic_ns() / Self.second)
    }

    /// By place of a listener: what it has for its first connections.
    var servers: [TLSServerContext?] { material.servers }

    /// Reads what another configuration proves itself with; nothing changes yet.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    func read(_ placed: PlacedConfig) throws(StartError) -> Material {
        try Self.read(placed, keys: keys)
    }

    /// Looks after these files from now on.
    func follow(_ material: Material) { self.material = material }

    private static func read(
        _ placed: PlacedConfig,
        keys: TicketKeys
    ) throws(StartError) -> Material {
        var contexts = [TLSServerContext?](repeating: nil, count: placed.config.listeners.count)
        var listeners: [(place: Int, certificates: ListenerCertificates)] = []
        for place in placed.listeners {
            let listener = placed.config.listeners[place]
            guard let tls = listener.tls else { continue }
            let certificates = ListenerCertificates(
                tls,
                http2: listener.http2 == .overTLS,
                ownKeys: keys,
                files: FileSystem(waitsForPipes: false)
            )
            do throws(StartError) {
                contexts[place] = try certificates.read()
            } catch {
                throw StartError(description: "listener \(listener.name): \(error.description)")
            }
            listeners.append((place, certificates))
        }
        let pools = PoolContexts(placed, files: FileSystem(waitsForPipes: false))
        try pools.read()
        return Material(placed: placed, servers: contexts, pools: pools, listeners: listeners)
    }

    /// Looks at the files from now on.
    func begin() {
        loop.every(Self.interval) { [weak self] in self?.look() }
    }

    private func look() {
        keys.rotate(now: weir_monotonic_ns() / Self.second)
        let config = material.placed.config
        for (place, certificates) in material.listeners {
            let name = config.listeners[place].name
            switch certificates.look() {
            case .changed(let context):
                tell(.certificates(listener: place, context))
                logs.note(level: .info, "listener \(name): new certificates are in use")
            case .bad(let reason):
                logs.note(
                    level: .error,
                    "listener \(name): \(reason); the certificates that were read before stay"
                )
            case nil: break
            }
        }
        pools.look { [logs, tell] place, news in
            let name = config.pools[place].name
            switch news {
            case .changed(let context):
                tell(.clientContext(pool: place, context))
                logs.note(level: .info, "pool \(name): new certificates are in use")
            case .bad(let reason):
                logs.note(
                    level: .error,
                    "pool \(name): \(reason); the certificates that were read before stay"
                )
            }
        }
    }
}
