/// What highest random weight needs (Thaler and Ravishankar, IEEE/ACM ToN 6(1), 1998): each key
/// ranks all endpoints by a hash of key and name, and the first one has it.
///
/// With weights the order is that of -ln u / w, u being the hash as a fraction (Schindelhauer and
/// Schomaker, SPAA 2005): exactly the share of the weight, and another weight moves only what it
/// has to. A pick looks at all endpoints.
final class RendezvousTable: StrategyTable {
    /// What picks read; valid as long as the table.
    let view: View

    /// A table over the members, sorted by name.
    init(_ members: [HashMember]) {
        let isEven = members.allSatisfy { $0.weight == members.first?.weight }
        view = View(
            hashes: FlatArray(members.map(\.hash)),
            indices: FlatArray(members.map { UInt32(truncatingIfNeeded: $0.index) }),
            inverses: FlatArray(isEven ? [] : members.map { 1 / Double($0.weight) })
        )
    }

    deinit {
        view.hashes.deallocate()
        view.indices.deallocate()
        view.inverses.deallocate()
    }

    var memory: Int { view.hashes.memory + view.indices.memory + view.inverses.memory }

    /// The endpoints in the order of their names.
    struct View {
        /// The hashes of the names.
        let hashes: FlatArray<UInt64>
        /// The endpoints' places in the pool's list.
        let indices: FlatArray<UInt32>
        /// 1 / weight; empty if all weigh the same.
        let inverses: FlatArray<Double>
    }

    /// A hash as a fraction between 0 and 1, neither of which it is.
    static func fraction(_ hash: UInt64) -> Double { (Double(hash >> 12) + 0.5) * 0x1p-52 }
}
