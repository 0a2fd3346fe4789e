import Balancing
import Configuration
import EventLoop
import Health
import Routing

/// Where the found servers of one pool come from: names, services, and a file that lists any.
///
/// Says who is there now; who gets which slot is up to ``PoolDiscovery``.
final class PoolSources {
    private struct NameSource {
        var watch: Resolver.AddressWatch
        var observer: Int
    }

    private let pool: PoolConfig
    private let resolver: Resolver
    private let changed: () -> Void
    private let tell: (HealthEvent) -> Void
    private let file: ServersFile?
    private var names: [String: NameSource] = [:]
    private var services: [String: ServiceSource] = [:]
    /// By name: the addresses that the file before knew, for names of which nothing is known yet.
    private var knownBefore: [String: [IPAddress]] = [:]

    /// The sources of a pool; `changed` is called when they may list others than before.
    init(
        _ pool: PoolConfig,
        _ resolver: Resolver,
        changed: @escaping () -> Void,
        tell: @escaping (HealthEvent) -> Void
    ) {
        self.pool = pool
        self.resolver = resolver
        self.changed = changed
        self.tell = tell
        file = pool.serversFile.map { path in
            ServersFile(
                path: path,
                besides: pool.servers,
                needsNames: pool.tls?.needsNames == true
            )
        }
    }

    /// Begins to ask for everything that the pool lists.
    func start() {
        if lookAtFile() { return }
        follow()
    }

    /// Asks for nothing any more.
    func stop() {
        for source in names.values { resolver.release(source.watch, source.observer) }
        for source in services.values { source.stop() }
        names = [:]
        services = [:]
    }

    /// Goes on with what others know, until the names are answered.
    func inherit(from other: PoolSources) {
        knownBefore = other.knownBefore
        for (name, source) in other.names where !source.watch.known.isEmpty {
            knownBefore[name] = source.watch.known
        }
    }

    /// The addresses of a name, as far as they are known.
    private func addresses(of name: String) -> [IPAddress] {
        let known = names[name]?.watch.known ?? []
        return Self.sorted(known.isEmpty ? knownBefore[name] ?? [] : known)
    }

    /// Whether there is a file to be looked at.
    var hasFile: Bool { file != nil }

    /// Looks at the file; true if its servers have changed.
    @discardableResult
    func lookAtFile() -> Bool {
        guard let file, let news = file.look() else { return false }
        switch news {
        case .bad(let why):
            let count = file.servers.count
            let rest =
                count == 0 ? "it gives no server" : "the \(count) servers it gave last stay"
            tell(
                HealthEvent(.serversFileBad, pool: pool.name, reason: "\(why); \(rest)")
            )
            return false
        case .changed(let what):
            tell(HealthEvent(.serversChanged, pool: pool.name, reason: what))
            follow()
            changed()
            return true
        }
    }

    /// Whether everything has been asked for once.
    var hasOutcome: Bool {
        names.values.allSatisfy { $0.watch.hasOutcome }
            && services.values.allSatisfy { $0.hasOutcome }
    }

    /// All servers that have no slot by the file, in its order.
    private var listed: [ServerConfig] { pool.servers + (file?.servers ?? []) }

    /// Asks for what is listed, and no longer for anything else.
    private func follow() {
        var wantedNames: Set<String> = []
        var wantedServices: Set<String> = []
        for server in listed {
            switch server.address {
            case .name(let name, _): wantedNames.insert(name)
            case .service(let name): wantedServices.insert(name)
            case .ip, .unix: break
            }
        }
        for (name, source) in names where !wantedNames.contains(name) {
            resolver.release(source.watch, source.observer)
            names[name] = nil
        }
        for (name, source) in services where !wantedServices.contains(name) {
            source.stop()
            services[name] = nil
        }
        for name in wantedNames.sorted() where names[name] == nil { follow(name: name) }
        for name in wantedServices.sorted() where services[name] == nil {
            services[name] = ServiceSource(
                name,
                pool.resolver,
                resolver,
                changed: changed,
                tell: { [tell, pool] notice, target, known in
                    tell(notice.event(pool: pool.name, name: target, known: known))
                },
                tellService: { [tell, pool] notice, known in
                    tell(notice.event(pool: pool.name, name: name, known: known))
                }
            )
        }
    }

    private func follow(name: String) {
        let watch = resolver.addresses(of: name, pool.resolver)
        let observer = watch.observe { [unowned self, unowned watch] notice in
            if let notice {
                let known = watch.known.map(\.description)
                tell(notice.event(pool: pool.name, name: name, known: known))
            }
            changed()
        }
        names[name] = NameSource(watch: watch, observer: observer)
    }

    // MARK: Who is there

    /// A server that was found.
    struct Found {
        /// With an address of its own.
        var server: ServerConfig
        /// The name by which it was found; `nil` where it was listed by its address.
        var hostName: String? { server.hostName }
    }

    /// All servers but those that the configuration gives by address, in the order of the file,
    /// those of a name by address.
    var found: [Found] {
        let byAddress = Set(pool.membersByAddress.map(\.address))
        return listed.flatMap { server -> [Found] in
            switch server.address {
            case .ip, .unix:
                return byAddress.contains(server.address) ? [] : [Found(server: server)]
            case .name(let name, let port):
                return addresses(of: name).map { address in
                    Found(server: Self.copy(server, address, port, of: name))
                }
            case .service(let name):
                return (services[name]?.servers ?? []).map { target, address in
                    var copy = Self.copy(server, address, target.port, of: target.target)
                    copy.weight = min(1000, server.weight * target.weight)
                    copy.priority += target.priority
                    return Found(server: copy)
                }
            }
        }
    }

    private static func copy(
        _ server: ServerConfig,
        _ address: IPAddress,
        _ port: UInt16,
        of hostName: String
    ) -> ServerConfig {
        var copy = server
        copy.hostName = hostName
        copy.label = server.name
        // Names are what sticky tokens and hash tables go by: one for each address.
        copy.name = address.text(port: port)
        copy.address = .ip(address, port: port)
        return copy
    }

    /// In an order that does not depend on the answer's.
    private static func sorted(_ addresses: [IPAddress]) -> [IPAddress] {
        addresses.sorted { left, right in
            switch (left, right) {
            case (.v4(let one), .v4(let other)): one < other
            case (.v6(let high, let low), .v6(let otherHigh, let otherLow)):
                (high, low) < (otherHigh, otherLow)
            case (.v4, .v6): true
            case (.v6, .v4): false
            }
        }
    }
}
