import HTTP
import Health

/// A ``StatusSet`` in a form that costs the hot path one look.
struct StatusBits: BitwiseCopyable {
    private var words = InlineArray<8, UInt64>(repeating: 0)
    /// Statuses of gRPC, one bit each.
    private var calls: UInt32

    /// The same codes.
    init(_ set: StatusSet) {
        calls = set.callBits
        for code in set.codes where (100...599).contains(code) {
            words[(code &- 100) >> 6] |= 1 << UInt64((code &- 100) & 63)
        }
    }

    /// Whether there are statuses of gRPC among them.
    var namesCalls: Bool { calls != 0 }

    /// Whether the status of gRPC is among them.
    func contains(call: GRPCStatus) -> Bool { calls & (1 << UInt32(call.rawValue)) != 0 }

    /// Whether the code is among them.
    func contains(_ code: UInt16) -> Bool {
        let place = Int(code) &- 100
        guard place >= 0, place < 500 else { return false }
        return words[place >> 6] & (1 << UInt64(place & 63)) != 0
    }
}
