/// What other balancers call what is here, in lower case and with - between words.
private let synonyms: [String: String] = [
    "leastconn": "least-connections", "least-conn": "least-connections",
    "least-request": "least-connections", "p2c": "least-connections",
    "ewma": "latency-weighted", "peak-ewma": "latency-weighted",
    "least-time": "latency-weighted", "rr": "round-robin", "ip-hash": "consistent-hash",
    "ring-hash": "consistent-hash", "maglev": "consistent-hash", "hash": "consistent-hash",
    "source": "consistent-hash", "backend": "pool", "upstream": "pool", "proxy-pass": "pool",
    "backends": "pools", "upstreams": "pools", "clusters": "pools", "frontends": "listeners",
    "ssl": "tls", "cert": "certificate", "health-check": "health", "healthcheck": "health",
    "outlier-detection": "ejection", "circuit-breaker": "breaker", "maxconn": "max-connections",
    "weighted-round-robin": "round-robin", "wrr": "round-robin", "location": "match",
    "locations": "routes", "virtual-hosts": "routes", "server-name": "host", "domains": "host",
    "cluster": "pool", "endpoints": "servers", "backup": "priority", "retry": "retries",
    "check": "health", "checks": "health", "interval": "every", "unhealthy-threshold": "fall",
    "healthy-threshold": "rise", "threshold": "fall", "uri": "path", "url": "path",
    "proxy-set-header": "request-headers", "add-header": "response-headers",
    "stickiness": "sticky", "stick-table": "sticky", "session-persistence": "sticky",
    "client-max-body-size": "body-size", "worker-processes": "workers", "nbthread": "workers",
    "return": "respond", "resolvers": "resolver",
]

/// What is called so by other balancers, under its name here.
func synonym(of name: String) -> String? {
    synonyms[name.lowercased().replacing("_", with: "-")]
}

/// The candidate that `name` was most likely meant to be; `nil` if none is near.
///
/// Near is what other balancers call it, one edit in short names and one in three characters in
/// longer ones, at most three; two neighbours that changed places are one edit.
/// O(candidates × length²).
func nearestName(to name: String, among candidates: [String]) -> String? {
    if let known = synonym(of: name), candidates.contains(known) { return known }
    let wanted = Array(name.lowercased().utf8.prefix(64))
    let allowed = max(1, min(3, wanted.count / 3))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let other = Array(candidate.lowercased().utf8.prefix(64))
        guard abs(other.count - wanted.count) <= allowed else { continue }
        let distance = editDistance(wanted, other)
        if distance <= allowed, distance < best?.distance ?? Int.max {
            best = (candidate, distance)
        }
    }
    if let best { return best.name }
    return wanted.count < 3
        ? nil : candidates.first { $0.utf8.starts(with: wanted) || wanted.starts(with: $0.utf8) }
}

/// The number of insertions, deletions, changes and swaps of neighbours between two texts
/// (optimal string alignment).
func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: second.count + 1)
    var last = Array(0...second.count)
    for (row, byte) in first.enumerated() {
        var current = [Int](repeating: row + 1, count: second.count + 1)
        for (column, other) in second.enumerated() {
            let change = last[column] + (byte == other ? 0 : 1)
            var cost = min(change, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, byte == second[column - 1], first[row - 1] == other {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current[column + 1] = cost
        }
        beforeLast = last
        last = current
    }
    return last[second.count]
}
