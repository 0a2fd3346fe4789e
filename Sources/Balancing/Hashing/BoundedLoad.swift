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
final class BoundedLoad {
    /// Blocks that a pick reads.
    static let readings = 8
    /// After so many nanoseconds without a pick all blocks are read.
    static let longestGap: Int64 = 10_000_000

    private let factor: Double
    /// The endpoints that may be picked, and what each had in flight when it was read last; only
    /// the first ``Tally/count`` of both.
    private let endpoints: FlatArray<UInt32>
    private let loads: FlatArray<Int32>
    /// By endpoint: factor × weight; 0 for those that may not be picked.
    private let parts: FlatArray<Double>
    /// One value, in memory that costs no exclusivity check.
    private let tally = FlatArray([Tally()])

    private struct Tally: BitwiseCopyable {
        var count = 0
        var allWeight = 1.0
        var total = 0
        var position = 0
        var lastPick = Int64.min
    }

    /// Bounds for so many endpoints, at this factor of the mean; below 1 it counts as 1.
    init(factor: Double, count: Int) {
        self.factor = max(1, factor)
        endpoints = FlatArray([UInt32](repeating: 0, count: count))
        loads = FlatArray([Int32](repeating: 0, count: count))
        parts = FlatArray([Double](repeating: 0, count: count))
    }

    deinit {
        endpoints.deallocate()
        loads.deallocate()
        parts.deallocate()
        tally.deallocate()
    }

    /// The endpoints, as many as there are, weigh this from now on.
    func weightsChanged(_ weights: [UInt32]) {
        var new = Tally()
        new.allWeight = max(1, weights.reduce(0.0) { $0 + Double($1) })
        for (index, weight) in weights.enumerated() {
            parts[index] = factor * Double(weight)
            guard weight > 0 else { continue }
            endpoints[new.count] = UInt32(truncatingIfNeeded: index)
            loads[new.count] = 0
            new.count += 1
        }
        tally[0] = new
    }

    /// Reads what is in flight, before a pick.
    func refresh(_ shared: SharedPool, now: Int64) {
        var tally = self.tally[0]
        let isStale =
            tally.lastPick == .min || now &- tally.lastPick > BoundedLoad.longestGap
        tally.lastPick = now
        for _ in 0..<(isStale ? tally.count : min(BoundedLoad.readings, tally.count)) {
            let load = max(0, shared.inFlight(Int(endpoints[tally.position])))
            tally.total &+= Int(load) &- Int(loads[tally.position])
            loads[tally.position] = load
            tally.position &+= 1
            if tally.position == tally.count { tally.position = 0 }
        }
        self.tally[0] = tally
    }

    /// The most that an endpoint may have in flight, the request to be placed counted.
    func capacity(_ endpoint: EndpointIndex) -> Int {
        let tally = self.tally[0]
        // Numerator first: where the quotient is a whole number it comes out as one.
        let bound = (parts[endpoint] * Double(tally.total &+ 1) / tally.allWeight).rounded(.up)
        return bound < 0x1p62 ? Int(bound) : .max
    }

    /// Whether an endpoint may take a further request.
    func hasRoom(_ endpoint: EndpointIndex, _ shared: SharedPool) -> Bool {
        Int(shared.inFlight(endpoint)) < capacity(endpoint)
    }
}
