import Balancing
import CLinux
import Configuration
import EventLoop
import HTTP
import Health
import Routing
import TLS

/// A listening socket of one worker.
public struct WorkerListener: Sendable {
    /// The listener's index in the configuration.
    public var index: Int
    /// The listening descriptor; the worker closes it unless it is shared.
    public var descriptor: Int32
    /// Whether other workers accept from the same descriptor.
    public var isShared: Bool
    /// Whether nothing is accepted from it at present.
    var isPaused = false

    /// A listening socket of one worker.
    public init(index: Int, descriptor: Int32, isShared: Bool) {
        self.index = index
        self.descriptor = descriptor
        self.isShared = isShared
    }
}

/// What control tells a worker.
public enum WorkerMessage: Sendable {
    /// Accept what waits, close the listeners, finish what runs, end.
    case drain
    /// Another worker has somebody waiting who may not be accepted: close what is idle.
    case makeRoom(listener: Int)
    /// Serve a pool by these endpoints from now on.
    case pool(PoolUpdate)
    /// A pool has room again, and you have those who wait longest.
    case room(pool: Int)
    /// Requests of a pool wait for connections: close idle ones.
    case freeConnections(pool: Int)
    /// A listener proves itself with these certificates from now on.
    case certificates(listener: Int, TLSServerContext)
    /// Begin TLS to a pool's servers in this way from now on; connections that stand stay.
    case clientContext(pool: Int, TLSClientContext)
    /// Show that your loop turns.
    case pulse(Pulse)
    /// Serve by a changed configuration from now on.
    case change(SnapshotChange)
    /// Say what is in use.
    case uses(UseQuery)
    /// Cut what still runs on these listeners, which are closed, and at these endpoints, which are
    /// gone.
    case cut(listeners: Set<Int>, endpoints: Set<Int>)
    /// End now; what still runs is cut.
    case stop
}

/// One event loop with everything it serves: the data plane of one CPU.
///
/// A `~Copyable` struct whose methods mutate it, since a class would pay for dynamic exclusivity
/// checks on every access. Connections and exchanges live in slabs and are named by slot number.
public struct Worker: ~Copyable {
    /// What a registered token stands for.
    enum TokenKind: UInt64 {
        case mailbox = 0
        case listener = 1
        case downstream = 2
        case upstream = 3
        case probe = 4
    }

    /// Bytes received at once.
    static let readSize = 65_536
    /// Free bytes in front of received ones, where a rewritten head finds its place.
    static let headroom = 8192
    /// Bytes that one connection may move in a turn.
    static let turnBytes = 262_144
    /// Bytes of a whole answer up to which it is sent with the others of its batch of events.
    static let mostDelayed = 4096
    /// Requests that one connection may begin in a turn.
    static let turnRequests = 32

    var poller: Poller
    var snapshot: Snapshot
    let shared: SharedState
    /// What this worker counts; ``shared`` keeps it.
    var statistics: WorkerStatistics
    let mailbox: Mailbox<WorkerMessage>
    var listeners: [WorkerListener]
    var matcher: RouteMatcher
    var limits: ClientLimits
    var headLimits: HeadLimits

    var now: Instant
    var random: SeededRandom
    var down: Slab<Downstream>
    var up: Slab<Upstream>
    var exchanges: Slab<Exchange>
    var downTimers: TimerWheel
    var upTimers: TimerWheel
    /// Exchanges that wait for their next try or for room.
    var waitTimers: TimerWheel
    var probes: ProbeTable
    /// By listener: what it proves itself with; `nil` where it speaks no TLS.
    var certificates: [TLSServerContext?]
    /// By listener: how many handshakes may begin now, where their rate is bounded.
    var handshakeTokens: [RateTokens?]
    /// Handshakes under way.
    var handshakes = 0
    /// Where OpenSSL reads and writes ciphertext.
    let secure: TLSPort
    /// Where ciphertext is received.
    let sealedArea: UnsafeMutableRawPointer
    /// What all connections with HTTP/2 share.
    let frames = HTTP2Memory()
    /// Where frames of HTTP/2 are put together.
    let frameArea: UnsafeMutableRawPointer
    /// Where frames are received.
    ///
    /// Apart from ``readBase``, since what they say is done while they lie there.
    let frameInput: UnsafeMutableRawPointer
    var buffers = BufferPool()
    var pipes = PipePool()
    var fields: FieldTable
    var pools: UnsafeMutablePointer<PoolState>
    /// How many of them there are, retired ones included.
    var poolCount: Int
    var endpointStates: UnsafeMutablePointer<EndpointState>
    /// By endpoint: where it is.
    ///
    /// A table of this worker's own, as found endpoints come and go.
    var endpoints: UnsafeMutablePointer<EndpointEntry>
    /// How many of them there are, unused ones included.
    var endpointCount: Int

    /// `headroom` and then `readSize` bytes.
    ///
    /// A request that may have to be sent again takes it along, body and all, and leaves another.
    var readArea: Buffer
    /// Where received bytes go.
    var readBase: UnsafeMutableRawPointer
    /// Where heads and chunks for the client are put together.
    var out: ByteWriter
    var scratch: UnsafeMutableRawPointer
    var scratchSize: Int

    var ready: [UInt64] = []
    var running: [UInt64] = []
    /// Exchanges whose requests are sent once this batch of events has been read.
    var unsent: [UInt64] = []
    /// Streams and carriers that have something to send, and those of which it is being sent.
    var streamsToSend: [UInt64] = []
    var streamsSending: [UInt64] = []
    var carriersToSend: [UInt64] = []
    var carriersSending: [UInt64] = []
    /// The same of carriers to endpoints.
    var serversToSend: [UInt64] = []
    var serversSending: [UInt64] = []
    /// Streams to endpoints of which something has come in this batch.
    var streamsRead: [UInt64] = []
    /// Connections that are not registered yet, in two parts by age.
    var newcomers: [UInt64] = []
    var earlierNewcomers: [UInt64] = []
    var registerAt = Instant(nanoseconds: 0)
    /// Connections that have nothing under way.
    var idle = ConnectionList()
    /// Connections that count as handshakes, of whose client no whole first message has come.
    var unheard = ConnectionList()
    var accessLog: AccessLogBuffer
    /// What the file says of traces.
    var tracing: TracePlan
    /// Spans until they are handed over.
    var spans: SpanBuffer
    /// The downstream connection whose received bytes are being parsed; its body must not be read
    /// on before they are put away.
    var beginning: Int32 = -1
    /// This worker's place among all.
    let index: Int
    /// Pools whose queue is to be looked at before the turn ends.
    var poolsWithRoom: [Int] = []
    /// Exchanges that wait for room.
    var queued = 0
    /// Whether room for the connection that is opened next was taken.
    var holdsConnection = false
    /// Whether a request has to wait for a connection rather than for a request's end.
    var lacksConnections = false
    /// Whether the pool, and so each of its endpoints, has none left.
    var isOutOfConnections = false
    /// When queues are looked at in any case.
    var queuesCheckedAt = Instant(nanoseconds: 0)
    var isDraining = false
    var isStopped = false
    /// Whether any listener is paused, and until when all of them stay so.
    var isAcceptPaused = false
    var acceptAgain = Instant(nanoseconds: 0)
    var roomAsked = Instant(nanoseconds: 0)
    /// When the log may say again that accepting pauses.
    var pauseNoted = Instant(nanoseconds: 0)
    /// When connections of HTTP/2 that ended for their frames may be told of again, and how many
    /// did since.
    var faultsNoted = Instant(nanoseconds: 0)
    var faults = 0
    /// When the log may say again that a handshake with an endpoint failed.
    var handshakeNoted = Instant(nanoseconds: 0)
    var isLate = false

    /// Builds a worker on the thread that calls this.
    ///
    /// `slots`: the most connections on either side.
    /// - Throws: ``SystemError`` if the kernel refuses an epoll instance.
    public init(
        snapshot: Snapshot,
        shared: SharedState,
        mailbox: Mailbox<WorkerMessage>,
        listeners: [WorkerListener],
        slots: Int
    ) throws(SystemError) {
        poller = try Poller()
        self.snapshot = snapshot
        self.shared = shared
        self.mailbox = mailbox
        index = shared.mailboxes.firstIndex { $0 === mailbox } ?? 0
        statistics = shared.statistics[index]
        self.listeners = listeners
        matcher = snapshot.table.matcher
        limits = snapshot.limits
        let config = snapshot.config
        // First among its kind: further down, Swift 6.3 destroys what was never there before.
        accessLog = AccessLogBuffer(config.log.access, queue: shared.logs)
        tracing = TracePlan(config)
        spans = SpanBuffer(shared.spans)
        headLimits = HeadLimits(config.limits)
        now = Instant(nanoseconds: weir_monotonic_ns())
        var seed: UInt64 = 0
        weir_random(&seed, 8)
        random = SeededRandom(seed: seed)
        down = Slab(capacity: slots)
        up = Slab(capacity: slots)
        exchanges = Slab(capacity: slots)
        downTimers = TimerWheel(capacity: slots, now: now)
        upTimers = TimerWheel(capacity: slots, now: now)
        waitTimers = TimerWheel(capacity: slots, now: now)
        probes = ProbeTable(snapshot, now: now)
        certificates = snapshot.certificates
        handshakeTokens = Self.makeTokens(snapshot, now: now)
        secure = TLSPort(capacity: Self.sealedOutput)
        sealedArea = .allocate(byteCount: Self.sealedSize, alignment: 64)
        frameArea = .allocate(byteCount: Self.frameSize, alignment: 64)
        frameInput = .allocate(byteCount: Self.readSize, alignment: 64)
        // Weir's own fields stand beside a full head's where the log reads what was sent.
        fields = FieldTable(capacity: config.limits.fields + 16 + snapshot.fieldsAdded)
        endpointCount = snapshot.endpointCount
        endpointStates = .allocate(capacity: max(1, snapshot.endpointCount))
        endpoints = .allocate(capacity: max(1, snapshot.endpointCount))
        endpoints.initialize(from: snapshot.endpoints, count: snapshot.endpointCount)
        Self.initialize(endpointStates, snapshot)
        poolCount = snapshot.config.pools.count
        pools = Self.makePools(snapshot, now: now, random: &random)
        let outSize = Self.outSize(config.limits)
        out = ByteWriter(.allocate(byteCount: outSize, alignment: 64), capacity: outSize)
        scratchSize = Self.scratchSize(config.limits)
        scratch = .allocate(byteCount: 2 * scratchSize, alignment: 64)
        readArea = buffers.take(Self.headroom + Self.readSize)
        readBase = (readArea.base ?? scratch) + Self.headroom
        ready.reserveCapacity(1024)
        running.reserveCapacity(1024)
        unsent.reserveCapacity(1024)
    }

    deinit {
        pools.deinitialize(count: poolCount)
        pools.deallocate()
        endpointStates.deallocate()
        endpoints.deallocate()
        spans.free()
        readArea.base?.deallocate()
        out.start.deallocate()
        scratch.deallocate()
        sealedArea.deallocate()
        frameArea.deallocate()
        frameInput.deallocate()
    }

    /// The route's entry.
    mutating func route(_ exchange: UnsafeMutablePointer<Exchange>) -> UnsafeMutablePointer<
        RouteEntry
    > {
        snapshot.routes + Int(exchange.pointee.route)
    }
}
