import Configuration
import Proxy

/// What the process has memory for, in bytes.
///
/// What nobody counts is the rest: the program, what the file became, TLS, sessions of HTTP/2,
/// counters, strategies' tables, and what the allocator keeps.
struct MemoryReport {
    /// Each purpose with its bytes, the rest last; together they are what is resident, or more
    /// where some of what was counted has no page yet.
    let purposes: [(name: String, bytes: Int)]

    /// Sums what workers and queues said of themselves.
    init(_ report: ServiceReport, resident: Int) {
        func sum(_ bytes: (WorkerReport) -> Int) -> Int {
            report.workers.reduce(0) { $0 + bytes($1) }
        }
        let counted: [(name: String, bytes: Int)] = [
            ("buffers", sum(\.bufferBytes)),
            ("frames", sum(\.frameBytes)),
            ("connections", sum(\.tableBytes)),
            ("statistics", sum(\.histogramBytes)),
            ("logs", report.batchBytes),
        ]
        let rest = counted.reduce(resident) { $0 - $1.bytes }
        purposes = counted + [(name: "rest", bytes: max(0, rest))]
    }
}
