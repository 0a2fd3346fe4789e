/// A bounded pool of load reports, the newest of each endpoint.
struct ReportPool {
    /// A report that may be used so many times.
    struct Report: BitwiseCopyable {
        var endpoint: UInt32
        /// Uses that are left.
        var uses: Int32
        /// Requests in flight, in relation to the endpoint's weight.
        var inFlight: Float
        /// What a request takes, in nanoseconds, in relation to the endpoint's weight.
        var latency: Float
        /// When it was made.
        var made: Int64
        /// Whether it comes from Weir's own traffic, so that its in-flight is known at any time.
        var isOwn: Bool
        /// Mean weight ÷ weight.
        var scale: Float = 1

        /// Less is better: cold before hot; cold ones by latency, then in flight, hot ones by in
        /// flight.
        ///
        /// One number, so that the best is found without branches that nobody can foresee. Floats
        /// from 0 compare as their bits do.
        func rank(isHot: Bool) -> UInt64 { ReportPool.rank(inFlight, latency, isHot: isHot) }
    }

    private let reports: FlatArray<Report>
    /// How many there are.
    private(set) var count = 0
    private var removesOldest = false

    /// A pool of at most `capacity` reports, at least 1.
    init(capacity: Int) {
        let none = Report(
            endpoint: 0,
            uses: 0,
            inFlight: 0,
            latency: 0,
            made: 0,
            isOwn: false
        )
        reports = FlatArray(Array(repeating: none, count: max(1, capacity)))
    }

    /// A report; `place` is below ``count``.
    subscript(place: Int) -> Report {
        get { reports[place] }
        nonmutating set { reports[place] = newValue }
    }

    /// What ``Report/rank(isHot:)`` says of a report with this load and latency.
    static func rank(_ inFlight: Float, _ latency: Float, isHot: Bool) -> UInt64 {
        let load = UInt64(inFlight.bitPattern)
        return isHot ? 1 << 63 | load : UInt64(latency.bitPattern) << 32 | load
    }

    /// Frees the memory; after the last use.
    func deallocate() { reports.deallocate() }

    /// Adds a report in place of the endpoint's former one, or of the oldest if the pool is full.
    mutating func add(_ report: Report) { reports[place(for: report.endpoint)] = report }

    /// Where a new report of an endpoint goes; it has to be put there.
    ///
    /// In two steps, since a report that is passed on is written and read once more.
    mutating func place(for endpoint: UInt32) -> Int {
        let reports = reports
        for place in 0..<count where reports[place].endpoint == endpoint { return place }
        guard count < reports.count else { return oldest }
        count &+= 1
        return count &- 1
    }

    /// The place of the oldest report, the first of equally old ones.
    private var oldest: Int {
        let reports = reports
        var found = 0
        var made = Int64.max
        for place in 0..<count {
            let one = reports[place].made
            let isOlder = one < made
            found = isOlder ? place : found
            made = isOlder ? one : made
        }
        return found
    }

    /// The place of the hot report with the most in flight or, if none is hot, of the slowest.
    private func worst(_ hotFrom: Float) -> Int {
        let reports = reports
        var found = 0
        var worst: UInt64 = 0
        for place in 0..<count {
            let load = reports[place].inFlight
            let rank =
                load >= hotFrom
                ? 1 << 63 | UInt64(load.bitPattern) : UInt64(reports[place].latency.bitPattern)
            let isWorse = rank > worst
            found = isWorse ? place : found
            worst = isWorse ? rank : worst
        }
        return found
    }

    /// Says how many a report's endpoint has in flight now.
    func update(_ place: Int, inFlight: Float) { reports.modify(place) { $0.inFlight = inFlight } }

    /// Uses a report: its endpoint has one more in flight; removes it if that was its last use.
    mutating func use(_ place: Int) -> EndpointIndex {
        let (endpoint, uses) = (reports[place].endpoint, reports[place].uses &- 1)
        if uses > 0 {
            reports.modify(place) {
                $0.inFlight += $0.scale
                $0.uses = uses
            }
        } else {
            remove(at: place)
        }
        return Int(endpoint)
    }

    /// Removes one; the last one takes its place.
    mutating func remove(at place: Int) {
        count &-= 1
        reports[place] = reports[count]
    }

    /// Removes an endpoint's report, if there is one.
    mutating func remove(endpoint: EndpointIndex) {
        for place in 0..<count where Int(reports[place].endpoint) == endpoint {
            return remove(at: place)
        }
    }

    /// Removes the oldest report and the worst one in turn.
    ///
    /// The worst is the hot one with the most in flight or, if none is hot, the slowest.
    mutating func removeOne(_ quantile: LoadQuantile) {
        removesOldest.toggle()
        guard count > 0 else { return }
        remove(at: removesOldest ? oldest : worst(quantile.hotFrom))
    }
}
