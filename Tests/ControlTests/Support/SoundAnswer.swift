#if canImport(Control)
@testable import Control
#endif

extension ServiceAnswer {
    /// Whether what was read can be used as it is.
    var isSound: Bool {
        records.count <= Self.maxRecords && ttl >= 0
            && records.allSatisfy { record in
                record.port > 0 && (1...253).contains(record.target.utf8.count)
                    && record.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            }
    }
}
