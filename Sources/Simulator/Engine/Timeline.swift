/// What happened when: counts by stretches of time, in memory that does not grow.
public struct Timeline: Sendable, Equatable {
    /// What happened in one stretch.
    public struct Stretch: Sendable, Equatable {
        /// Requests that came.
        public var requests = 0
        /// Tries that began.
        public var tries = 0
        /// Requests that came then and failed, then or later.
        public var errors = 0
    }

    /// A length is chosen so that there are about so many.
    private static let usual: Int64 = 120
    /// With more, each two become one.
    private static let most = 240

    /// The length of a stretch, in nanoseconds.
    public private(set) var width: Int64
    /// In order, the last ones that hold nothing left out.
    public private(set) var stretches: [Stretch] = []
    /// The stretch counted in last, by its place, begin and end.
    private var current = -1
    private var currentBegin = Int64.max
    private var currentEnd = Int64.min

    /// For requests that come for about so long, in nanoseconds.
    init(length: Int64) {
        width = Self.round(max(1, length / Self.usual))
    }

    /// At least as much: 1, 2 or 5 and zeros.
    private static func round(_ length: Int64) -> Int64 {
        var unit: Int64 = 1
        while unit < Int64.max / 20 {
            for factor in [1, 2, 5] as [Int64] where unit * factor >= length {
                return unit * factor
            }
            unit *= 10
        }
        return unit
    }

    /// A request has come.
    mutating func came(_ time: Int64) { stretches[place(time)].requests &+= 1 }

    /// A try has begun.
    mutating func tried(_ time: Int64) { stretches[place(time)].tries &+= 1 }

    /// A request that came at a time has failed.
    mutating func failed(thatCame time: Int64) { stretches[place(time)].errors &+= 1 }

    @inline(__always)
    private mutating func place(_ time: Int64) -> Int {
        if time >= currentBegin, time < currentEnd { return current }
        return find(time)
    }

    @inline(never)
    private mutating func find(_ time: Int64) -> Int {
        let passed = max(0, time &- Simulation.epoch)
        while passed / width >= Int64(Self.most) { halve() }
        let place = Int(passed / width)
        while stretches.count <= place { stretches.append(Stretch()) }
        current = place
        currentBegin = Simulation.epoch &+ Int64(place) &* width
        currentEnd = currentBegin &+ width
        return place
    }

    private mutating func halve() {
        var merged: [Stretch] = []
        for start in stride(from: 0, to: stretches.count, by: 2) {
            var stretch = stretches[start]
            if start + 1 < stretches.count {
                stretch.requests += stretches[start + 1].requests
                stretch.tries += stretches[start + 1].tries
                stretch.errors += stretches[start + 1].errors
            }
            merged.append(stretch)
        }
        stretches = merged
        width = width > Int64.max / 2 ? Int64.max : width * 2
    }
}
