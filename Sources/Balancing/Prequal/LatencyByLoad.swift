/// Recent latencies of each endpoint by how much it had in flight, and their medians.
///
/// Prequal's server side (§4 of the paper): a latency is estimated by the median of the latencies
/// that requests met which found about as many in flight. Numbers in flight are grouped by powers
/// of two, 64 and more together; each group keeps its last seven latencies. All that an estimate
/// reads of an endpoint is in one cache line. 320 bytes an endpoint.
struct LatencyByLoad {
    /// Groups of numbers in flight: 0, 1, 2–3, 4–7, and so on to 64 and more.
    private static let levels = 8
    private static let kept = 7
    /// Words of a line.
    private static let words = 2 * levels
    /// In place of a median: there are no samples.
    private static let none = UInt32.max
    /// The freshness has about so many bits in units of ``shift``.
    private static let clockBits = 11
    /// What an endpoint counts as that is waiting for its first answer.
    static let unknown = Float(1e18)

    /// A group's samples.
    private struct Cell: BitwiseCopyable {
        var samples = InlineArray<7, Float>(repeating: 0)
        var count: UInt8 = 0
        var next: UInt8 = 0
    }

    /// A cache line of each endpoint: the groups' medians, and when their last samples came.
    ///
    /// As words, since a copy of the line would take longer than what is done with it.
    private let lines: FlatArray<UInt32>
    private let cells: FlatArray<Cell>
    /// Times are kept in units of so many powers of two of a nanosecond: coarse enough that 32 bits
    /// last for two million times the freshness.
    private let shift: Int64
    /// After so many units without a sample a group is out of date.
    private let freshness: UInt32

    init(endpoints: Int, freshness: Int64) {
        let words = endpoints * LatencyByLoad.words
        lines = FlatArray(Array(repeating: LatencyByLoad.none, count: words))
        cells = FlatArray(Array(repeating: Cell(), count: endpoints * LatencyByLoad.levels))
        let bits = Int64.bitWidth - max(0, freshness).leadingZeroBitCount
        shift = Int64(max(0, bits - LatencyByLoad.clockBits))
        self.freshness = UInt32(truncatingIfNeeded: max(0, freshness) >> shift)
    }

    private static func level(_ inFlight: Int32) -> Int {
        min(levels - 1, Int32.bitWidth - max(0, inFlight).leadingZeroBitCount)
    }

    /// Frees the memory; after the last use.
    func deallocate() {
        lines.deallocate()
        cells.deallocate()
    }

    /// Asks for what an estimate reads.
    func prefetch(_ endpoint: EndpointIndex) { lines.prefetch(endpoint &* LatencyByLoad.words) }

    /// Remembers a latency, in nanoseconds, of a request that found so many in flight.
    func record(
        _ endpoint: EndpointIndex,
        inFlight: Int32,
        latency: Int64,
        now: Int64
    ) {
        let level = LatencyByLoad.level(inFlight)
        let index = endpoint &* LatencyByLoad.levels &+ level
        let median = endpoint &* LatencyByLoad.words &+ level
        let time = units(now)
        var cell = isFresh(median, time) ? cells[index] : Cell()
        cell.samples[Int(cell.next)] = Float(max(0, latency))
        cell.next = (cell.next &+ 1) % UInt8(LatencyByLoad.kept)
        cell.count = min(cell.count &+ 1, UInt8(LatencyByLoad.kept))
        cells[index] = cell
        lines[median] = LatencyByLoad.median(cell).bitPattern
        lines[median &+ LatencyByLoad.levels] = time
    }

    /// What a request would take that finds so many in flight, in nanoseconds.
    ///
    /// From the nearest group that is up to date, the lower one first. Without any, 0 for an idle
    /// endpoint, so that one request finds out; a busy one counts as before, or as
    /// ``unknown`` if nothing was ever known of it.
    func estimate(_ endpoint: EndpointIndex, inFlight: Int32, now: Int64) -> Float {
        let first = endpoint &* LatencyByLoad.words
        let level = LatencyByLoad.level(inFlight)
        let time = units(now)
        var outdated: UInt32?
        for distance in 0..<LatencyByLoad.levels {
            if level >= distance {
                let place = first &+ level &- distance
                if isFresh(place, time) { return Float(bitPattern: lines[place]) }
                if lines[place] != LatencyByLoad.none { outdated = outdated ?? lines[place] }
            }
            if level &+ distance < LatencyByLoad.levels {
                let place = first &+ level &+ distance
                if isFresh(place, time) { return Float(bitPattern: lines[place]) }
                if lines[place] != LatencyByLoad.none { outdated = outdated ?? lines[place] }
            }
        }
        return inFlight <= 0 ? 0 : outdated.map { Float(bitPattern: $0) } ?? LatencyByLoad.unknown
    }

    /// Whether the group whose median is at this place has samples and is up to date.
    private func isFresh(_ place: Int, _ time: UInt32) -> Bool {
        lines[place] != LatencyByLoad.none
            && time &- lines[place &+ LatencyByLoad.levels] <= freshness
    }

    /// A time in units of ``shift``; wraps around.
    private func units(_ now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: now &>> shift)
    }

    private static func median(_ cell: Cell) -> Float {
        var sorted = cell.samples
        let count = Int(cell.count)
        for place in 1..<max(1, count) {
            let value = sorted[place]
            var hole = place
            while hole > 0 && sorted[hole &- 1] > value {
                sorted[hole] = sorted[hole &- 1]
                hole &-= 1
            }
            sorted[hole] = value
        }
        return sorted[(count - 1) / 2]
    }
}
