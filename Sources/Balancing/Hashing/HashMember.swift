/// An endpoint as hash tables are built from it.
struct HashMember {
    /// Its place in the pool's list.
    let index: EndpointIndex
    /// The hash of its name: the file's order has no influence.
    let hash: UInt64
    /// At least 1.
    let weight: Int

    /// The endpoints that have a weight, sorted by name.
    static func sorted(_ endpoints: [StrategyEndpoint]) -> [HashMember] {
        endpoints.indices
            .filter { endpoints[$0].weight > 0 }
            .sorted { endpoints[$0].name.utf8.lexicographicallyPrecedes(endpoints[$1].name.utf8) }
            .map { index in
                HashMember(
                    index: index,
                    hash: KeyHash.hash(endpoints[index].name),
                    weight: endpoints[index].weight
                )
            }
    }
}
