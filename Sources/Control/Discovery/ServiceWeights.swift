/// A target of a service in the terms of a pool.
struct RankedTarget: Hashable {
    /// The name of the machine.
    var target: String
    /// The port there.
    var port: UInt16
    /// 0, 1, 2 … in the order of the records' priorities.
    var priority: Int
    /// 1 to 1000.
    var weight: Int
}

/// The targets of a service, by name and port, with its priorities as ranks and its weights as
/// those of a pool.
///
/// Weights of one priority keep their proportions as far as 1000 steps allow. Among records of
/// which some weigh more, 0 stands for a very small chance (RFC 2782): the least beside a heaviest
/// of 1000. Where all weigh 0 they are equal.
func ranked(_ records: [ServiceRecord]) -> [RankedTarget] {
    let priorities = Set(records.map(\.priority)).sorted()
    var targets: [RankedTarget] = []
    for (rank, priority) in priorities.enumerated() {
        let group = records.filter { $0.priority == priority }
        let heaviest = Int(group.map(\.weight).max() ?? 0)
        let isScaled = heaviest > 1000 || (heaviest > 0 && group.contains { $0.weight == 0 })
        for record in group {
            let weight = Int(record.weight)
            targets.append(
                RankedTarget(
                    target: record.target,
                    port: record.port,
                    priority: rank,
                    weight: max(1, isScaled ? weight * 1000 / heaviest : weight)
                )
            )
        }
    }
    return targets.sorted {
        ($0.priority, $0.target, $0.port, $1.weight) < ($1.priority, $1.target, $1.port, $0.weight)
    }
}
