/// Routes compiled for matching; owns the memory that its matcher reads.
public final class RouteTable: Sendable {
    /// Finds routes; valid as long as this object lives.
    public let matcher: RouteMatcher
    private let memory: RouteMemory

    /// Compiles routes in their order.
    ///
    /// Linear in the patterns, but that the paths of a route are laid out once for each group of
    /// its hosts that other routes tell apart.
    ///
    /// `seed` makes the hash table's order unknown to clients. Without one the table is the same
    /// in each process; look-ups stay bounded all the same, because a client adds no keys and the
    /// table is made anew with other seeds until no key lies far from its place.
    public init(_ routes: [RouteSpec], seed: UInt64 = 0x5765_6972) {
        var compiler = RouteCompiler()
        for (index, route) in routes.enumerated() {
            compiler.add(route, index: UInt32(truncatingIfNeeded: index))
        }
        compiler.finish()
        let table = EdgeTable(compiler.edges, keys: compiler.keys, seed: seed)
        let memory = RouteMemory(compiler: compiler, table: table)
        self.memory = memory
        self.matcher = memory.matcher(compiler: compiler, table: table)
    }

    deinit {
        unsafe memory.base.deallocate()
    }
}

/// The one allocation of a ``RouteTable``: edges, nodes, entries, keys, in this order.
@safe private struct RouteMemory: @unchecked Sendable {
    // Read only after `init`.
    let base: UnsafeMutableRawPointer
    private let nodesOffset: Int
    private let entriesOffset: Int
    private let keysOffset: Int

    init(compiler: RouteCompiler, table: EdgeTable) {
        nodesOffset = table.places.count * MemoryLayout<RouteEdge>.stride
        entriesOffset = nodesOffset + compiler.nodes.count * MemoryLayout<RouteNode>.stride
        keysOffset = entriesOffset + compiler.entries.count * MemoryLayout<RouteEntry>.stride
        unsafe base = .allocate(byteCount: keysOffset + compiler.keys.count + 1, alignment: 64)
        unsafe base.initializeMemory(
            as: RouteEdge.self,
            from: table.places,
            count: table.places.count
        )
        unsafe (base + nodesOffset).initializeMemory(
            as: RouteNode.self,
            from: compiler.nodes,
            count: compiler.nodes.count
        )
        unsafe (base + entriesOffset).initializeMemory(
            as: RouteEntry.self,
            from: compiler.entries,
            count: compiler.entries.count
        )
        unsafe (base + keysOffset).initializeMemory(
            as: UInt8.self,
            from: compiler.keys,
            count: compiler.keys.count
        )
    }

    func matcher(compiler: RouteCompiler, table: EdgeTable) -> RouteMatcher {
        unsafe RouteMatcher(
            edges: UnsafePointer(base.assumingMemoryBound(to: RouteEdge.self)),
            nodes: UnsafePointer((base + nodesOffset).assumingMemoryBound(to: RouteNode.self)),
            entries: UnsafePointer(
                (base + entriesOffset).assumingMemoryBound(to: RouteEntry.self)
            ),
            keys: UnsafeRawPointer(base + keysOffset),
            seed: table.seed,
            edgeMask: UInt32(truncatingIfNeeded: table.places.count - 1),
            longestKey: compiler.longestKey,
            anyHost: compiler.anyHost,
            hasWildcards: compiler.hasWildcards
        )
    }
}

/// The hash table of edges: open addressing, at most half full.
struct EdgeTable {
    /// How far from its place a key may lie before another seed is tried.
    static let longestProbe = 16
    /// How many seeds are tried; the table doubles after every second one that failed.
    static let attempts = 8

    private(set) var places: [RouteEdge] = []
    private(set) var seed: UInt64
    /// The farthest that a key lies from its place.
    private(set) var probe = 0

    init(_ edges: [RouteEdge], keys: [UInt8], seed: UInt64) {
        self.seed = seed
        var size = 4
        while size < edges.count * 2 { size *= 2 }
        for attempt in 1...EdgeTable.attempts {
            fill(edges, keys: keys, size: size)
            if probe <= EdgeTable.longestProbe { break }
            self.seed = self.seed &* 0xd134_2543_de82_ef95 &+ 1
            if attempt % 2 == 0 { size *= 2 }
        }
    }

    private mutating func fill(_ edges: [RouteEdge], keys: [UInt8], size: Int) {
        places = [RouteEdge](repeating: RouteEdge(), count: size)
        probe = 0
        for edge in edges {
            var placed = edge
            placed.hash = unsafe keys.withUnsafeBytes { keys in
                guard let base = keys.baseAddress else { return 0 }
                return unsafe hashEdge(
                    parent: edge.parent,
                    key: base + Int(edge.keyStart),
                    count: Int(edge.keyCount),
                    seed: seed
                )
            }
            var place = Int(placed.hash) & (size - 1)
            var distance = 0
            while places[place].child != 0 {
                place = (place + 1) & (size - 1)
                distance += 1
            }
            places[place] = placed
            probe = max(probe, distance)
        }
    }
}
