// The compiled routes: one block of flat memory, read only.
//
// Exact hosts are children of one node, the wildcards are a tree of labels read from the right,
// paths a tree of segments read from the left. All edges lie in one hash table, keyed by the
// parent's number and the host's, label's or segment's bytes, so a step costs the same however many
// children a node has. A walk ends at the first label or segment that no pattern has there, so its
// length is bounded by the patterns, not by what a client sends.
//
// Host patterns that take the same routes share a host class, which owns a tree of paths. Each
// path pattern of a class has a list of (route, method). The answer is the least route over all
// lists on the way; every node knows the least route below it, so that a walk ends as soon as it
// cannot win.

/// "No node, no list, no route": never the number of one.
let nothing = UInt32.max

/// A node of any tree.
///
/// | node | `first` | `second` | `third` |
/// |---|---|---|---|
/// | exact host | its class | – | – |
/// | host label | – | class of names below it | class of both (`.a.b`) |
/// | host class | path node after the slash | path node of paths without it | list for every path |
/// | path segment | list of the exact path | list of the prefix | 0 if it has children |
/// | method | – | – | – |
struct RouteNode: BitwiseCopyable {
    var first = nothing
    var second = nothing
    var third = nothing
    /// The least route below this node.
    var least = nothing
}

/// A place in the hash table of edges; empty if `child` is 0, the root of hosts.
struct RouteEdge: BitwiseCopyable {
    var hash: UInt32 = 0
    var parent: UInt32 = 0
    var keyStart: UInt32 = 0
    var keyCount: UInt32 = 0
    var child: UInt32 = 0
}

/// An entry of a list; a list ends with one whose route is ``nothing``.
struct RouteEntry: BitwiseCopyable {
    var route: UInt32
    /// The method's node, or 0 for all methods.
    var method: UInt32
}

/// The parent of all methods: no node has this number.
let methodParent = nothing &- 1

/// The parent of all exact hosts: no node has this number.
let exactParent = nothing &- 2

/// The root of the tree of host labels.
let labelRoot: UInt32 = 0

/// Mixes two numbers as wyhash does: the halves of their product.
private func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
}

/// The hash of an edge, seeded per table.
func hashEdge(parent: UInt32, key: UnsafeRawPointer, count: Int, seed: UInt64) -> UInt32 {
    var state = seed ^ (UInt64(parent) &* 0x9e37_79b9_7f4a_7c15)
    var position = 0
    while count &- position > 8 {
        let word = unsafe key.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        state = mix(state ^ word, 0xa076_1d64_78bd_642f)
        position &+= 8
    }
    let tail = unsafe loadTail(key + position, count: count &- position)
    state = mix(state ^ tail, 0xe703_7ed1_a0b4_28db ^ UInt64(truncatingIfNeeded: count))
    return UInt32(truncatingIfNeeded: state ^ state >> 32)
}

/// Whether two stretches of bytes are equal.
func areEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int) -> Bool {
    var position = 0
    while count &- position > 8 {
        let leftWord = unsafe left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        let rightWord = unsafe right.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if leftWord != rightWord { return false }
        position &+= 8
    }
    return unsafe loadTail(left + position, count: count &- position)
        == loadTail(right + position, count: count &- position)
}

/// Up to 8 bytes as one number; different bytes of equal count give different numbers.
private func loadTail(_ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
    if count >= 4 {
        let front = unsafe bytes.loadUnaligned(as: UInt32.self)
        let back = unsafe bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        return UInt64(front) << 32 | UInt64(back)
    }
    guard count > 0 else { return 0 }
    let front = unsafe UInt64(bytes.load(as: UInt8.self))
    let middle = unsafe UInt64(bytes.load(fromByteOffset: count >> 1, as: UInt8.self))
    let back = unsafe UInt64(bytes.load(fromByteOffset: count &- 1, as: UInt8.self))
    return front << 16 | middle << 8 | back
}
