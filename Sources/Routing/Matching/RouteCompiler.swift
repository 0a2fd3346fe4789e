/// Builds the trees of a ``RouteTable`` in ordinary arrays.
struct RouteCompiler {
    private(set) var nodes = [RouteNode()]
    private(set) var edges: [RouteEdge] = []
    private(set) var entries: [RouteEntry] = []
    /// The bytes of all keys, and one more so that their address is never nil.
    private(set) var keys: [UInt8] = [0]
    private(set) var longestKey: UInt32 = 0
    private(set) var anyHost = nothing

    /// Where in a host node a class belongs.
    private enum HostKind { case exact, below, both }

    private struct HostKey: Hashable {
        var node: UInt32
        var kind: HostKind
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
        let labels = Array(name.utf8).split(
            separator: UInt8(ascii: "."),
            omittingEmptySubsequences: false
        )
        var node: UInt32 = 0
        for label in labels.reversed() {
            node = child(of: node, key: Array(label), route: route)
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
        var order: [PathPattern] = []
        var takers: [PathPattern: [UInt32]] = [:]
        for route in members {
            let paths = routes[Int(route)].paths
            for path in paths.isEmpty ? [.prefix("")] : paths {
                if takers[path] == nil { order.append(path) }
                if takers[path]?.last != route { takers[path, default: []].append(route) }
            }
        }
        for path in order { add(path, takers: takers[path] ?? [], to: made) }
        return made
    }

    private mutating func add(_ path: PathPattern, takers: [UInt32], to hostClass: UInt32) {
        let list = list(of: takers)
        let least = takers.first ?? nothing
        switch path {
        case .prefix(""):
            nodes[Int(hostClass)].third = list
        case .prefix(let text):
            let node = pathNode(text, in: hostClass, least: least)
            nodes[Int(node)].second = list
        case .exact(let text):
            let node = pathNode(text, in: hostClass, least: least)
            nodes[Int(node)].first = list
        }
    }

    /// The node of a path, made where it is new.
    private mutating func pathNode(
        _ text: String,
        in hostClass: UInt32,
        least: UInt32
    ) -> UInt32 {
        var segments = Array(text.utf8).split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )[...]
        let isAbsolute = text.utf8.first == UInt8(ascii: "/")
        var node = isAbsolute ? nodes[Int(hostClass)].first : nodes[Int(hostClass)].second
        if node == nothing {
            node = newNode(least: least)
            if isAbsolute {
                nodes[Int(hostClass)].first = node
            } else {
                nodes[Int(hostClass)].second = node
            }
        }
        if isAbsolute { segments = segments.dropFirst() }
        for segment in segments {
            node = child(of: node, key: Array(segment), route: least)
        }
        return node
    }

    /// A list of the routes, each with the methods that no earlier one of the list takes: it has
    /// an entry per method at most, however many routes there are.
    private mutating func list(of members: [UInt32]) -> UInt32 {
        let start = UInt32(truncatingIfNeeded: entries.count)
        var taken: Set<String> = []
        for route in members {
            let methods = routes[Int(route)].methods
            if methods.isEmpty {
                entries.append(RouteEntry(route: route, method: 0))
                break
            }
            for method in methods where taken.insert(method).inserted {
                let node = child(of: methodParent, key: Array(method.utf8), route: route)
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
