/// Recent latencies of each endpoint by how much it had in flight, and their medians.
///
/// Prequal's server side (§4 of the paper): a latency is estimated by the median of the latencies
/// that requests met which found about as many in flight. Numbers in flight are grouped by powers
/// of two, 64 and more together; each group keeps its last seven latencies. 384 bytes an endpoint.
struct LatencyByLoad {
    /// Groups of numbers in flight: 0, 1, 2–3, 4–7, and so on to 64 and more.
    private static let levels = 8
    private static let kept = 7
    /// What an endpoint counts as that is waiting for its first answer.
    static let unknown = Float(1e18)

    private struct Cell: BitwiseCopyable {
        var samples = InlineArray<7, Float>(repeating: 0)
        var median: Float = 0
        /// When the last sample came.
        var last: Int64 = 0
        var count: UInt8 = 0
        var next: UInt8 = 0
    }

    private let cells: FlatArray<Cell>
    /// After so many nanoseconds without a sample a group is out of date.
    private let freshness: Int64

    init(endpoints: Int, freshness: Int64) {
        cells = FlatArray(Array(repeating: Cell(), count: endpoints * LatencyByLoad.levels))
        self.freshness = freshness
    }

    private static func level(_ inFlight: Int32) -> Int {
        min(levels - 1, Int32.bitWidth - max(0, inFlight).leadingZeroBitCount)
    }

    /// Frees the memory; after the last use.
    func deallocate() { cells.deallocate() }

    /// Remembers a latency, in nanoseconds, of a request that found so many in flight.
    func record(
        _ endpoint: EndpointIndex,
        inFlight: Int32,
        latency: Int64,
        now: Int64
    ) {
        let index = endpoint &* LatencyByLoad.levels &+ LatencyByLoad.level(inFlight)
        var cell = cells[index]
        if isStale(cell, now) { cell = Cell() }
        cell.samples[Int(cell.next)] = Float(max(0, latency))
        cell.next = (cell.next &+ 1) % UInt8(LatencyByLoad.kept)
        cell.count = min(cell.count &+ 1, UInt8(LatencyByLoad.kept))
        cell.last = now
        cell.median = LatencyByLoad.median(cell)
        cells[index] = cell
    }

    /// What a request would take that finds so many in flight, in nanoseconds.
    ///
    /// From the nearest group that is up to date, the lower one first. Without any, 0 for an idle
    /// endpoint, so that one request finds out; a busy one counts as before, or as
    /// ``unknown`` if nothing was ever known of it.
    func estimate(_ endpoint: EndpointIndex, inFlight: Int32, now: Int64) -> Float {
        let first = endpoint &* LatencyByLoad.levels
        let level = LatencyByLoad.level(inFlight)
        var outdated: Float?
        for distance in 0..<LatencyByLoad.levels {
            if level >= distance {
                let cell = cells[first &+ level &- distance]
                if cell.count > 0 {
                    if !isStale(cell, now) { return cell.median }
                    outdated = outdated ?? cell.median
                }
            }
            if level &+ distance < LatencyByLoad.levels {
                let cell = cells[first &+ level &+ distance]
                if cell.count > 0 {
                    if !isStale(cell, now) { return cell.median }
                    outdated = outdated ?? cell.median
                }
            }
        }
        return inFlight <= 0 ? 0 : outdated ?? LatencyByLoad.unknown
    }

    private func isStale(_ cell: Cell, _ now: Int64) -> Bool {
        now &- cell.last > freshness
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
