import Configuration
import HTTP
import Routing
import Testing

@testable import Proxy

private let ok = "HTTP/1.1 200 OK\r\n"

/// An answer and what it amounts to once all of it has come.
struct ProbeCase: CustomTestStringConvertible, Sendable {
    var raw: String
    var expected: ProbeAnswer.Step
    /// Whether the bytes may also come one by one with the same result.
    var isSameInPieces = true

    var testDescription: String { String(raw.prefix(200)) }

    static func report(
        _ raw: String,
        _ inFlight: Int32,
        _ latency: Int64 = -1,
        isReusable: Bool = true,
        isSameInPieces: Bool = true
    ) -> ProbeCase {
        let report = ProbeReport(
            inFlight: inFlight,
            latency: latency,
            isReusable: isReusable,
            keepAliveTimeout: nil
        )
        return ProbeCase(raw: raw, expected: .report(report), isSameInPieces: isSameInPieces)
    }

    static func failed(_ raw: String, _ fault: ProbeFault) -> ProbeCase {
        ProbeCase(raw: raw, expected: .failed(fault))
    }

    static let reports: [ProbeCase] = [
        .report(ok + "x-prequal-rif: 0\r\nContent-Length: 0\r\n\r\n", 0),
        .report(ok + "X-Prequal-RIF:  7 \r\nContent-Length: 2\r\n\r\nok", 7),
        .report(
            ok + "x-prequal-rif: 3\r\nx-prequal-latency-us: 12\r\nContent-Length: 0\r\n\r\n",
            3,
            12_000
        ),
        .report(
            ok + "x-prequal-rif: 99999999999999999999\r\n"
                + "x-prequal-latency-us: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
            Int32.max,
            86_400_000_000_000
        ),
        .report("HTTP/1.1 204 No Content\r\nx-prequal-rif: 1\r\n\r\n", 1),
        .report(
            ok
                + "x-prequal-rif: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2\r\nok\r\n0\r\na: b\r\n\r\n",
            1
        ),
        .report(
            "HTTP/1.1 103 Early\r\nx: y\r\n\r\n" + ok
                + "x-prequal-rif: 1\r\nContent-Length: 0\r\n\r\n",
            1
        ),
        .report(
            ok + "x-prequal-rif: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            1,
            isReusable: false
        ),
        .report(ok + "x-prequal-rif: 1\r\n\r\n", 1, isReusable: false),
        .report(
            "HTTP/1.0 200 OK\r\nx-prequal-rif: 1\r\nContent-Length: 0\r\n\r\n",
            1,
            isReusable: false
        ),
        .report(
            ok + "x-prequal-rif: 1\r\nContent-Length: 4096\r\n\r\n"
                + String(repeating: "x", count: 4096),
            1
        ),
        .report(ok + "x-prequal-rif: 1\r\nContent-Length: 4097\r\n\r\n", 1, isReusable: false),
        .report(
            ok + "x-prequal-rif: 1\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n"
                + String(repeating: "x", count: 4097),
            1,
            isReusable: false
        ),
        .report(
            ok + "x-prequal-rif: 1\r\nContent-Length: 0\r\n\r\nmore",
            1,
            isReusable: false,
            isSameInPieces: false
        ),
    ]

    static let failures: [ProbeCase] = [
        .failed("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", .status(404)),
        .failed("HTTP/1.1 302 Found\r\nx-prequal-rif: 1\r\nLocation: /\r\n\r\n", .status(302)),
        .failed("HTTP/1.1 500 No\r\nx-prequal-rif: 1\r\n\r\n", .status(500)),
        .failed(ok + "Content-Length: 0\r\n\r\n", .noLoad),
        .failed(ok + "x-prequal-latency-us: 5\r\n\r\n", .noLoad),
        .failed(ok + "x-prequal-rif:\r\n\r\n", .malformed),
        .failed(ok + "x-prequal-rif: -1\r\n\r\n", .malformed),
        .failed(ok + "x-prequal-rif: 1.5\r\n\r\n", .malformed),
        .failed(ok + "x-prequal-rif: 1, 2\r\n\r\n", .malformed),
        .failed(ok + "x-prequal-rif: 1\r\nX-PREQUAL-RIF: 1\r\n\r\n", .malformed),
        .failed(ok + "x-prequal-rif: 1\r\nx-prequal-latency-us: x\r\n\r\n", .malformed),
        .failed("HTTP/1.1 101 Switching Protocols\r\nx-prequal-rif: 1\r\n\r\n", .malformed),
        .failed(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 5), .malformed),
        .failed("220 mail ready\r\n", .malformed),
        .failed(ok + "x: " + String(repeating: "y", count: 5000), .malformed),
        .failed(
            ok + String(repeating: "x: y\r\n", count: 65) + "x-prequal-rif: 1\r\n\r\n",
            .malformed
        ),
        .failed(
            ok + "x-prequal-rif: 1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            .malformed
        ),
    ]
}

@Suite("Answers to probes")
struct ProbeAnswerTests {
    /// Shows the bytes in pieces of this size, as a connection would.
    private func read(_ raw: String, by size: Int) -> ProbeAnswer.Step {
        let bytes = Array(raw.utf8)
        var fields = FieldTable(capacity: 100)
        var answer = ProbeAnswer()
        var unused: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + size)
            unused += bytes[position..<end]
            position = end
            let step = answer.take(unused.span.bytes, with: &fields)
            guard case .needMore(let used) = step else { return step }
            guard used <= unused.count else { return .failed(.closed) }
            unused.removeFirst(used)
        }
        return .needMore(used: 0)
    }

    @Test("an answer is read whole", arguments: ProbeCase.reports + ProbeCase.failures)
    func whole(row: ProbeCase) {
        #expect(read(row.raw, by: Int.max / 2) == row.expected)
    }

    @Test(
        "and the same in pieces of any size",
        arguments: (ProbeCase.reports + ProbeCase.failures).filter(\.isSameInPieces)
    )
    func pieces(row: ProbeCase) {
        for size in [1, 2, 3, 7, 64] {
            #expect(read(row.raw, by: size) == row.expected, "pieces of \(size)")
        }
    }

    @Test("a part of an answer is not enough", arguments: ProbeCase.reports.prefix(7))
    func cut(row: ProbeCase) {
        for count in 1..<row.raw.utf8.count {
            let step = read(String(decoding: row.raw.utf8.prefix(count), as: UTF8.self), by: 5)
            guard case .needMore = step else {
                Issue.record("\(count) bytes: \(step)")
                continue
            }
        }
    }

    @Test("the server's own keep-alive time is passed on")
    func keepAlive() {
        let raw = ok + "x-prequal-rif: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n"
        guard case .report(let report) = read(raw, by: 4096) else {
            Issue.record("no report")
            return
        }
        #expect(report.keepAliveTimeout == 5)
    }

    @Test("altered bytes never trap")
    func noise() {
        for seed in 0..<200 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            var bytes = Array((ok + "x-prequal-rif: 1\r\nContent-Length: 3\r\n\r\nabc").utf8)
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            var fields = FieldTable(capacity: 8)
            var answer = ProbeAnswer()
            let step = answer.take(bytes.span.bytes, with: &fields)
            if case .needMore(let used) = step {
                #expect(used <= bytes.count, "seed \(seed)")
            }
        }
    }
}

@Suite("Probes")
struct ProbeTests {
    @Test(
        "a request has the server's address as its host",
        arguments: [
            (ServerAddress.ip(.v4(0x7f00_0001), port: 80), "127.0.0.1:80"),
            (.ip(.v6(high: 0, low: 1), port: 8080), "[::1]:8080"),
            (.unix(path: "/run/x"), "localhost"),
        ]
    )
    func request(address: ServerAddress, host: String) {
        #expect(
            ProbePlan.request("/load?x=1", address)
                == "GET /load?x=1 HTTP/1.1\r\nHost: \(host)\r\n"
                + "User-Agent: weir-probe\r\nAccept: */*\r\n\r\n"
        )
    }

    @Test("pauses double from 100 ms to 5 s and end with an answer")
    func pauses() {
        var probe = Probe(request: .init(start: nil, count: 0), timeout: 1)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            probe.failed(at: .init(nanoseconds: 1000))
            pauses.append(probe.pause / 1_000_000)
            #expect(probe.pausedUntil.nanoseconds == 1000 + probe.pause)
        }
        #expect(pauses == [100, 200, 400, 800, 1600, 3200, 5000, 5000])
        probe.succeeded()
        #expect(probe.pausedUntil.nanoseconds == 0)
        probe.failed(at: .init(nanoseconds: 0))
        #expect(probe.pause == 100_000_000)
    }
}
