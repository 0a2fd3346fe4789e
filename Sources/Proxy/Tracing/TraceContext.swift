import Configuration
import HTTP

/// A request's place in its trace; all zero: in none that Weir knows of.
struct TraceContext: BitwiseCopyable, Equatable {
    /// The halves of the trace's id.
    var high: UInt64 = 0
    var low: UInt64 = 0
    /// The caller's span; 0 where Weir begins the trace.
    var caller: UInt64 = 0
    /// The span that servers are told to be their caller's: where spans are exported that of the
    /// try, else one that nobody records.
    var tried: UInt64 = 0
    /// The span of the request itself; 0 where it is not exported.
    var own: UInt64 = 0
    /// Whether those who take part are to record their spans.
    var isSampled = false
    /// Whether `traceparent` is written, rather than passed on as it came.
    var isWritten = false
    /// Whether spans are exported.
    var isExported = false

    /// The trace's id; `nil` in none.
    var id: RequestID? { high | low == 0 ? nil : RequestID(high: high, low: low) }
}

/// Which traces Weir begins are recorded: a share of them, by their ids, so that all who decide by
/// the same rule decide alike.
struct TraceSampler: BitwiseCopyable {
    /// Ids whose lower half is below are taken; `UInt64.max` takes all.
    private let limit: UInt64

    /// Takes this share of ids, 0 to 1.
    init(share: Double) {
        limit = share >= 1 ? UInt64.max : UInt64(max(0, share) * 0x1p64)
    }

    /// Whether the trace with this lower half of its id is recorded.
    func takes(_ low: UInt64) -> Bool { low < limit || limit == UInt64.max }
}

/// What the file says of traces, as workers use it.
struct TracePlan: BitwiseCopyable {
    /// Whether servers are told of traces.
    let propagates: Bool
    /// Whether spans are exported.
    let exports: Bool
    /// Which of the traces that begin here are recorded.
    let sampler: TraceSampler
    /// Whether spans leave out the last part of a client's address, as the access log does.
    let masksClient: Bool

    /// The plan of a checked configuration.
    init(_ config: Config) {
        propagates = config.tracing.propagates
        exports = config.tracing.export != nil
        sampler = TraceSampler(share: config.tracing.sample)
        masksClient = config.log.access?.masksClient ?? false
    }

    /// Whether traces are looked at at all.
    var isOn: Bool { propagates || exports }

    /// The place of a request without a caller: the trace begins here, under the request's own id.
    ///
    /// `draw` gives random numbers.
    @inline(__always)
    func begin(_ id: RequestID, _ draw: () -> UInt64) -> TraceContext {
        var trace = TraceContext()
        trace.high = id.high
        trace.low = id.low
        trace.isSampled = sampler.takes(id.low)
        trace.isWritten = propagates
        // An odd number is never zero, which names no span.
        trace.tried = draw() | 1
        if exports, trace.isSampled {
            trace.isExported = true
            trace.own = draw() | 1
        }
        return trace
    }

    /// The place of a request whose caller says where it stands.
    ///
    /// Only one who exports a span takes a place in the tree: a parent that nobody has ever seen
    /// would tear it.
    func join(_ parent: TraceParent, _ draw: () -> UInt64) -> TraceContext {
        var trace = TraceContext()
        trace.high = parent.traceHigh
        trace.low = parent.traceLow
        trace.caller = parent.parent
        trace.isSampled = parent.isSampled
        guard exports, parent.isSampled else { return trace }
        trace.isExported = true
        trace.isWritten = propagates
        trace.tried = draw() | 1
        trace.own = draw() | 1
        return trace
    }
}
