import Configuration
import HTTP
import Testing

@testable import Proxy

@Suite("A request's place in its trace")
struct TraceContextTests {
    private let id = RequestID(high: 0x0123_4567_89ab_cdef, low: 0x8000_0000_0000_0000)

    private func plan(
        propagates: Bool = true,
        exports: Bool = false,
        sample: Double = 0.01
    ) -> TracePlan {
        var config = Config()
        config.tracing.propagates = propagates
        config.tracing.sample = sample
        if exports { config.tracing.export = CollectorURL("http://127.0.0.1:4318") }
        return TracePlan(config)
    }

    private func parent(sampled: Bool) -> TraceParent {
        TraceParent(traceHigh: 1, traceLow: 2, parent: 3, isSampled: sampled)
    }

    @Test("a share of traces is recorded, by their ids alone")
    func sampling() {
        for (share, low, expected) in [
            (0, 0, false), (0, UInt64.max, false), (1, 0, true), (1, UInt64.max, true),
            (0.5, (1 << 63) - 1, true), (0.5, 1 << 63, false), (0.01, 0, true),
            (0.01, 184_467_440_737_095_000, true), (0.01, 184_467_440_737_096_000, false),
        ] as [(Double, UInt64, Bool)] {
            #expect(TraceSampler(share: share).takes(low) == expected, "\(share) \(low)")
        }
        var random = TestRandom(seed: 7)
        let sampler = TraceSampler(share: 0.1)
        let taken = (0..<100_000).count { _ in sampler.takes(random.next()) }
        #expect((9_700...10_300).contains(taken), "\(taken) of 100,000")
    }

    @Test("a trace begins under the request's own id")
    func begins() {
        let trace = plan(sample: 1).begin(id) { 4 }
        #expect(trace.id?.high == id.high && trace.id?.low == id.low)
        #expect(trace.isWritten && trace.isSampled && !trace.isExported)
        #expect((trace.caller, trace.own, trace.tried) == (0, 0, 5))
        #expect(!plan(sample: 0.4).begin(id) { 4 }.isSampled)
    }

    @Test("spans are exported of recorded traces only")
    func exports() {
        let trace = plan(exports: true, sample: 1).begin(id) { 4 }
        #expect(trace.isExported && trace.isWritten && trace.own != 0 && trace.tried != 0)
        let other = plan(exports: true, sample: 0).begin(id) { 4 }
        #expect(!other.isExported && other.own == 0 && other.isWritten)
    }

    @Test("the caller decides whether its trace is recorded")
    func joins() {
        let recorded = plan(exports: true, sample: 0).join(parent(sampled: true)) { 4 }
        #expect(recorded.isExported && recorded.isWritten && recorded.caller == 3)
        #expect(recorded.id?.high == 1 && recorded.id?.low == 2)
        let other = plan(exports: true, sample: 1).join(parent(sampled: false)) { 4 }
        #expect(!other.isExported && !other.isWritten && other.id?.low == 2)
    }

    @Test("who exports no span takes no place in the tree")
    func passesOn() {
        let trace = plan(sample: 1).join(parent(sampled: true)) { 4 }
        #expect(!trace.isWritten && trace.isSampled && trace.id?.low == 2)
    }

    @Test("servers are told of nothing without propagation")
    func silent() {
        #expect(!plan(propagates: false).isOn)
        let silent = plan(propagates: false, exports: true, sample: 1)
        #expect(silent.isOn)
        #expect(!silent.begin(id) { 4 }.isWritten && silent.begin(id) { 4 }.isExported)
        let joined = silent.join(parent(sampled: true)) { 4 }
        #expect(!joined.isWritten && joined.isExported)
    }
}
