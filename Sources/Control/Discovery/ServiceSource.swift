import Configuration
import Routing

/// The servers that the SRV records of a name list, with the addresses of their targets.
///
/// New records replace the old ones only once all their targets have been asked for, and only if
/// there is an address among them: a service never shrinks to nothing in between.
final class ServiceSource {
    private struct Target {
        var watch: Resolver.AddressWatch
        var observer: Int
    }

    private let resolver: Resolver
    private let config: ResolverConfig
    private let changed: () -> Void
    private let tell: (NameMachine<IPAddress>.Notice, String, [String]) -> Void
    private let records: Resolver.ServiceRecordWatch
    private var observer = 0
    private var targets: [String: Target] = [:]
    private var current: [RankedTarget] = []
    /// Those that are to replace ``current``.
    private var pending: [RankedTarget]?

    /// The servers of a service.
    ///
    /// `changed` is called when they may have changed, `tell` with the news of a target, its name
    /// and what it has, `tellService` with that of the service.
    init(
        _ name: String,
        _ config: ResolverConfig,
        _ resolver: Resolver,
        changed: @escaping () -> Void,
        tell: @escaping (NameMachine<IPAddress>.Notice, String, [String]) -> Void,
        tellService: @escaping (NameMachine<ServiceRecord>.Notice, [String]) -> Void
    ) {
        self.resolver = resolver
        self.config = config
        self.changed = changed
        self.tell = tell
        records = resolver.records(of: name, config)
        observer = records.observe { [unowned self] notice in
            if let notice { tellService(notice, records.known.map { "\($0.target):\($0.port)" }) }
            take()
        }
        take()
    }

    /// Whether everything that was asked for at first has been answered, if only by failures.
    var hasOutcome: Bool {
        records.hasOutcome && targets.values.allSatisfy { $0.watch.hasOutcome }
    }

    /// The servers, each with an address of its own.
    var servers: [(target: RankedTarget, address: IPAddress)] {
        current.flatMap { target in
            (targets[target.target]?.watch.known ?? []).map { (target, $0) }
        }
    }

    /// Wants to know nothing more.
    func stop() {
        resolver.release(records, observer)
        for target in targets.values { resolver.release(target.watch, target.observer) }
        targets = [:]
    }

    /// The records may be others.
    private func take() {
        let ranked = ranked(records.known)
        if ranked != (pending ?? current) { pending = ranked }
        let wanted = Set((pending ?? []).map(\.target)).union(current.map(\.target))
        for name in wanted.sorted() where targets[name] == nil {
            let watch = resolver.addresses(of: name, config)
            let observer = watch.observe { [unowned self, unowned watch] notice in
                if let notice { tell(notice, name, watch.known.map(\.description)) }
                settle()
            }
            targets[name] = Target(watch: watch, observer: observer)
        }
        settle()
    }

    /// Goes over to the new records, if everything is known for it.
    private func settle() {
        defer { changed() }
        guard let pending else { return }
        let watches = pending.compactMap { targets[$0.target]?.watch }
        guard watches.allSatisfy(\.hasOutcome), watches.contains(where: { !$0.known.isEmpty })
        else { return }
        current = pending
        self.pending = nil
        let wanted = Set(current.map(\.target))
        for (name, target) in targets where !wanted.contains(name) {
            resolver.release(target.watch, target.observer)
            targets[name] = nil
        }
    }
}
