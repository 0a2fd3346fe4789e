import CBytes

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
        /// Places without a sample sort behind those with one.
        var samples = InlineArray<7, Float>(repeating: .infinity)
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
    @inline(__always)
    func estimate(_ endpoint: EndpointIndex, inFlight: Int32, now: Int64) -> Float {
        let first = endpoint &* LatencyByLoad.words
        let level = LatencyByLoad.level(inFlight)
        let time = units(now)
        // The usual case; and one that was written just now is there sooner than its line.
        if isFresh(first &+ level, time) { return Float(bitPattern: lines[first &+ level]) }
        let line = unsafe lines.address(of: first, count: LatencyByLoad.words)
        let groups = unsafe cbytes_groups(line, time, freshness)
        let fresh = groups & 0xff
        if fresh == 0 && inFlight <= 0 { return 0 }
        let told = fresh != 0 ? fresh : groups >> 8
        guard told != 0 else { return LatencyByLoad.unknown }
        return Float(bitPattern: lines[first &+ LatencyByLoad.nearest(told, level)])
    }

    /// The group nearest to `level` of those whose bit is set, the lower one of two; not for 0.
    private static func nearest(_ groups: UInt32, _ level: Int) -> Int {
        let upTo = (2 as UInt32) &<< UInt32(truncatingIfNeeded: level) &- 1
        let above = (groups & ~upTo).trailingZeroBitCount
        let below = UInt32.bitWidth - 1 - (groups & upTo).leadingZeroBitCount
        return below >= 0 && level &- below <= above &- level ? below : above
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

    /// The lower median, by a network that sorts seven: nothing to foresee for the processor.
    private static func median(_ cell: Cell) -> Float {
        var sorted = cell.samples
        func order(_ low: Int, _ high: Int) {
            let (one, other) = (sorted[low], sorted[high])
            sorted[low] = other < one ? other : one
            sorted[high] = other < one ? one : other
        }
        order(0, 6)
        order(2, 3)
        order(4, 5)
        order(0, 2)
        order(1, 4)
        order(3, 6)
        order(0, 1)
        order(2, 5)
        order(3, 4)
        order(1, 2)
        order(4, 6)
        order(2, 3)
        order(4, 5)
        order(1, 2)
        order(3, 4)
        order(5, 6)
        return sorted[max(0, Int(cell.count) - 1) / 2]
    }
}
