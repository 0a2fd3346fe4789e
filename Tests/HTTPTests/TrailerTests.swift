import HTTP
import Testing

@Suite struct TrailerTests {
    private func parse(_ text: String, limits: HeadLimits = usualLimits) throws(HeadError)
        -> String
    {
        let bytes = Array(("before" + text + "\r\nbehind").utf8)
        var fields = FieldTable(capacity: 20)
        let range = ByteRange(offset: 6, count: UInt32(text.utf8.count))
        try parseTrailers(bytes.span.bytes, in: range, into: &fields, limits: limits)
        return describe(fields, bytes)
    }

    @Test("trailers are fields; those that no trailer may be are marked")
    func marks() throws {
        let text = try parse("X-Sum: 1\r\ncontent-length: 5\r\nHost: a\r\nSet-Cookie: b\r\n")
        #expect(
            text == "+other X-Sum=1@16;-contentLength content-length=5@35;-host Host=a@44;"
                + "-setCookie Set-Cookie=b@59;"
        )
        #expect(try parse("") == "")
    }

    @Test(
        "a malformed trailer is refused",
        arguments: [
            ("A: b\r\n c\r\n", HeadError.foldedLine), ("A : b\r\n", .spaceBeforeColon),
            ("abc\r\n", .invalidFieldLine), ("A: b\n", .bareLineFeed), ("A: b", .invalidFieldLine),
            ("A: \0\r\n", .controlByte), ("\r\n", .invalidFieldLine),
            ("A: b\r\n\r\nC: d\r\n", .invalidFieldLine), ("A: b\r", .invalidFieldLine),
        ]
    )
    func refuses(text: String, error: HeadError) {
        #expect(throws: error) { try parse(text) }
    }

    @Test("as many trailers as the limit are accepted, one more is not")
    func limit() throws {
        let limits = HeadLimits(headSize: 1000, fields: 2, targetSize: 10)
        #expect(try parse("A: b\r\nA: b\r\n", limits: limits) == "+other A=b@12;+other A=b@18;")
        #expect(throws: HeadError.tooManyFields) {
            try parse("A: b\r\nA: b\r\nA: b\r\n", limits: limits)
        }
    }

    @Test(
        "what frames, routes, authenticates or belongs to a hop is forbidden in trailers",
        arguments: [
            FieldName.transferEncoding, .contentLength, .host, .connection, .te, .trailer,
            .keepAlive, .upgrade, .authorization, .cookie, .setCookie, .cacheControl, .expect,
            .maxForwards, .contentType, .contentEncoding, .contentRange, .range, .ifMatch, .via,
            .xForwardedFor, .forwarded, .xRequestID,
        ]
    )
    func forbidden(_ name: FieldName) { #expect(name.forbiddenInTrailers) }

    @Test(
        "checksums, tags and what Weir does not know may be trailers",
        arguments: [FieldName.other, .etag, .server, .lastModified]
    )
    func permitted(_ name: FieldName) { #expect(!name.forbiddenInTrailers) }
}
