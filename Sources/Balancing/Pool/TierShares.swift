/// How traffic is shared out among priorities, as Envoy does it (its "Priority levels").
///
/// A priority whose healthy share is at least `spillBelow` can take all; below it takes in
/// proportion, and the next ones take the rest as far as they can. If all together can take less
/// than everything, each takes in proportion to what it can.
public struct TierShares: Sendable, Equatable {
    /// Up to where each priority's part of 0..<1 reaches; the last that has any ends at 1.
    public private(set) var ends: [Double]

    /// Shares from each priority's healthy share, 0 to 1.
    public init(healthy: [Double], spillBelow: Double) {
        let able = healthy.map { spillBelow > 0 ? min(1, $0 / spillBelow) : ($0 > 0 ? 1 : 0) }
        let total = able.reduce(0, +)
        let scale = total > 0 && total < 1 ? 1 / total : 1
        var end = 0.0
        ends = able.map { one in
            end = min(1, end + one * scale)
            return end
        }
        // Rounding must not leave a gap at the end that belongs to nobody.
        if total > 0 {
            for index in ends.indices where ends[index] > 1 - 1e-9 { ends[index] = 1 }
        }
    }

    /// The priority at a place in 0..<1.
    public func tier(at place: Double) -> Int {
        for index in ends.indices where place < ends[index] { return index }
        return 0
    }
}
