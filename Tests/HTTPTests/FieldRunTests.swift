import CBytes
import HTTP
import Testing

/// A line as CBytes's short way and its thorough way have to tell it.
private struct Line: Equatable {
    var parts: [UInt32]
    var name: UInt8
    var isHopByHop: Bool

    init(_ field: cbytes_field) {
        parts = [
            field.name_start, field.name_count, field.value_start, field.value_count,
            field.line_end,
        ]
        name = field.name
        isHopByHop = field.is_hop_by_hop != 0
    }
}

/// What reading many lines gives.
private struct Outcome: Equatable {
    var lines: [Line] = []
    var position = 0
    var names: UInt64 = 0
    var odd: UInt64 = 0
    var wanted: UInt64 = 0
    var isFull = false
}

private let hopByHop: UInt64 =
    1 << UInt64(CBYTES_FIELD_CONNECTION) | 1 << UInt64(CBYTES_FIELD_TE)
private let wanted: UInt64 =
    1 << UInt64(CBYTES_FIELD_HOST) | 1 << UInt64(CBYTES_FIELD_CONTENT_LENGTH)

/// Line by line.
private func readThoroughly(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ most: Int) -> Outcome {
    var outcome = Outcome()
    var field = cbytes_field()
    while outcome.position < count {
        let kind = cbytes_read_field(bytes, outcome.position, count, &field)
        if Int(kind) == CBYTES_LINE_ODD { break }
        if outcome.lines.count == most {
            outcome.isFull = true
            break
        }
        let bit = UInt64(1) << UInt64(field.name)
        let place = UInt64(outcome.lines.count)
        field.is_hop_by_hop = bit & hopByHop != 0 ? 1 : 0
        if Int(kind) != CBYTES_LINE_USUAL || bit & hopByHop != 0, place < 64 {
            outcome.odd |= 1 << place
        }
        if bit & wanted != 0 { outcome.wanted |= 1 << min(place, 63) }
        outcome.names |= bit
        outcome.position = Int(field.line_end)
        outcome.lines.append(Line(field))
    }
    return outcome
}

private func readFast(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ most: Int) -> Outcome {
    withUnsafeTemporaryAllocation(of: cbytes_field.self, capacity: most + 1) { table in
        var run = cbytes_field_run()
        guard count > 0, let base = table.baseAddress else { return Outcome() }
        let reason = cbytes_read_fields(bytes, count, base, most, hopByHop, wanted, &run)
        return Outcome(
            lines: (0..<run.count).map { Line(table[$0]) },
            position: run.position,
            names: run.names,
            odd: run.odd,
            wanted: run.wanted,
            isFull: Int(reason) == CBYTES_RUN_FULL
        )
    }
}

/// Field lines, most of them usual, some with a byte or white space that is not.
private func lines(_ random: inout TestRandom, _ count: Int) -> [UInt8] {
    let known = [
        "Host", "TE", "Connection", "content-length", "ACCEPT-LANGUAGE", "x-forwarded-host",
        "Upgrade-Insecure-Requests", "if-unmodified-since", "via",
    ]
    var bytes: [UInt8] = []
    for _ in 0..<count {
        let own = String(repeating: "x-", count: Int.random(in: 1...20, using: &random))
        let isKnown = Bool.random(using: &random)
        bytes += (isKnown ? known.randomElement(using: &random) ?? own : own).utf8
        let blanks = [" ", " ", " ", " ", "", "  ", "\t"]
        bytes += Array(":\(blanks.randomElement(using: &random) ?? "")".utf8)
        let size = Int.random(in: 0...70, using: &random)
        bytes += (0..<size).map { _ in UInt8.random(in: 0x20...0x7e, using: &random) }
        bytes += (["\r\n", "\r\n", "\r\n", " \r\n"].randomElement(using: &random) ?? "").utf8
    }
    bytes += Array("\r\n".utf8)
    if Int.random(in: 0..<3, using: &random) == 0 {
        let place = Int.random(in: bytes.indices, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
    }
    return bytes
}

@Suite struct FieldRunTests {
    @Test("lines are read alike by the short way and the thorough one, wherever they are cut")
    func agreement() {
        var random = TestRandom(seed: 22)
        var read = 0
        for round in 0..<200 {
            let whole = lines(&random, round == 0 ? 80 : Int.random(in: 1...12, using: &random))
            for count in 0...whole.count {
                // Memory that ends where the bytes do, so that AddressSanitizer sees what is read.
                let exact = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, count))
                defer { exact.deallocate() }
                exact.initialize(from: whole, count: count)
                for most in [3, 100] {
                    let fast = readFast(exact, count, most)
                    #expect(fast == readThoroughly(exact, count, most), "\(whole.prefix(count))")
                    read += fast.lines.count
                }
            }
        }
        #expect(read > 10_000)
    }

    @Test("what a line says counts wherever it stands", arguments: [1, 61, 62, 63, 64, 65, 98])
    func place(_ place: Int) {
        let refusals: [(String, HeadError)] = [
            ("Host: b", .repeatedHost), ("Transfer-Encoding: gzip", .invalidTransferEncoding),
            ("Content-Length: x", .invalidContentLength),
            ("Connection: content-length", .connectionNamesFraming),
        ]
        let before =
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: place - 1)
        for (line, error) in refusals {
            let head = Array((before + line + "\r\nX: z\r\n\r\n").utf8)
            #expect(parseRequest(head, cuts: [head.count]) == .error(error), "\(line)")
        }
        let both = Array((before + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n").utf8)
        guard place < 98 else { return }
        #expect(parseRequest(both, cuts: [both.count]) == .error(.bothFramings))
    }
}
