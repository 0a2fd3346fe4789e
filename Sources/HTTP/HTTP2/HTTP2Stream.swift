/// What is known of one stream; it lies in the slots of the worker's memory.
@safe
struct HTTP2Stream: BitwiseCopyable {
    /// What has happened to a stream.
    struct Marks: OptionSet, BitwiseCopyable {
        let rawValue: UInt16
        /// The final head has come, so that another one holds trailers.
        static let head = Marks(rawValue: 1 << 0)
        /// The peer has sent all that it will.
        static let remoteEnd = Marks(rawValue: 1 << 1)
        /// This side's END_STREAM has left.
        static let localEnd = Marks(rawValue: 1 << 2)
        /// The head of this side's message, the final one, was handed over.
        static let answered = Marks(rawValue: 1 << 3)
        /// Nothing is to be supplied behind what was.
        static let finishing = Marks(rawValue: 1 << 4)
        /// Trailers are to be sent at the end.
        static let trailers = Marks(rawValue: 1 << 5)
        /// This side resets it: nothing that happens to it is told any more.
        static let isReset = Marks(rawValue: 1 << 6)
        /// A WebSocket by extended CONNECT.
        static let webSocket = Marks(rawValue: 1 << 7)
        /// The request's method is HEAD.
        static let isHead = Marks(rawValue: 1 << 8)
        /// The rest of the peer's body is not wanted.
        static let discards = Marks(rawValue: 1 << 9)
    }

    /// Its number on the connection.
    var id: Int32 = 0
    /// The next slot of the list that it is in.
    var next: Int32 = -1
    /// What has happened to it.
    var marks = Marks()
    /// The caller's number.
    var token: UInt64 = 0
    /// Where among the events its head is, while the caller has not looked at it; else -1.
    var headEvent: Int32 = -1
    /// Interim answers that have come.
    var interims: UInt8 = 0
    /// Body bytes lent until `send` has returned.
    var supply: UnsafeRawPointer?
    /// How many of them are left.
    var supplied = 0
    /// How many were taken since they were lent.
    var taken = 0
    /// The Content-Length of the peer's message; -1 if it has none.
    var expected: Int64 = -1
    /// Bytes of the peer's body so far.
    var received: Int64 = 0
    /// Those of them that the caller has not used yet.
    var uncredited = 0
    /// Trailer lines to be sent, a copy.
    var trailers: UnsafeMutableRawPointer?
    /// How many bytes they are.
    var trailersCount = 0
}
