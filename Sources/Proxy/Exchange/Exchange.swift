import Balancing
import CLinux
import EventLoop
import HTTP

/// One request and its answer: joins a downstream and an upstream connection, and owns what is
/// known of them until the access log has it.
struct Exchange: SlabEntry {
    /// How much of the answer has been handled.
    enum Answer: UInt8 {
        /// No final head yet. Next: `body`, `complete`, `tunnel`.
        case head
        /// The head was passed on, the body follows. Next: `complete`.
        case body
        /// Everything was handed to the client's side. Final.
        case complete
        /// Bytes pass both ways. Final.
        case tunnel
    }

    /// What an exchange without an upstream connection waits for.
    enum Wait: UInt8 {
        /// Nothing: a try is under way, or none is wanted.
        case none
        /// The next try's time. Next: `none`, `room`.
        case backoff
        /// A bound of the pool lets it in. Next: `none`.
        case room
    }

    /// Facts about the exchange.
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt32
        /// The client's request has been read whole.
        static let requestComplete = Flags(rawValue: 1)
        /// The client speaks HTTP/1.0.
        static let http10 = Flags(rawValue: 2)
        /// The client's connection stays open afterwards.
        static let keepAlive = Flags(rawValue: 4)
        /// The request asks for a WebSocket.
        static let upgrade = Flags(rawValue: 8)
        /// ``Exchange/request`` holds everything that was sent, so it can be sent again.
        static let resendable = Flags(rawValue: 16)
        /// The method may be repeated (RFC 9110 §9.2.2).
        static let idempotent = Flags(rawValue: 32)
        /// The request's body is passed on in chunks.
        static let chunkedUp = Flags(rawValue: 64)
        /// The answer's body is passed on in chunks.
        static let chunkedDown = Flags(rawValue: 128)
        /// The final head has gone to the client.
        static let answerBegun = Flags(rawValue: 256)
        /// Further tries open connections of their own.
        static let wantsFresh = Flags(rawValue: 512)
        /// The rest of the request is no longer wanted.
        static let requestDropped = Flags(rawValue: 1024)
        /// The route's requests are not logged.
        static let unlogged = Flags(rawValue: 2048)
        /// The client sent a request id that is passed on.
        static let foreignRequestID = Flags(rawValue: 4096)
        /// An answer body of unknown length ends with the connection.
        static let endsWithClose = Flags(rawValue: 8192)
        /// An interim answer has gone to the client.
        static let interimSent = Flags(rawValue: 16384)
        /// The server's answer comes in chunks.
        static let chunkedAnswer = Flags(rawValue: 32768)
        /// The client waits for a 100 before it sends its body.
        static let expectsContinue = Flags(rawValue: 65536)
        /// The try counts as in flight at its endpoint.
        static let counted = Flags(rawValue: 1 << 17)
        /// The strategy has been told how the try ended.
        static let told = Flags(rawValue: 1 << 18)
        /// The strategy has been told that the try failed, or is not to be.
        static let toldFailure = Flags(rawValue: 1 << 20)
        /// The client came by https, by itself or as a trusted proxy says; noted where a cookie
        /// or a changed head depends on it.
        static let https = Flags(rawValue: 1 << 21)
        /// ``Exchange/key`` is the request's key.
        static let hasKey = Flags(rawValue: 1 << 19)
        /// The try finds out whether an ejected endpoint is well again.
        static let probing = Flags(rawValue: 1 << 22)
        /// The fallback pool serves.
        static let fellBack = Flags(rawValue: 1 << 23)
        /// It counts against `breaker.max-requests` of its pool.
        static let admitted = Flags(rawValue: 1 << 24)
        /// The route changes the request's head.
        static let editsRequest = Flags(rawValue: 1 << 25)
        /// The route changes the answer's head.
        static let editsAnswer = Flags(rawValue: 1 << 26)
        /// The body stands in ``Exchange/request`` in chunks.
        static let chunkedRequest = Flags(rawValue: 1 << 27)
        /// It is a call of gRPC.
        static let call = Flags(rawValue: 1 << 28)
        /// How its try ended is told by the call's status, which comes last.
        static let awaitsStatus = Flags(rawValue: 1 << 29)
    }

    var generation: UInt32 = 0
    var nextFree: Int32 = -1
    var downstream: Int32 = -1
    var upstream: Int32 = -1
    var answer: Answer = .head
    var wait: Wait = .none
    var method: HTTP.Method = .other
    var outcome: Outcome = .ok
    /// Tries begun.
    var tries: UInt8 = 0
    var flags: Flags = []
    var route: UInt32 = 0
    var pool: Int32 = -1
    /// The endpoint of the last try, in the worker's table; -1 before the first.
    var endpoint: Int32 = -1
    var status: UInt16 = 0
    /// How a call of gRPC ended; `nil` for others, and if its server did not say.
    var callStatus: GRPCStatus?
    /// Seconds for which the server keeps the connection, as it says; `UInt32.max` if it does not.
    var serverTimeout = UInt32.max
    /// Interim answers passed on.
    var interims: UInt16 = 0
    /// The serialised request: its head, and its body as far as it is kept to be sent again.
    var request = Buffer()
    /// How much of ``request`` has been sent in this try.
    var requestSent: UInt32 = 0
    /// Where the head ends in ``request``.
    var headEnd: UInt32 = 0
    var requestBody = BodyDecoder(.none)
    var answerBody = BodyDecoder(.none)
    /// Where the method, the target, the host and the request id stand in ``request``.
    var methodRange = ByteRange.empty
    var targetRange = ByteRange.empty
    var hostRange = ByteRange.empty
    var idRange = ByteRange.empty
    /// The request id where Weir made it.
    var requestID = RequestID(high: 0, low: 0)
    /// Its place in its trace.
    var trace = TraceContext()
    /// The client as the forwarding policy sees it.
    var client = weir_address()
    var started = Instant(nanoseconds: 0)
    var firstByte = Instant.never
    /// When everything has lasted too long.
    var deadline = Instant.never
    /// When all tries together have lasted too long, until an answer's head.
    var triesDeadline = Instant.never
    /// Until when it waits.
    var waitsUntil = Instant.never
    /// Its place in the queue of its pool, while it waits for room.
    var queuePlace: Int32 = -1
    /// Tries that `retries.attempts` does not count: those that found out about an ejected
    /// endpoint, and those of the pool that the fallback serves for.
    var uncounted: UInt8 = 0
    /// How often a server's GOAWAY kept the request from being looked at.
    var turnedAway: UInt8 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    /// Bytes of body received, for `limits.body-size`.
    var bodyReceived: UInt64 = 0
    var tried = TriedEndpoints()
    /// The hash by which the request is balanced.
    var key: UInt64 = 0
    /// The place in its pool of the endpoint to which the client sticks; -1 for none.
    var stuckTo: Int32 = -1
    /// How many requests the endpoint had in flight when the try began.
    var inFlight: Int32 = 0
    /// When the try began, or its request's last byte left if that waited for the client.
    var tryBegan = Instant(nanoseconds: 0)
    /// Bytes of this try that count as in transfer at the endpoint.
    var transfer: Int64 = 0
    /// How fast the client sends its body.
    var bodyPace = Pace()
    /// How fast the client reads the answer.
    var sendPace = Pace()
    /// When the client last took bytes of the answer, and what it has acknowledged by then.
    var tookLast = Instant.never
    var acknowledged: Int64 = 0
    /// The pipe of a spliced answer body; -1 without.
    var pipe: Int32 = -1
}

extension Exchange {
    /// Notes that the written head lies `offset` bytes further on in ``request``.
    mutating func shiftRequest(by offset: Int) {
        methodRange.shift(by: offset)
        targetRange.shift(by: offset)
        hostRange.shift(by: offset)
        if !idRange.isEmpty { idRange.shift(by: offset) }
    }
}

extension ByteRange {
    fileprivate mutating func shift(by distance: Int) {
        offset = UInt32(truncatingIfNeeded: Int(offset) &+ distance)
    }
}

/// A request id made by Weir: 128 random bits, written as 32 hexadecimal digits.
struct RequestID: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
}

/// Measures whether a client keeps the least speed, counting only time in which it owes bytes.
///
/// The rule is that of config.md: 240 bytes a second on average, asked for once 30 s have passed.
struct Pace: BitwiseCopyable, Equatable {
    /// Bytes a second below which a client counts as stalled.
    static let leastRate: Int64 = 240
    /// Nanoseconds before the rate is asked for.
    static let grace: Int64 = 30_000_000_000

    private var owed: Int64 = 0
    private var bytes: Int64 = 0
    private var since = Instant.never

    /// Whether time counts at present.
    var isRunning: Bool { since != .never }

    /// Time begins to count, unless it does already.
    mutating func began(at now: Instant) {
        if since == .never { since = now }
    }

    /// Bytes moved; time counts on.
    mutating func moved(_ count: Int, at now: Instant) {
        if since != .never {
            owed &+= now - since
            since = now
        }
        bytes &+= Int64(count)
    }

    /// Nothing is owed any more.
    mutating func paused(at now: Instant) {
        if since != .never { owed &+= now - since }
        since = .never
    }

    /// Whether the client is too slow on average.
    func isTooSlow(at now: Instant) -> Bool {
        let total = since == .never ? owed : owed &+ (now - since)
        return Self.isTooSlow(bytes, within: total)
    }

    /// Whether so many bytes are too few for as many nanoseconds in which they were owed.
    static func isTooSlow(_ bytes: Int64, within owed: Int64) -> Bool {
        owed > grace && bytes < (owed / 1_000_000_000) &* leastRate
    }
}
