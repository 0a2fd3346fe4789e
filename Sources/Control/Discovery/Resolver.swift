import Balancing
import Configuration
import EventLoop
import Health
import Routing

/// All names that are watched: each is asked for once, however many pools want to know.
final class Resolver {
    /// The addresses of a name, watched.
    typealias AddressWatch = Watch<IPAddress>
    /// The records of a service, watched.
    typealias ServiceRecordWatch = Watch<ServiceRecord>

    private struct Key: Hashable {
        var name: String
        var config: ResolverConfig
    }

    private let loop: ControlLoop
    private var names: [Key: AddressWatch] = [:]
    private var services: [Key: ServiceRecordWatch] = [:]
    private var queries: [ObjectIdentifier: DNSQuery] = [:]
    private var random: SeededRandom

    /// A resolver that watches nothing.
    init(on loop: ControlLoop, seed: UInt64) {
        self.loop = loop
        random = SeededRandom(seed: seed)
    }

    /// The watch on a name's addresses; to be given back by ``release(_:_:)``.
    func addresses(of name: String, _ config: ResolverConfig) -> AddressWatch {
        let key = Key(name: name, config: config)
        if let known = names[key] { return known }
        let watch = AddressWatch(
            on: loop,
            floor: config.minTTL.inNanoseconds,
            ceiling: config.maxTTL.inNanoseconds,
            seed: random.next()
        ) { [weak self] done in
            self?.ask(.addresses, key) { if case .addresses(let finding) = $0 { done(finding) } }
        }
        names[key] = watch
        return watch
    }

    /// The watch on a service's records; to be given back by ``release(_:_:)``.
    func records(of name: String, _ config: ResolverConfig) -> ServiceRecordWatch {
        let key = Key(name: name, config: config)
        if let known = services[key] { return known }
        let watch = ServiceRecordWatch(
            on: loop,
            floor: config.minTTL.inNanoseconds,
            ceiling: config.maxTTL.inNanoseconds,
            seed: random.next()
        ) { [weak self] done in
            self?.ask(.services, key) { if case .services(let finding) = $0 { done(finding) } }
        }
        services[key] = watch
        return watch
    }

    /// An observer of a name's addresses wants to know nothing more.
    func release(_ watch: AddressWatch, _ observer: Int) {
        watch.remove(observer)
        guard watch.isUnwanted else { return }
        watch.stop()
        names = names.filter { $0.value !== watch }
    }

    /// An observer of a service's records wants to know nothing more.
    func release(_ watch: ServiceRecordWatch, _ observer: Int) {
        watch.remove(observer)
        guard watch.isUnwanted else { return }
        watch.stop()
        services = services.filter { $0.value !== watch }
    }

    private func ask(
        _ question: DNSQuery.Question,
        _ key: Key,
        _ done: @escaping (DNSQuery.Answer) -> Void
    ) {
        var id: ObjectIdentifier?
        let query = DNSQuery(question, key.name, key.config, on: loop) { [weak self] answer in
            if let id { self?.queries[id] = nil }
            done(answer)
        }
        let own = ObjectIdentifier(query)
        id = own
        queries[own] = query
    }
}

extension NameMachine.Notice {
    /// The event of this news of `name`; `known`: what it has, in words.
    func event(pool: String, name: String, known: [String]) -> HealthEvent {
        let count = known.count
        let listed = known.prefix(8).joined(separator: ", ") + (count > 8 ? " and others" : "")
        switch self {
        case .changed:
            return HealthEvent(.resolved, pool: pool, endpoint: name, reason: "now \(listed)")
        case .recovered:
            return HealthEvent(
                .resolved,
                pool: pool,
                endpoint: name,
                reason: "answered again: still \(listed)"
            )
        case .failing(let why):
            let rest =
                count == 0 ? "no server is known by it" : "what was known stays: \(listed)"
            return HealthEvent(
                .resolverFailed,
                pool: pool,
                endpoint: name,
                reason: "\(why); \(rest)"
            )
        }
    }
}
