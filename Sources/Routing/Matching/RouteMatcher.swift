/// Finds a request's route in a ``RouteTable``.
///
/// A trivial value that points into the table's memory: whoever keeps one keeps the table alive.
@safe public struct RouteMatcher: BitwiseCopyable, @unchecked Sendable {
    // The memory is never written after the table was made, so threads may share it.
    let edges: UnsafePointer<RouteEdge>
    let nodes: UnsafePointer<RouteNode>
    let entries: UnsafePointer<RouteEntry>
    let keys: UnsafeRawPointer
    let seed: UInt64
    /// The count of edges minus one; the count is a power of two.
    let edgeMask: UInt32
    /// The longest key; a longer label or segment needs no look-up.
    let longestKey: UInt32
    /// The class of routes that name no host.
    let anyHost: UInt32
    /// Whether any host pattern is a wildcard.
    let hasWildcards: Bool

    /// The first route, in the order of the file, that takes this request.
    ///
    /// `host` as ``normaliseHost(_:into:)`` and `path` as ``normalisePath(_:into:)`` give them,
    /// `method` as sent (RFC 9110 §9.1: compared with case). Allocates nothing; costs a look-up
    /// per label and segment at most, whatever the count of routes.
    public func match(host: RawSpan, path: RawSpan, method: RawSpan) -> Int? {
        let best = unsafe host.withUnsafeBytes { host in
            unsafe path.withUnsafeBytes { path in
                unsafe method.withUnsafeBytes { method in
                    var search = unsafe Search(path: path, method: method)
                    unsafe walk(host: host, search: &search)
                    return unsafe search.best
                }
            }
        }
        return best == nothing ? nil : Int(best)
    }
}

/// One request's search.
@unsafe
private struct Search {
    let path: UnsafeRawBufferPointer
    let method: UnsafeRawBufferPointer
    /// The least route found yet.
    var best = nothing
    /// The method's node: 0 before it was looked up, ``nothing`` for one that no route names.
    var methodNode: UInt32 = 0

    init(path: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer) {
        unsafe self.path = path
        unsafe self.method = method
    }
}

extension RouteMatcher {
    /// The whole name, then label by label from the right, then the routes for any host.
    private func walk(host: UnsafeRawBufferPointer, search: inout Search) {
        let exact = unsafe child(of: exactParent, key: host, from: 0, to: host.count)
        if exact != nothing { unsafe visit(nodes[Int(exact)].first, search: &search) }
        if hasWildcards { unsafe walkLabels(host, search: &search) }
        unsafe visit(anyHost, search: &search)
    }

    private func walkLabels(_ host: UnsafeRawBufferPointer, search: inout Search) {
        var node = labelRoot
        var end = host.count
        while true {
            let lowest = max(0, end &- Int(longestKey) &- 1)
            var start = end
            while start > lowest, unsafe host[start &- 1] != UInt8(ascii: ".") { start &-= 1 }
            node = unsafe child(of: node, key: host, from: start, to: end)
            guard node != nothing, unsafe nodes[Int(node)].least < search.best else { return }
            let classes = unsafe nodes[Int(node)]
            guard start > 0 else {
                unsafe visit(classes.third, search: &search)
                return
            }
            // Names below this one have at least a byte before the dot.
            if start > 1 {
                unsafe visit(classes.second, search: &search)
                unsafe visit(classes.third, search: &search)
            }
            end = start &- 1
        }
    }

    /// Segment by segment from the left through the paths of one host class.
    private func visit(_ hostClass: UInt32, search: inout Search) {
        guard hostClass != nothing else { return }
        let paths = unsafe nodes[Int(hostClass)]
        guard unsafe paths.least < search.best else { return }
        unsafe scan(paths.third, search: &search)
        let path = unsafe search.path
        let isAbsolute = unsafe path.count > 0 && path[0] == UInt8(ascii: "/")
        var node = isAbsolute ? paths.first : paths.second
        var start = isAbsolute ? 1 : 0
        while node != nothing {
            let highest = min(path.count, start &+ Int(longestKey) &+ 1)
            var end = start
            while end < highest, unsafe path[end] != UInt8(ascii: "/") { end &+= 1 }
            node = unsafe child(of: node, key: path, from: start, to: end)
            guard node != nothing, unsafe nodes[Int(node)].least < search.best else { return }
            let lists = unsafe nodes[Int(node)]
            unsafe scan(lists.second, search: &search)
            guard end < path.count else {
                unsafe scan(lists.first, search: &search)
                return
            }
            guard lists.third != nothing else { return }
            start = end &+ 1
        }
    }

    /// Takes the first entry of a list whose method fits, if it beats the best.
    private func scan(_ list: UInt32, search: inout Search) {
        guard list != nothing else { return }
        var index = Int(list)
        while true {
            let entry = unsafe entries[index]
            guard unsafe entry.route < search.best else { return }
            if entry.method == 0 { break }
            if unsafe search.methodNode == 0 {
                unsafe search.methodNode = child(
                    of: methodParent,
                    key: search.method,
                    from: 0,
                    to: search.method.count
                )
            }
            if unsafe entry.method == search.methodNode { break }
            index &+= 1
        }
        unsafe search.best = entries[index].route
    }

    /// The node that `key[start..<end]` leads to, or ``nothing``.
    private func child(
        of parent: UInt32,
        key: UnsafeRawBufferPointer,
        from start: Int,
        to end: Int
    ) -> UInt32 {
        let count = end &- start
        guard count <= Int(longestKey), let base = unsafe key.baseAddress ?? Optional(keys) else {
            return nothing
        }
        let bytes = unsafe base + start
        let hash = unsafe hashEdge(parent: parent, key: bytes, count: count, seed: seed)
        var place = hash & edgeMask
        while true {
            let edge = unsafe edges[Int(place)]
            if edge.child == 0 { return nothing }
            if edge.hash == hash, edge.parent == parent, Int(edge.keyCount) == count,
                unsafe areEqual(keys + Int(edge.keyStart), bytes, count: count)
            {
                return edge.child
            }
            place = (place &+ 1) & edgeMask
        }
    }
}
