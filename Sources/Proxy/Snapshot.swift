import Balancing
import CLinux
import Configuration
import EventLoop
import Routing

/// What the hot path needs of one route, in flat memory.
struct RouteEntry {
    /// The pool that takes the request, or -1 where Weir answers itself.
    var pool: Int32
    var isLogged: Bool
    var attempts: UInt8
    var retriesConnect: Bool
    var retriesReset: Bool
    /// Bytes of a body kept to be sent again.
    var keepLimit: Int
    /// Nanoseconds; `Int64.max` where a bound is lifted.
    var connect: Int64
    var response: Int64
    var stream: Int64
    var total: Int64
}

/// What the hot path needs of one endpoint besides what a worker keeps of it.
struct EndpointEntry {
    var address: weir_address
    /// The path of a unix socket, else `nil`.
    var path: UnsafePointer<CChar>?
    var pool: Int32
    /// The label in logs.
    var name: UnsafeRawBufferPointer

    /// Begins to connect the socket; 0, or a negated errno.
    mutating func connect(_ descriptor: Int32) -> Int32 {
        path.map { weir_connect_unix(descriptor, $0) } ?? weir_connect(descriptor, &address)
    }
}

/// Nanoseconds and bounds that concern every client.
struct ClientLimits: BitwiseCopyable {
    var head: Int64
    var keepAlive: Int64
    var body: Int64
    var send: Int64
    var tunnel: Int64
    var loopLag: Int64
    var memory: Int
    var bodySize: UInt64
    var requestsPerConnection: UInt32
}

/// A configuration in the form in which workers use it: immutable, in memory that stays where it is
/// until the last worker has let go of it.
public final class Snapshot: @unchecked Sendable {
    let config: Config
    let table: RouteTable
    /// The route of each match in the table.
    let owners: UnsafeMutablePointer<Int>
    let routes: UnsafeMutablePointer<RouteEntry>
    let routeNames: [UnsafeRawBufferPointer]
    let endpoints: UnsafeMutablePointer<EndpointEntry>
    let endpointCount: Int
    /// Where each pool's endpoints begin in the table of endpoints.
    let firstEndpoints: [Int]
    /// How each pool balances, with what the workers share of its endpoints.
    let plans: [PoolPlan]
    /// By pool: what is hashed.
    let hashKeys: [[CompiledKey]]
    /// By pool: how clients come back to their endpoint.
    let stickyTokens: [StickyTokens?]
    /// By pool: how its endpoints are asked for their load.
    let probePlans: [ProbePlan?]
    let limits: ClientLimits
    private var allocations: [UnsafeMutableRawPointer] = []

    /// Compiles a checked configuration; `workers` share the bound on buffer memory.
    ///
    /// `secrets`: by pool, the bytes of its `sticky.secret-file`; pools without have a secret of
    /// this process.
    public init(_ config: Config, workers: Int, secrets: [String: [UInt8]] = [:]) {
        self.config = config
        let (specs, owners) = config.flattenedMatches()
        table = RouteTable(specs)
        self.owners = .allocate(capacity: max(1, owners.count))
        for (index, owner) in owners.enumerated() { (self.owners + index).initialize(to: owner) }
        limits = ClientLimits(config, workers: workers)
        routes = .allocate(capacity: max(1, config.routes.count))
        var kept: [UnsafeMutableRawPointer] = []
        for (index, route) in config.routes.enumerated() {
            (routes + index).initialize(to: RouteEntry(route))
        }
        routeNames = config.routes.map { Self.keep($0.name, in: &kept) }
        endpointCount = config.pools.reduce(0) { $0 + $1.servers.count }
        endpoints = .allocate(capacity: max(1, endpointCount))
        var next = 0
        var first: [Int] = []
        for (index, pool) in config.pools.enumerated() {
            first.append(next)
            for server in pool.servers {
                (endpoints + next).initialize(
                    to: Self.entry(server, pool: index, keeping: &kept)
                )
                next += 1
            }
        }
        firstEndpoints = first
        plans = config.pools.map { $0.plan() }
        hashKeys = config.pools.map { pool in
            pool.hashKey.map { CompiledKey($0) { Self.keep($0, in: &kept) } }
        }
        stickyTokens = config.pools.map { pool in
            pool.sticky.map {
                StickyTokens(
                    $0,
                    secret: secrets[pool.name].map { StickySecret($0) } ?? .ofThisProcess,
                    pool: pool.name,
                    endpoints: pool.servers.map(\.name)
                )
            }
        }
        probePlans = config.pools.map { ProbePlan($0) { Self.keep($0, in: &kept) } }
        allocations = kept
    }

    deinit {
        owners.deallocate()
        routes.deallocate()
        endpoints.deallocate()
        for allocation in allocations { allocation.deallocate() }
    }

    private static func keep(
        _ text: String,
        in kept: inout [UnsafeMutableRawPointer]
    ) -> UnsafeRawBufferPointer {
        let bytes = Array(text.utf8)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        memory.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
        kept.append(memory)
        return UnsafeRawBufferPointer(start: memory, count: bytes.count)
    }

    private static func entry(
        _ server: ServerConfig,
        pool: Int,
        keeping kept: inout [UnsafeMutableRawPointer]
    ) -> EndpointEntry {
        var entry = EndpointEntry(
            address: weir_address(),
            path: nil,
            pool: Int32(truncatingIfNeeded: pool),
            name: keep(server.name, in: &kept)
        )
        switch server.address {
        case .ip(let address, let port):
            entry.address = weir_address(address, port: port)
        case .unix(let path):
            let text = keep(path, in: &kept)
            entry.path = text.baseAddress?.assumingMemoryBound(to: CChar.self)
        case .name, .service: break
        }
        return entry
    }
}

extension Duration? {
    /// Nanoseconds, `Int64.max` for no bound.
    var nanosecondsOrNever: Int64 { self?.inNanoseconds ?? Int64.max }
}

extension RouteEntry {
    init(_ route: RouteConfig) {
        if case .pool(let index) = route.action {
            pool = Int32(truncatingIfNeeded: index)
        } else {
            pool = -1
        }
        isLogged = route.accessLog
        attempts = UInt8(clamping: route.retries.attempts)
        retriesConnect = route.retries.onConnectFailure
        retriesReset = route.retries.onResetBeforeAnswer
        keepLimit = route.retries.buffer
        connect = route.timeouts.connect.nanosecondsOrNever
        response = route.timeouts.response.nanosecondsOrNever
        stream = route.timeouts.stream.nanosecondsOrNever
        total = route.timeouts.total.nanosecondsOrNever
    }
}

extension ClientLimits {
    init(_ config: Config, workers: Int) {
        head = config.timeouts.head.nanosecondsOrNever
        keepAlive = config.timeouts.keepAlive.nanosecondsOrNever
        body = config.timeouts.body.nanosecondsOrNever
        send = config.timeouts.send.nanosecondsOrNever
        tunnel = config.timeouts.tunnel.nanosecondsOrNever
        loopLag = config.limits.loopLag.nanosecondsOrNever
        memory = config.limits.memory.map { max(1, $0 / max(1, workers)) } ?? Int.max
        bodySize = config.limits.bodySize.map { UInt64(clamping: $0) } ?? UInt64.max
        requestsPerConnection =
            config.limits.requestsPerConnection.map { UInt32(clamping: $0) } ?? UInt32.max
    }
}

extension weir_address {
    /// An address in the kernel's terms.
    public init(_ address: IPAddress, port: UInt16) {
        self.init()
        self.port = port
        switch address {
        case .v4(let bits):
            family = 4
            low = UInt64(bits)
        case .v6(let high, let low):
            family = 6
            self.high = high
            self.low = low
        }
    }
}
