import Balancing

/// A request under way.
struct SimulatedRequest: BitwiseCopyable {
    /// What came of a try.
    enum Outcome: UInt8, BitwiseCopyable {
        /// The server's answer.
        case answered
        /// An answer that says that the server does not serve: ``SimulatedRequest/status``.
        case refused
        /// No connection.
        case unreachable
        /// The connection ended before an answer.
        case reset
        /// No answer in time.
        case timedOut
    }

    /// When it came, in nanoseconds.
    var begin: Int64
    /// When its try began.
    var tryBegin: Int64 = 0
    /// The service time at a machine of speed 1, in nanoseconds.
    var work: Double
    /// What a strategy may hash.
    var key: UInt64
    /// Bytes that count as in transfer.
    var bytes: Int64
    /// Endpoints that were tried and failed.
    var tried = TriedEndpoints()
    /// Requests that the endpoint had in flight when the try began.
    var inFlight: Int32 = 0
    /// The endpoint of the try.
    var endpoint: Int32 = 0
    var worker: Int32
    /// The next one in the machine's queue, or the next free place; -1 is none.
    var next: Int32 = -1
    /// The one before it in the machine's queue; -1 is none.
    var previous: Int32 = -1
    var tries: Int32 = 0
    /// The status of a refusal.
    var status: UInt16 = 0
    var outcome = Outcome.answered
    /// Whether it counts in the report.
    var isMeasured: Bool
    /// Its place in its worker's queue for room in the pool; -1 while it does not wait there.
    var queuePlace: Int32 = -1
    /// Until when it waits there.
    var waitsUntil: Int64 = 0
    /// Whether the pool's bounds have let it in.
    var isAdmitted = false
    /// Whether it waits at a machine.
    var isQueued = false
    /// Whether the try is to show if an ejected endpoint is well again.
    var isProbing = false
    /// Whether one of its tries was to show that; it does not count as a try.
    var hasProbed = false

    /// Tries that `retries.attempts` bounds.
    var countedTries: Int { Int(tries) &- (hasProbed ? 1 : 0) }
}

/// The requests under way, in places that are used again.
struct RequestSlab {
    private(set) var requests: [SimulatedRequest] = []
    private var firstFree: Int32 = -1
    /// How many are under way.
    private(set) var count = 0

    init() { requests.reserveCapacity(1024) }

    /// The request in a place.
    subscript(_ place: Int) -> SimulatedRequest {
        @inline(__always) _read { yield requests[place] }
        @inline(__always) _modify { yield &requests[place] }
    }

    /// Takes a request in and tells its place.
    mutating func insert(_ request: SimulatedRequest) -> Int {
        count &+= 1
        let place = Int(firstFree)
        guard place >= 0 else {
            requests.append(request)
            return requests.count &- 1
        }
        firstFree = requests[place].next
        requests[place] = request
        return place
    }

    /// Frees a place.
    mutating func remove(_ place: Int) {
        count &-= 1
        requests[place].next = firstFree
        firstFree = Int32(truncatingIfNeeded: place)
    }
}
