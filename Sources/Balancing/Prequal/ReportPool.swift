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

    /// Frees the memory; after the last use.
    func deallocate() { reports.deallocate() }

    /// Adds a report in place of the endpoint's former one, or of the oldest if the pool is full.
    mutating func add(_ report: Report) {
        var oldest = 0
        for place in 0..<count {
            if reports[place].endpoint == report.endpoint {
                reports[place] = report
                return
            }
            if reports[place].made < reports[oldest].made { oldest = place }
        }
        if count < reports.count {
            reports[count] = report
            count &+= 1
        } else {
            reports[oldest] = report
        }
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
        var found = 0
        var foundIsHot = !removesOldest && quantile.isHot(reports[0].inFlight)
        for place in 1..<max(1, count) {
            let one = reports[place]
            let other = reports[found]
            if removesOldest {
                if one.made < other.made { found = place }
                continue
            }
            let isHot = quantile.isHot(one.inFlight)
            let isWorse =
                isHot == foundIsHot
                ? (isHot ? one.inFlight > other.inFlight : one.latency > other.latency) : isHot
            if isWorse { (found, foundIsHot) = (place, isHot) }
        }
        remove(at: found)
    }
}
