/// Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, SODA 2018): the most
/// that an endpoint may have in flight.
///
/// With m in flight among the endpoints that may be picked, one of weight w takes a further
/// request only up to ⌈c × (m + 1) × w / sum of weights⌉.
///
/// m is a sum over blocks that all workers write, too dear to compute for each of many endpoints.
/// So each pick reads the next 8 in turn and all of them after 10 ms without a pick: with up to 8
/// endpoints m is exact, with N no part of it is older than ⌈N / 8⌉ picks of this worker. If m is
/// off by d, a bound is off by c × d × w / sum of weights, rounded up. What an endpoint itself has
/// in flight is always read when it is looked at.
struct BoundedLoad {
    /// Blocks that a pick reads.
    static let readings = 8
    /// After so many nanoseconds without a pick all blocks are read.
    static let longestGap: Int64 = 10_000_000

    private let factor: Double
    /// The endpoints that may be picked, and what each had in flight when it was read last.
    private var endpoints: [UInt32] = []
    private var loads: [Int32] = []
    /// By endpoint: factor × weight; 0 for those that may not be picked.
    private var parts: [Double] = []
    private var allWeight = 1.0
    private var total = 0
    private var position = 0
    private var lastPick = Int64.min

    /// Bounds at this factor, above 1, of the mean.
    init(factor: Double) {
        self.factor = max(1, factor)
    }

    /// The endpoints weigh this from now on.
    mutating func weightsChanged(_ weights: [UInt32]) {
        parts = weights.map { factor * Double($0) }
        allWeight = max(1, weights.reduce(0.0) { $0 + Double($1) })
        endpoints = weights.indices.filter { weights[$0] > 0 }
            .map { UInt32(truncatingIfNeeded: $0) }
        loads = [Int32](repeating: 0, count: endpoints.count)
        total = 0
        position = 0
        lastPick = .min
    }

    /// Reads what is in flight, before a pick.
    mutating func refresh(_ shared: SharedPool, now: Int64) {
        let isStale = lastPick == .min || now &- lastPick > BoundedLoad.longestGap
        lastPick = now
        let count = endpoints.count
        for _ in 0..<(isStale ? count : min(BoundedLoad.readings, count)) {
            let load = max(0, shared.inFlight(Int(endpoints[position])))
            total &+= Int(load) &- Int(loads[position])
            loads[position] = load
            position &+= 1
            if position == count { position = 0 }
        }
    }

    /// The most that an endpoint may have in flight, the request to be placed counted.
    func capacity(_ endpoint: EndpointIndex) -> Int {
        // Numerator first: where the quotient is a whole number it comes out as one.
        let bound = (parts[endpoint] * Double(total &+ 1) / allWeight).rounded(.up)
        return Int(exactly: bound) ?? .max
    }

    /// Whether an endpoint may take a further request.
    func hasRoom(_ endpoint: EndpointIndex, _ shared: SharedPool) -> Bool {
        Int(shared.inFlight(endpoint)) < capacity(endpoint)
    }
}
