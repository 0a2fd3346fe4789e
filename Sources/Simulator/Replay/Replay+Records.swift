extension Replay {
    /// A stretch of the log, in nanoseconds.
    private static let stretchLength: Int64 = 10_000_000_000
    /// So many answers tell a server's speed in a stretch.
    private static let enough = 20
    /// A log of more stretches has longer ones.
    private static let mostStretches: Int64 = 100_000

    /// The traffic of a log; `nil` without any.
    convenience init?(_ records: [LogReader.Record], endpoints: Int) {
        guard endpoints > 0, let first = records.map(\.arrival).min(),
            let last = records.map(\.arrival).max()
        else { return nil }
        let (span, overflow) = last.subtractingReportingOverflow(first)
        guard !overflow else { return nil }
        let bound = Replay.mostStretches / Int64(endpoints) + 1
        let stretch = max(Replay.stretchLength, span / bound + 1)
        let rows = Int(span / stretch) + 1
        var groups = [[LogReader.Record]](repeating: [], count: rows * endpoints)
        for record in records {
            groups[Int((record.arrival - first) / stretch) * endpoints + record.endpoint]
                .append(record)
        }
        let overall = Replay.median(records.filter { !$0.isFailure }) ?? 1
        let whole = (0..<endpoints).map { endpoint in
            let own = records.filter { $0.endpoint == endpoint && !$0.isFailure }
            return Replay.median(own).map { overall / $0 } ?? 1
        }
        let conditions = groups.enumerated().map { place, group in
            Replay.condition(group, overall, whole[place % endpoints])
        }
        let entries = records.map { record in
            let row = Int((record.arrival - first) / stretch)
            let there = conditions[row * endpoints + record.endpoint]
            // A failure's latency says nothing of the request's work.
            let work = record.isFailure ? overall : Double(record.latency) * there.speed
            return Entry(arrival: record.arrival - first, work: work, key: record.key)
        }
        self.init(
            entries: entries.enumerated().sorted {
                ($0.element.arrival, $0.offset) < ($1.element.arrival, $1.offset)
            }.map(\.element),
            stretch: stretch,
            endpoints: endpoints,
            conditions: conditions
        )
    }

    private static func condition(
        _ group: [LogReader.Record],
        _ overall: Double,
        _ whole: Double
    ) -> Condition {
        var condition = Condition(speed: whole)
        let failures = group.filter(\.isFailure)
        let answers = group.filter { !$0.isFailure }
        if answers.count >= enough, let median = median(answers) {
            condition.speed = overall / median
        }
        if !failures.isEmpty {
            condition.failures = Double(failures.count) / Double(group.count)
            let sum = failures.reduce(0.0) { $0 + Double($1.latency) }
            condition.failureTime = Int64(sum / Double(failures.count))
        }
        return condition
    }

    private static func median(_ records: [LogReader.Record]) -> Double? {
        guard !records.isEmpty else { return nil }
        return Double(records.map(\.latency).sorted()[records.count / 2])
    }
}
