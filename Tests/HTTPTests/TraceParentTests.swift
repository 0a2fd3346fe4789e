import HTTP
import Testing

private let trace = "0af7651916cd43dd8448eb211c80319c"
private let span = "b7ad6b7169203331"

/// Values of `traceparent`, by the cases of W3C's test suite for Trace Context, Level 1.
@Suite("traceparent")
struct TraceParentTests {
    private func parsed(_ value: String) -> TraceParent? {
        let bytes = Array("x: \(value)!".utf8)
        return TraceParent(bytes.span.bytes, ByteRange(from: 3, to: bytes.count - 1))
    }

    @Test(
        "valid ones",
        arguments: [
            ("00-\(trace)-\(span)-01", true),
            ("00-\(trace)-\(span)-00", false),
            // Other flags say nothing, and are no error.
            ("00-\(trace)-\(span)-ff", true),
            ("00-\(trace)-\(span)-02", false),
            // Later versions: the parts that are known count.
            ("01-\(trace)-\(span)-01", true),
            ("fe-\(trace)-\(span)-00", false),
            ("cc-\(trace)-\(span)-01-what-the-future-will-be-like", true),
            ("cc-\(trace)-\(span)-01-", true),
            ("00-00000000000000000000000000000001-0000000000000001-01", true),
            ("00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01", true),
        ]
    )
    func valid(value: String, isSampled: Bool) throws {
        let found = try #require(parsed(value), "\(value)")
        #expect(found.isSampled == isSampled)
        if value.contains(trace) {
            #expect(found.traceHigh == 0x0af7_6519_16cd_43dd)
            #expect(found.traceLow == 0x8448_eb21_1c80_319c)
            #expect(found.parent == 0xb7ad_6b71_6920_3331)
        }
    }

    @Test(
        "what is none",
        arguments: [
            "", "00", "00-", "-",
            // The version.
            "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-01", "000-\(trace)-\(span)-01",
            ".0-\(trace)-\(span)-01", "0x-\(trace)-\(span)-01", "FE-\(trace)-\(span)-01",
            // What follows version 00.
            "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01.", "00-\(trace)-\(span)-01-x",
            "cc-\(trace)-\(span)-01.what", "cc-\(trace)-\(span)-010",
            // The trace's id.
            "00-00000000000000000000000000000000-\(span)-01",
            "00-\(trace.uppercased())-\(span)-01", "00-.\(trace.dropFirst())-\(span)-01",
            "00-\(trace.dropFirst())-\(span)-01", "00-\(trace)0-\(span)-01",
            // The span's.
            "00-\(trace)-0000000000000000-01", "00-\(trace)-\(span.uppercased())-01",
            "00-\(trace)-.\(span.dropFirst())-01", "00-\(trace)-\(span.dropFirst())-01",
            "00-\(trace)-\(span)0-01",
            // The flags.
            "00-\(trace)-\(span)-.0", "00-\(trace)-\(span)-0.", "00-\(trace)-\(span)-1",
            "00-\(trace)-\(span)-001", "00-\(trace)-\(span)-0G", "00-\(trace)-\(span)-0A",
            "00-\(trace)-\(span)-", "00-\(trace)-\(span)",
            // The dashes.
            "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01", "00-\(trace)-\(span)_01",
            // Blanks, and several values in one.
            "00-\(trace)-\(span)-01 ", "00 -\(trace)-\(span)-01", "\t00-\(trace)-\(span)-01",
            "00-\(trace)-\(span)-01,00-\(trace)-\(span)-01",
        ]
    )
    func invalid(value: String) {
        #expect(parsed(value) == nil, "\(value)")
    }

    @Test("a range that goes beyond its bytes is none")
    func range() {
        let bytes = Array("00-\(trace)-\(span)-01".utf8)
        #expect(TraceParent(bytes.span.bytes, ByteRange(from: 0, to: bytes.count)) != nil)
        #expect(TraceParent(bytes.span.bytes, ByteRange(from: 0, to: bytes.count + 1)) == nil)
        #expect(TraceParent(bytes.span.bytes, ByteRange(from: 1, to: bytes.count + 1)) == nil)
    }

    @Test("a name that occurs twice is not the only one")
    func only() throws {
        for (lines, expected) in [(0, nil), (1, 1), (2, nil), (3, nil)] as [(Int, Int?)] {
            var head = "GET / HTTP/1.1\r\nHost: a\r\n"
            for _ in 0..<lines { head += "Traceparent: 1\r\n" }
            head += "TraceState: a=b\r\n\r\n"
            var fields = FieldTable(capacity: 10)
            var parser = RequestParser()
            let limits = HeadLimits(headSize: 1000, fields: 10, targetSize: 100)
            let bytes = Array(head.utf8)
            _ = try #require(try parser.parse(bytes.span.bytes, into: &fields, limits: limits))
            #expect(fields.only(.traceParent) == expected)
            #expect(fields.only(.traceState) == lines + 1)
        }
    }
}
