/// The first route that matches, found by trying each in order.
///
/// The definition that ``RouteMatcher`` is held against. Linear in all patterns.
/// `host` and `path` are in normal form, `method` as sent.
public func matchesNaively(
    _ routes: [RouteSpec],
    host: String,
    path: String,
    method: String
) -> Int? {
    routes.firstIndex { route in
        (route.hosts.isEmpty || route.hosts.contains { $0.matches(host) })
            && (route.paths.isEmpty || route.paths.contains { $0.matches(path) })
            && (route.methods.isEmpty
                || route.methods.contains { Array($0.utf8) == Array(method.utf8) })
    }
}

extension HostPattern {
    /// Whether the pattern takes a host in normal form.
    public func matches(_ host: String) -> Bool {
        switch self {
        case .exact(let name):
            return Array(name.utf8) == Array(host.utf8)
        case .subdomains(let name):
            return Array(host.utf8).hasTail(Array(("." + name).utf8))
        case .domain(let name):
            return HostPattern.exact(name).matches(host)
                || HostPattern.subdomains(of: name).matches(host)
        }
    }
}

extension PathPattern {
    /// Whether the pattern takes a path in normal form.
    public func matches(_ path: String) -> Bool {
        switch self {
        case .exact(let whole):
            Array(whole.utf8) == Array(path.utf8)
        case .prefix(""):
            true
        case .prefix(let front):
            PathPattern.exact(front).matches(path)
                || Array(path.utf8).starts(with: Array((front + "/").utf8))
        }
    }
}

extension [UInt8] {
    /// Whether these bytes are the last ones, and others go before them.
    fileprivate func hasTail(_ tail: [UInt8]) -> Bool {
        count > tail.count && suffix(tail.count).elementsEqual(tail)
    }
}
