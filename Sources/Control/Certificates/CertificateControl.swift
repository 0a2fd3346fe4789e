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

    /// What pools have for connections to their servers.
    let pools: PoolContexts
    private let config: Config
    private let loop: ControlLoop
    private let logs: LogQueue
    private let tell: (WorkerMessage) -> Void
    private let keys: TicketKeys
    private var listeners: [(index: Int, certificates: ListenerCertificates)] = []

    /// Nothing is read yet; `tell` reaches every worker.
    init(
        _ config: Config,
        on loop: ControlLoop,
        logs: LogQueue,
        tell: @escaping (WorkerMessage) -> Void
    ) {
        self.config = config
        self.loop = loop
        self.logs = logs
        self.tell = tell
        pools = PoolContexts(config, files: FileSystem())
        keys = TicketKeys(now: weir_monotonic_ns() / Self.second)
    }

    /// What each listener has for its first connections; `nil` where it speaks no TLS.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    func read() throws(StartError) -> [TLSServerContext?] {
        var contexts: [TLSServerContext?] = []
        for (index, listener) in config.listeners.enumerated() {
            guard let tls = listener.tls else {
                contexts.append(nil)
                continue
            }
            let certificates = ListenerCertificates(
                tls,
                http2: listener.http2 == .overTLS,
                ownKeys: keys,
                files: FileSystem()
            )
            do throws(StartError) {
                contexts.append(try certificates.read())
            } catch {
                throw StartError(description: "listener \(listener.name): \(error.description)")
            }
            listeners.append((index, certificates))
        }
        return contexts
    }

    /// Looks at the files from now on.
    func begin() {
        guard !listeners.isEmpty || !pools.isEmpty else { return }
        loop.every(Self.interval) { [weak self] in self?.look() }
    }

    private func look() {
        keys.rotate(now: weir_monotonic_ns() / Self.second)
        for (index, certificates) in listeners {
            let name = config.listeners[index].name
            switch certificates.look() {
            case .changed(let context):
                tell(.certificates(listener: index, context))
                logs.note(level: .info, "listener \(name): new certificates are in use")
            case .bad(let reason):
                logs.note(
                    level: .error,
                    "listener \(name): \(reason); the certificates that were read before stay"
                )
            case nil: break
            }
        }
        pools.look { [config, logs, tell] index, news in
            let name = config.pools[index].name
            switch news {
            case .changed(let context):
                tell(.clientContext(pool: index, context))
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
