import Configuration
import EventLoop
import Routing
import Synchronization

/// How a pool's servers are asked for their load; all workers share it.
final class ProbePlan {
    /// What is asked for.
    let path: String
    /// By endpoint of the pool that the file gives by address: the bytes that are sent.
    let requests: [UnsafeRawBufferPointer]
    /// Nanoseconds from the begin of a probe, connecting included, to its answer's end.
    let timeout: Int64
    /// Probes per request on average.
    let rate: Double
    /// By endpoint of the pool: workers for which probing fails at present.
    let failing: [SharedCount]
    /// The pool's name.
    let pool: String

    /// A plan; `keep` gives text a place in the snapshot's memory.
    ///
    /// `capacity`: how many endpoints there can be.
    init?(_ pool: PoolConfig, capacity: Int, keep: (String) -> UnsafeRawBufferPointer) {
        guard let probe = pool.prequalProbe else { return nil }
        self.pool = pool.name
        path = probe.path
        timeout = max(1, probe.timeout.inNanoseconds)
        rate = min(8, max(0, pool.balance.prequal.probes))
        failing = (0..<capacity).map { _ in SharedCount() }
        requests = pool.membersByAddress.map { keep(ProbePlan.request(probe.path, $0.address)) }
    }

    /// The bytes for an endpoint that the file gives by address; none for others.
    func request(_ place: Int) -> UnsafeRawBufferPointer {
        place < requests.count ? requests[place] : .init(start: nil, count: 0)
    }

    static func request(_ path: String, _ address: ServerAddress) -> String {
        "GET \(path) HTTP/1.1\r\nHost: \(host(address))\r\n"
            + "User-Agent: weir-probe\r\nAccept: */*\r\n\r\n"
    }

    private static func host(_ address: ServerAddress) -> String {
        switch address {
        case .ip(let address, let port): address.text(port: port)
        case .unix: "localhost"
        case .name(let host, let port): "\(host):\(port)"
        case .service(let name): name
        }
    }
}

/// A worker's one connection for probes of an endpoint.
struct Probe: BitwiseCopyable {
    /// Where the connection stands.
    enum Phase: UInt8 {
        /// There is none. Next: `connecting`, `securing`, `asking`.
        case none
        /// The kernel's handshake runs. Next: `securing`, `asking`, `none`.
        case connecting
        /// That of TLS runs. Next: `asking`, `none`.
        case securing
        /// A request was sent, or part of it. Next: `idle`, `none`.
        case asking
        /// It waits for the next probe. Next: `asking`, `none`.
        case idle
    }

    /// The first and the longest pause after a failure, in nanoseconds.
    static let firstPause: Int64 = 100_000_000
    static let longestPause: Int64 = 5_000_000_000

    /// The bytes that are sent.
    var request: UnsafeRawBufferPointer
    /// Nanoseconds from the begin of a probe, connecting included, to its answer's end.
    var timeout: Int64
    var descriptor: Int32 = -1
    /// Counts the connections, so that stale events are told apart.
    var generation: UInt32 = 0
    var phase = Phase.none
    /// Whether it stands in the list of those to be asked at the turn's end.
    var isQueued = false
    /// Whether the connection has answered before.
    var isReused = false
    /// Whether a byte of the present answer has come.
    var hasBytes = false
    /// Whether the last probe failed by the server's fault.
    var isFailing = false
    /// Bytes of the request that were sent.
    var sent = 0
    var answer = ProbeAnswer()
    /// Bytes received and not yet used.
    var input = Buffer()
    /// TLS, in pools that have it.
    var secure = SecureSide()
    /// Ciphertext that the kernel did not take yet.
    var output = Buffer()
    /// When the present phase has lasted too long.
    var deadline = Instant.never
    /// How long the last failure keeps probes away, and until when.
    var pause: Int64 = 0
    var pausedUntil = Instant(nanoseconds: 0)

    /// Notes a failure: the pause doubles from one to the next.
    mutating func failed(at now: Instant) {
        pause = min(Self.longestPause, max(Self.firstPause, pause &* 2))
        pausedUntil = now + pause
    }

    /// Notes an answer.
    mutating func succeeded() {
        pause = 0
        pausedUntil = Instant(nanoseconds: 0)
    }
}

/// A worker's probes, by endpoint; empty where no pool has any.
struct ProbeTable: ~Copyable {
    private let probes: UnsafeMutablePointer<Probe>
    /// How many endpoints there are, 0 where no pool has probes.
    let count: Int
    var timers: TimerWheel
    /// Endpoints to be asked at the turn's end, each at most once.
    var due: [Int] = []

    /// Room for the snapshot's endpoints.
    init(_ snapshot: Snapshot, now: Instant) {
        let plans = snapshot.probePlans
        count = plans.contains { $0 != nil } ? snapshot.endpointCount : 0
        probes = .allocate(capacity: max(1, count))
        probes.initialize(
            repeating: Probe(request: .init(start: nil, count: 0), timeout: 0),
            count: count
        )
        for (pool, plan) in plans.enumerated() where count > 0 {
            guard let plan else { continue }
            for place in 0..<snapshot.capacities[pool] {
                probes[snapshot.firstEndpoints[pool] + place] = Probe(
                    request: plan.request(place),
                    timeout: plan.timeout
                )
            }
        }
        timers = TimerWheel(capacity: max(1, count), now: now)
        due.reserveCapacity(count)
    }

    deinit { probes.deallocate() }

    /// Asks endpoints of pools that stay as `before` asked them: some were found since, and of some
    /// it was told that they fail.
    mutating func goOn(from before: borrowing ProbeTable, _ snapshot: Snapshot) {
        let placed = snapshot.placed
        for pool in placed.pools where !placed.newPools.contains(pool) {
            let first = placed.firstEndpoints[pool]
            let end = min(before.count, count, first + placed.capacities[pool])
            for endpoint in first..<max(first, end) {
                let known = before[endpoint].pointee
                probes[endpoint].request = known.request
                probes[endpoint].isFailing = known.isFailing
                probes[endpoint].pause = known.pause
                probes[endpoint].pausedUntil = known.pausedUntil
            }
        }
    }

    /// The probe of an endpoint below ``count``.
    subscript(_ endpoint: Int) -> UnsafeMutablePointer<Probe> { probes + endpoint }
}
