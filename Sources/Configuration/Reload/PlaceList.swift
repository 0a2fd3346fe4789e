/// Places that things of a configuration have for as long as anybody may use them.
///
/// A place is live, retired (the file has it no longer, but requests or connections may), or free.
public struct PlaceList: Sendable, Equatable {
    /// How many places there are.
    public private(set) var count = 0
    /// Places whose thing is gone from the file.
    public private(set) var retired: Set<Int> = []
    /// Places that may be given out again.
    public private(set) var free: Set<Int> = []

    /// No places.
    public init() {}

    /// A place for something new: the lowest free one, or another one.
    mutating func take() -> Int {
        if let place = free.min() {
            free.remove(place)
            return place
        }
        count += 1
        return count - 1
    }

    /// The file has it no longer.
    mutating func retire(_ place: Int) { retired.insert(place) }

    /// Nobody uses these any more.
    mutating func release(_ places: Set<Int>) {
        let unused = places.intersection(retired)
        retired.subtract(unused)
        free.formUnion(unused)
    }
}

/// Gives out stretches of a row of numbers, as short a row as first fit makes it.
public struct RangeAllocator: Sendable, Equatable {
    /// The end of the row.
    public private(set) var end = 0
    /// Stretches that were given back, in their order, none touching another.
    private var gaps: [Range<Int>] = []

    /// Nothing is given out.
    public init() {}

    /// The begin of `count` numbers that nobody has.
    mutating func take(_ count: Int) -> Int {
        guard count > 0 else { return end }
        if let index = gaps.firstIndex(where: { $0.count >= count }) {
            let start = gaps[index].lowerBound
            gaps[index] = (start + count)..<gaps[index].upperBound
            if gaps[index].isEmpty { gaps.remove(at: index) }
            return start
        }
        end += count
        return end - count
    }

    /// Takes numbers back that ``take(_:)`` gave out.
    mutating func release(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        gaps.append(range)
        gaps.sort { $0.lowerBound < $1.lowerBound }
        gaps = gaps.reduce(into: []) { gaps, gap in
            if let last = gaps.last, last.upperBound == gap.lowerBound {
                gaps[gaps.count - 1] = last.lowerBound..<gap.upperBound
            } else {
                gaps.append(gap)
            }
        }
    }
}
