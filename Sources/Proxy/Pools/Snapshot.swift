import Balancing
import Configuration
import Health
import Routing
import TLS

/// A configuration in the form in which workers use it: immutable, in memory that stays where it is
/// until the last worker has let go of it.
///
/// Everything is found by its place (``PlacedConfig``); what the snapshot before had at a place
/// that is not new is taken over, with its state.
public final class Snapshot: @unchecked Sendable {
    /// What has which place.
    public let placed: PlacedConfig
    /// The configuration by place.
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
    /// What ``edits`` points into.
    let editOwners: [RouteEditsOwner]

    /// Compiles a configuration; `workers` share the bound on buffer memory.
    ///
    /// `secrets`: by name of a pool, the bytes of its `sticky.secret-file`; pools without have a
    /// secret of this process. `certificates`: by place of a listener, `clientContexts`: by place
    /// of a pool; empty where none speaks TLS.
    public init(
        _ placed: PlacedConfig,
        following previous: Snapshot? = nil,
        workers: Int,
        secrets: [String: [UInt8]] = [:],
        certificates: [TLSServerContext?] = [],
        clientContexts: [TLSClientContext?] = []
    ) {
        self.placed = placed
        let config = placed.config
        self.config = config
        let texts = previous?.texts ?? TextStore()
        self.texts = texts
        self.workers = workers
        let (specs, owners) = placed.flattenedMatches()
        table = RouteTable(specs)
        self.owners = .allocate(capacity: max(1, owners.count))
        for (index, owner) in owners.enumerated() { (self.owners + index).initialize(to: owner) }
        limits = ClientLimits(config, workers: workers)
        editOwners = Self.edits(placed, previous, texts)
        (routes, edits) = Self.routes(config, editOwners)
        fieldsAdded =
            config.routes.map { $0.requestHeaders.set.count + $0.requestHeaders.add.count }.max()
            ?? 0
        routeNames = config.routes.map { texts.keep($0.name) }
        poolNames = config.pools.map { texts.keep($0.name) }
        capacities = placed.capacities
        endpointCount = placed.endpointCount
        firstEndpoints = placed.firstEndpoints
        endpoints = Self.endpoints(placed, texts)
        let carried = CarriedPools(placed: placed, previous: previous)
        let plans = carried.of(\.plans) { Self.plan($1, capacity: placed.capacities[$0]) }
        self.plans = plans
        health = carried.of(\.health) { Self.health($1, plans[$0]) }
        budgets = carried.of(\.budgets) { $1.retryBudget.map { RetryBudget($0) } }
        gates = carried.of(\.gates) { place, pool in
            guard pool.isBounded else { return nil }
            return PoolGate(pool.breaker, workers: workers, capacity: placed.capacities[place])
        }
        hashKeys = carried.of(\.hashKeys) { $1.hashKey.map { CompiledKey($0, keep: texts.keep) } }
        let ownSecrets = config.pools.map { pool in
            secrets[pool.name].map { StickySecret($0) } ?? .ofThisProcess
        }
        self.secrets = ownSecrets
        stickyTokens = carried.of(\.stickyTokens) { place, pool in
            StickyTokens(pool, secret: ownSecrets[place], members: pool.membersByAddress)
        }
        probePlans = carried.of(\.probePlans) { place, pool in
            ProbePlan(pool, capacity: placed.capacities[place], keep: texts.keep)
        }
        self.certificates =
            certificates.isEmpty ? config.listeners.map { _ in nil } : certificates
        self.clientContexts =
            clientContexts.isEmpty ? config.pools.map { _ in nil } : clientContexts
        listeners = Self.listeners(placed, texts)
        handshakeRates = config.listeners.map { listener in
            listener.tls?.handshakeRate.map { $0 / Double(max(1, workers)) }
        }
    }

    /// Compiles a first configuration.
    public convenience init(
        _ config: Config,
        workers: Int,
        secrets: [String: [UInt8]] = [:],
        certificates: [TLSServerContext?] = [],
        clientContexts: [TLSClientContext?] = []
    ) {
        self.init(
            PlacedConfig(config),
            workers: workers,
            secrets: secrets,
            certificates: certificates,
            clientContexts: clientContexts
        )
    }

    deinit {
        owners.deallocate()
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
