/// Builds the trees of a ``RouteTable`` in ordinary arrays.
struct RouteCompiler {
    private(set) var nodes = [RouteNode()]
    private(set) var edges: [RouteEdge] = []
    private(set) var entries: [RouteEntry] = []
    /// The bytes of all keys, and one more so that their address is never nil.
    private(set) var keys: [UInt8] = [0]
    private(set) var longestKey: UInt32 = 0
    private(set) var anyHost = nothing
    private(set) var hasWildcards = false

    /// Where in a host node a class belongs.
    private enum HostKind { case exact, below, both }

    private struct HostKey: Hashable {
        var node: UInt32
        var kind: HostKind
    }

    /// A path pattern by its bytes: equal strings may differ in theirs.
    private struct PathKey: Hashable {
        var bytes: [UInt8]
        var isPrefix: Bool

        init(_ pattern: PathPattern) {
            switch pattern {
            case .exact(let text): (bytes, isPrefix) = (Array(text.utf8), false)
            case .prefix(let text): (bytes, isPrefix) = (Array(text.utf8), true)
            }
        }
    }

    private struct EdgeKey: Hashable {
        var parent: UInt32
        var key: [UInt8]
    }

    private var children: [EdgeKey: UInt32] = [:]
    private var keyStarts: [[UInt8]: UInt32] = [:]
    private var routes: [RouteSpec] = []
    /// Host patterns in the order of their first route, and the routes of each.
    private var hostOrder: [HostKey] = []
    private var hostRoutes: [HostKey: [UInt32]] = [:]
    private var anyHostRoutes: [UInt32] = []
    /// Classes by their routes.
    private var classes: [[UInt32]: UInt32] = [:]

    /// Takes the next route; `index` counts up.
    mutating func add(_ route: RouteSpec, index: UInt32) {
        routes.append(route)
        if route.hosts.isEmpty { anyHostRoutes.append(index) }
        for host in route.hosts {
            switch host {
            case .exact(let name): add(name, kind: .exact, route: index)
            case .subdomains(let name): add(name, kind: .below, route: index)
            case .domain(let name): add(name, kind: .both, route: index)
            }
        }
    }

    /// Makes the classes; nothing is added afterwards.
    mutating func finish() {
        for host in hostOrder {
            let hostClass = hostClass(of: hostRoutes[host] ?? [])
            switch host.kind {
            case .exact: nodes[Int(host.node)].first = hostClass
            case .below: nodes[Int(host.node)].second = hostClass
            case .both: nodes[Int(host.node)].third = hostClass
            }
        }
        if !anyHostRoutes.isEmpty { anyHost = hostClass(of: anyHostRoutes) }
    }

    private mutating func add(_ name: String, kind: HostKind, route: UInt32) {
        let bytes = Array(name.utf8)
        var node = labelRoot
        if kind == .exact {
            node = child(of: exactParent, key: bytes, route: route)
        } else {
            hasWildcards = true
            let labels = bytes.split(
                separator: UInt8(ascii: "."),
                omittingEmptySubsequences: false
            )
            for label in labels.reversed() {
                node = child(of: node, key: Array(label), route: route)
            }
        }
        let key = HostKey(node: node, kind: kind)
        if hostRoutes[key] == nil { hostOrder.append(key) }
        if hostRoutes[key]?.last != route { hostRoutes[key, default: []].append(route) }
    }

    /// The class that has exactly these routes.
    private mutating func hostClass(of members: [UInt32]) -> UInt32 {
        if let known = classes[members] { return known }
        let made = newNode(least: members.first ?? nothing)
        classes[members] = made
        var order: [PathKey] = []
        var takers: [PathKey: [UInt32]] = [:]
        for route in members {
            let paths = routes[Int(route)].paths
            for path in (paths.isEmpty ? [.prefix("")] : paths).map(PathKey.init) {
                if takers[path] == nil { order.append(path) }
                if takers[path]?.last != route { takers[path, default: []].append(route) }
            }
        }
        for path in order { add(path, takers: takers[path] ?? [], to: made) }
        return made
    }

    private mutating func add(_ path: PathKey, takers: [UInt32], to hostClass: UInt32) {
        let list = list(of: takers)
        if path.isPrefix, path.bytes.isEmpty {
            nodes[Int(hostClass)].third = list
            return
        }
        let node = pathNode(path.bytes, in: hostClass, least: takers.first ?? nothing)
        if path.isPrefix {
            nodes[Int(node)].second = list
        } else {
            nodes[Int(node)].first = list
        }
    }

    /// The node of a path, made where it is new.
    private mutating func pathNode(
        _ path: [UInt8],
        in hostClass: UInt32,
        least: UInt32
    ) -> UInt32 {
        let isAbsolute = path.first == UInt8(ascii: "/")
        var node = isAbsolute ? nodes[Int(hostClass)].first : nodes[Int(hostClass)].second
        if node == nothing {
            node = newNode(least: least)
            if isAbsolute {
                nodes[Int(hostClass)].first = node
            } else {
                nodes[Int(hostClass)].second = node
            }
        }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for segment in isAbsolute ? segments.dropFirst() : segments[...] {
            nodes[Int(node)].third = 0
            node = child(of: node, key: Array(segment), route: least)
        }
        return node
    }

    /// A list of the routes, each with the methods that no earlier one of the list takes: it has
    /// an entry per method at most, however many routes there are.
    private mutating func list(of members: [UInt32]) -> UInt32 {
        let start = UInt32(truncatingIfNeeded: entries.count)
        var taken: Set<[UInt8]> = []
        for route in members {
            let methods = routes[Int(route)].methods
            if methods.isEmpty {
                entries.append(RouteEntry(route: route, method: 0))
                break
            }
            for name in methods.map({ Array($0.utf8) }) where taken.insert(name).inserted {
                let node = child(of: methodParent, key: name, route: route)
                entries.append(RouteEntry(route: route, method: node))
            }
        }
        entries.append(RouteEntry(route: nothing, method: 0))
        return start
    }

    /// The child of a node by a label, segment or method, made where it is new.
    private mutating func child(of parent: UInt32, key: [UInt8], route: UInt32) -> UInt32 {
        let edge = EdgeKey(parent: parent, key: key)
        if let known = children[edge] {
            nodes[Int(known)].least = min(nodes[Int(known)].least, route)
            return known
        }
        let made = newNode(least: route)
        children[edge] = made
        let count = UInt32(truncatingIfNeeded: key.count)
        longestKey = max(longestKey, count)
        edges.append(
            RouteEdge(parent: parent, keyStart: keyStart(key), keyCount: count, child: made)
        )
        return made
    }

    /// Where the key's bytes are; equal keys share them.
    private mutating func keyStart(_ key: [UInt8]) -> UInt32 {
        if let known = keyStarts[key] { return known }
        let start = UInt32(truncatingIfNeeded: keys.count)
        keyStarts[key] = start
        keys.append(contentsOf: key)
        return start
    }

    private mutating func newNode(least: UInt32) -> UInt32 {
        nodes.append(RouteNode(least: least))
        return UInt32(truncatingIfNeeded: nodes.count - 1)
    }
}
