import CLinux
import Configuration
import Health
import Routing

/// What the hot path needs of one endpoint besides what a worker keeps of it.
struct EndpointEntry {
    var address: weir_address
    /// The path of a unix socket, else `nil`.
    var path: UnsafePointer<CChar>?
    var pool: Int32
    /// The most requests and connections at once, on all workers; `Int32.max` for no bound.
    var maxRequests = Int32.max
    var maxConnections = Int32.max
    /// The label in logs.
    var name: UnsafeRawBufferPointer
    /// The name that its certificate has to cover, where TLS is spoken.
    var serverName = UnsafeRawBufferPointer(start: nil, count: 0)

    /// What is needed of a server of `config`, the pool of this number; of none, nothing but the
    /// pool.
    init(_ server: ServerConfig?, of config: PoolConfig, pool: Int, _ texts: TextStore) {
        let breaker = config.breaker
        address = weir_address()
        self.pool = Int32(truncatingIfNeeded: pool)
        maxRequests = breaker.perServer.maxRequests.map { Int32(clamping: $0) } ?? Int32.max
        maxConnections =
            (server?.maxConnections ?? breaker.perServer.maxConnections)
            .map { Int32(clamping: $0) } ?? Int32.max
        name = texts.keep(server?.name ?? "")
        if let tls = config.tls, let server {
            serverName = texts.keep(tls.name(of: server))
        }
        switch server?.address {
        case .ip(let ip, let port): address = weir_address(ip, port: port)
        case .unix(let path):
            self.path = texts.keep(path).baseAddress?.assumingMemoryBound(to: CChar.self)
        // Names are not connected to, but the addresses that are found for them.
        case .name, .service, nil: break
        }
    }

    /// Begins to connect the socket; 0, or a negated errno.
    mutating func connect(_ descriptor: Int32) -> Int32 {
        path.map { weir_connect_unix(descriptor, $0) } ?? weir_connect(descriptor, &address)
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
