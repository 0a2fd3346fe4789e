/// A probe under way.
struct Probe: BitwiseCopyable {
    var endpoint: Int
    var worker: Int
    /// What the machine said.
    var inFlight = 0
    var latency: Int64 = 0
    fileprivate var next = -1

    init(endpoint: Int, worker: Int) {
        self.endpoint = endpoint
        self.worker = worker
    }
}

/// The probes under way, in places that are used again.
struct ProbeSlab {
    private var probes: [Probe] = []
    private var firstFree = -1

    /// The probe in a place.
    subscript(_ place: Int) -> Probe {
        get { probes[place] }
        set { probes[place] = newValue }
    }

    /// Takes a probe in and tells its place.
    mutating func insert(_ probe: Probe) -> Int {
        let place = firstFree
        guard place >= 0 else {
            probes.append(probe)
            return probes.count &- 1
        }
        firstFree = probes[place].next
        probes[place] = probe
        return place
    }

    /// Frees a place.
    mutating func remove(_ place: Int) {
        probes[place].next = firstFree
        firstFree = place
    }
}
