import Balancing
import Configuration
import Health
import Routing
import TLS

/// A configuration in the form in which workers use it: immutable, in memory that stays where it is
/// until the last worker has let go of it.
public final class Snapshot: @unchecked Sendable {
    let config: Config
    let table: RouteTable
    /// The route of each match in the table.
    let owners: UnsafeMutablePointer<Int>
    let routes: UnsafeMutablePointer<RouteEntry>
    let routeNames: [UnsafeRawBufferPointer]
    let poolNames: [UnsafeRawBufferPointer]
    /// By route: what it changes of heads.
    let edits: UnsafeMutablePointer<RouteEdits>
    /// The most fields that a route adds to a request.
    let fieldsAdded: Int
    /// The endpoints that the file gives by address; each worker has a table of its own, in which
    /// found ones join them.
    let endpoints: UnsafeMutablePointer<EndpointEntry>
    /// The slots for endpoints of all pools.
    let endpointCount: Int
    /// Where each pool's endpoints begin in the table of endpoints.
    let firstEndpoints: [Int]
    /// By pool: how many endpoints there can be.
    let capacities: [Int]
    /// How each pool balances at first, with what the workers share of its endpoints.
    let plans: [PoolPlan]
    /// By pool: what is hashed.
    let hashKeys: [[CompiledKey]]
    /// By pool: how clients come back to their endpoint.
    let stickyTokens: [StickyTokens?]
    /// By pool: how its endpoints are asked for their load.
    let probePlans: [ProbePlan?]
    let limits: ClientLimits
    /// What each pool's own traffic and checks say of its endpoints.
    let health: [PoolHealth]
    /// How many tries of each pool may be repeated; `nil` is without bound.
    let budgets: [RetryBudget?]
    /// What each pool takes at once; `nil` is without bound.
    let gates: [PoolGate?]
    /// By listener: what it proves itself with at first; `nil` where it speaks no TLS.
    let certificates: [TLSServerContext?]
    /// By pool: how TLS to its endpoints is begun; `nil` is in the clear.
    let clientContexts: [TLSClientContext?]
    let listeners: UnsafeMutablePointer<ListenerEntry>
    /// By listener: handshakes admitted in a second by each worker; `nil` is without bound.
    let handshakeRates: [Double?]
    private let workers: Int
    private let secrets: [StickySecret]
    private let texts: TextStore

    /// Compiles a checked configuration; `workers` share the bound on buffer memory.
    ///
    /// `secrets`: by pool, the bytes of its `sticky.secret-file`; pools without have a secret of
    /// this process. `certificates`: by listener, `clientContexts`: by pool; empty where none
    /// speaks TLS.
    public init(
        _ config: Config,
        workers: Int,
        secrets: [String: [UInt8]] = [:],
        certificates: [TLSServerContext?] = [],
        clientContexts: [TLSClientContext?] = []
    ) {
        self.config = config
        let (specs, owners) = config.flattenedMatches()
        table = RouteTable(specs)
        self.owners = .allocate(capacity: max(1, owners.count))
        for (index, owner) in owners.enumerated() { (self.owners + index).initialize(to: owner) }
        limits = ClientLimits(config, workers: workers)
        let texts = TextStore()
        (routes, edits) = Self.routes(config, texts)
        fieldsAdded =
            config.routes.map { $0.requestHeaders.set.count + $0.requestHeaders.add.count }.max()
            ?? 0
        routeNames = config.routes.map { texts.keep($0.name) }
        poolNames = config.pools.map { texts.keep($0.name) }
        capacities = config.pools.map(\.endpointCapacity)
        endpointCount = capacities.reduce(0, +)
        (endpoints, firstEndpoints) = Self.endpoints(config, texts)
        plans = config.pools.map(Self.plan)
        health = zip(config.pools, plans).map { pool, plan in
            PoolHealth(
                pool.ejection,
                rise: pool.checks?.rise ?? CheckOptions().rise,
                shared: plan.shared,
                size: plan.endpoints.count { $0.weight > 0 }
            )
        }
        budgets = config.pools.map { $0.retryBudget.map { RetryBudget($0) } }
        gates = config.pools.map { pool in
            guard pool.isBounded else { return nil }
            return PoolGate(pool.breaker, workers: workers, capacity: pool.endpointCapacity)
        }
        hashKeys = config.pools.map { pool in
            pool.hashKey.map { CompiledKey($0, keep: texts.keep) }
        }
        self.secrets = config.pools.map { pool in
            secrets[pool.name].map { StickySecret($0) } ?? .ofThisProcess
        }
        stickyTokens = zip(config.pools, self.secrets).map { pool, secret in
            StickyTokens(pool, secret: secret, members: pool.membersByAddress)
        }
        probePlans = config.pools.map { ProbePlan($0, keep: texts.keep) }
        self.certificates =
            certificates.isEmpty ? config.listeners.map { _ in nil } : certificates
        self.clientContexts =
            clientContexts.isEmpty ? config.pools.map { _ in nil } : clientContexts
        listeners = Self.listeners(config)
        handshakeRates = config.listeners.map { listener in
            listener.tls?.handshakeRate.map { $0 / Double(max(1, workers)) }
        }
        self.workers = workers
        self.texts = texts
    }

    private static func listeners(_ config: Config) -> UnsafeMutablePointer<ListenerEntry> {
        let entries = UnsafeMutablePointer<ListenerEntry>.allocate(
            capacity: max(1, config.listeners.count)
        )
        for (index, listener) in config.listeners.enumerated() {
            (entries + index).initialize(to: ListenerEntry(listener))
        }
        return entries
    }

    /// The table of routes, and what each changes of heads.
    private static func routes(
        _ config: Config,
        _ texts: TextStore
    ) -> (UnsafeMutablePointer<RouteEntry>, UnsafeMutablePointer<RouteEdits>) {
        let count = max(1, config.routes.count)
        let routes = UnsafeMutablePointer<RouteEntry>.allocate(capacity: count)
        let edits = UnsafeMutablePointer<RouteEdits>.allocate(capacity: count)
        for (index, route) in config.routes.enumerated() {
            (edits + index).initialize(to: RouteEdits(route, keep: texts.keep))
            (routes + index).initialize(to: RouteEntry(route, edits[index]))
        }
        return (routes, edits)
    }

    /// The table of endpoints, and where each pool's begin in it.
    private static func endpoints(
        _ config: Config,
        _ texts: TextStore
    ) -> (UnsafeMutablePointer<EndpointEntry>, [Int]) {
        let count = config.pools.reduce(0) { $0 + $1.endpointCapacity }
        let endpoints = UnsafeMutablePointer<EndpointEntry>.allocate(capacity: max(1, count))
        var next = 0
        var first: [Int] = []
        for (index, pool) in config.pools.enumerated() {
            first.append(next)
            let members = pool.membersByAddress
            for slot in 0..<pool.endpointCapacity {
                let server = slot < members.count ? members[slot] : nil
                (endpoints + next).initialize(
                    to: EndpointEntry(server, of: pool, pool: index, texts)
                )
                next += 1
            }
        }
        return (endpoints, first)
    }

    /// How a pool balances at first, in the states of the file.
    private static func plan(_ pool: PoolConfig) -> PoolPlan {
        let shared = SharedPool(capacity: pool.endpointCapacity)
        let members = pool.membersByAddress
        for (slot, server) in members.enumerated() {
            shared.set(slot, Availability(server.state), now: 0)
        }
        return pool.plan(of: members, shared: shared)
    }

    deinit {
        owners.deallocate()
        for index in config.routes.indices { edits[index].deallocate() }
        edits.deallocate()
        routes.deallocate()
        endpoints.deallocate()
        listeners.deallocate()
    }

    /// The endpoints of a pool by slot, as the file gives them by address.
    ///
    /// Those that are found have the slots behind them, below ``capacity(ofPool:)``.
    public func members(ofPool pool: Int) -> [ServerConfig] { config.pools[pool].membersByAddress }

    /// How many endpoints a pool can have.
    public func capacity(ofPool pool: Int) -> Int { capacities[pool] }

    /// Where a pool's endpoints begin among those of all pools.
    public func firstEndpoint(ofPool pool: Int) -> Int { firstEndpoints[pool] }

    /// What a pool's own traffic and checks say of its endpoints.
    public func health(ofPool pool: Int) -> PoolHealth { health[pool] }

    /// How many tries of a pool may be repeated; `nil` is without bound.
    public func budget(ofPool pool: Int) -> RetryBudget? { budgets[pool] }

    /// What a pool takes at once; `nil` is without bound.
    public func gate(ofPool pool: Int) -> PoolGate? { gates[pool] }

    /// How a pool balances at first.
    public func plan(ofPool pool: Int) -> PoolPlan { plans[pool] }

    /// A server that was found takes a slot that is free, before an update tells workers of it.
    ///
    /// `ramps`: whether it gets its traffic by slow start, as one that joins others does.
    public func enter(_ server: ServerConfig, pool: Int, slot: Int, now: Int64, ramps: Bool) {
        let shared = plans[pool].shared
        shared.set(slot, ramps ? .down : .up, now: now)
        shared.set(slot, Availability(server.state), now: now)
    }

    /// A server that was found is gone: it gets no new request, before an update tells workers.
    public func leave(pool: Int, slot: Int, now: Int64) {
        plans[pool].shared.set(slot, .down, now: now)
    }

    /// What workers need to go over to these endpoints, given by slot: at most
    /// ``capacity(ofPool:)`` of them, each with an address; takes the time that the strategy's
    /// tables need.
    public func update(pool: Int, members: [ServerConfig?]) -> PoolUpdate {
        let config = config.pools[pool]
        let members = Array(members.prefix(capacities[pool]))
        let plan = probePlans[pool]
        return PoolUpdate(
            pool: pool,
            members: members,
            plan: config.plan(of: members, shared: plans[pool].shared),
            entries: members.map { server in
                server.map { EndpointEntry($0, of: config, pool: pool, texts) }
            },
            probeRequests: members.map { server in
                guard let plan, let server else { return .init(start: nil, count: 0) }
                return texts.keep(ProbePlan.request(plan.path, server.address))
            },
            sticky: StickyTokens(config, secret: secrets[pool], members: members),
            workers: workers
        )
    }
}
