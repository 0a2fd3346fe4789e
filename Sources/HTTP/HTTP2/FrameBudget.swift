/// Counts frames that cost this side work and bring nobody forward: a bucket that a second fills.
struct FrameBudget: BitwiseCopyable {
    private let perSecond: Int64
    /// What is left, in billionths of a frame, so that nanoseconds can be added.
    private var left: Int64
    private var last: Int64 = 0
    /// WINDOW_UPDATE frames that are welcome, as DATA was sent, or streams were opened.
    private var updates = 2
    /// A DATA frame makes two of them welcome, and one more for each so many of its bytes: clients
    /// of gRPC send one for each message that they read, however many share a frame.
    private static let bytesPerUpdate = 8

    /// The most unused WINDOW_UPDATE frames that are kept count of.
    static let mostUpdates = 1 << 16

    /// A full budget.
    init(perSecond: Int) {
        let most = min(Int64(perSecond), 1 << 30)
        self.perSecond = most
        left = most &* 1_000_000_000
    }

    /// Time has passed; in nanoseconds of any clock that does not go back.
    mutating func advance(to now: Int64) {
        let passed = min(max(now &- last, 0), 1_000_000_000)
        last = max(now, last)
        left = min(left &+ passed &* perSecond, perSecond &* 1_000_000_000)
    }

    /// Takes one frame; false if the budget is used up.
    mutating func spend() -> Bool {
        left &-= 1_000_000_000
        return left >= 0
    }

    /// The peer has opened a stream, whose window it may want larger from the start.
    mutating func streamOpened() { sentData(0) }

    /// DATA was sent, of so many bytes.
    mutating func sentData(_ count: Int) {
        updates = min(updates &+ 2 &+ count / Self.bytesPerUpdate, Self.mostUpdates)
    }

    /// A WINDOW_UPDATE came; false if the budget is used up.
    mutating func spendUpdate() -> Bool {
        if updates > 0 {
            updates &-= 1
            return true
        }
        return spend()
    }
}
