import HTTP
import Testing

private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

private let client = ProxyHeader.client(
    ProxyAddress(bits: 0xc000_0201, port: 56324),
    at: ProxyAddress(bits: 0xc633_6402, port: 443)
)
private let clientV6 = ProxyHeader.client(
    ProxyAddress(high: 0x2001_0db8_0000_0000, low: 1, port: 1),
    at: ProxyAddress(high: 0, low: 0xffff_c000_0201, port: 65535)
)
private let zero = ProxyHeader.client(
    ProxyAddress(high: 0, low: 0, port: 0),
    at: ProxyAddress(high: 0, low: 0, port: 0)
)

/// Bytes with which a connection begins, and what they say.
struct ProxyHeaderCase: Sendable, CustomStringConvertible {
    var description: String
    var bytes: [UInt8]
    var header: ProxyHeader?
    var error: ProxyHeaderError?

    init(_ description: String, _ line: String, is header: ProxyHeader) {
        self.description = description
        bytes = Array(line.utf8)
        self.header = header
    }

    init(_ line: String, fails error: ProxyHeaderError = .malformedLine) {
        description = line
        bytes = Array(line.utf8)
        self.error = error
    }

    init(_ description: String, _ rest: [UInt8], is header: ProxyHeader) {
        self.description = description
        bytes = signature + rest
        self.header = header
    }

    init(_ description: String, _ rest: [UInt8], fails error: ProxyHeaderError) {
        self.description = description
        bytes = signature + rest
        self.error = error
    }
}

private let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 1, 0xbb]
private let addressesV6: [UInt8] =
    [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
    + [UInt8](repeating: 0, count: 10) + [255, 255, 192, 0, 2, 1] + [0, 1, 255, 255]
private let mostExtensions = [UInt8](repeating: 7, count: 4096 - 16 - 12)
/// 107 bytes, the most that there can be.
private let longest =
    "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"
    + String(repeating: "x", count: 48) + "\r\n"

private let good: [ProxyHeaderCase] = [
    ProxyHeaderCase("IPv4", "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", is: client),
    ProxyHeaderCase("IPv6", "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n", is: clientV6),
    ProxyHeaderCase(
        "IPv6 in full, upper case",
        "PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:0001 0:0:0:0:0:FFFF:C000:201 1 65535\r\n",
        is: clientV6
    ),
    ProxyHeaderCase("zeros", "PROXY TCP6 :: 0::0:0 0 0\r\n", is: zero),
    ProxyHeaderCase("a gap at the end", "PROXY TCP6 0:: :: 0 0\r\n", is: zero),
    ProxyHeaderCase("unknown", "PROXY UNKNOWN\r\n", is: .unknown),
    ProxyHeaderCase("unknown with a rest", "PROXY UNKNOWN a b  c\r\n", is: .unknown),
    ProxyHeaderCase("the longest line", longest, is: .unknown),
    ProxyHeaderCase("binary", [0x21, 0x11, 0, 12] + addresses, is: client),
    ProxyHeaderCase("binary, IPv6", [0x21, 0x21, 0, 36] + addressesV6, is: clientV6),
    ProxyHeaderCase(
        "binary with extensions",
        [0x21, 0x11, 0, 15] + addresses + [4, 0, 0],
        is: client
    ),
    ProxyHeaderCase(
        "the longest",
        [0x21, 0x11, 0x0f, 0xf0] + addresses + mostExtensions,
        is: client
    ),
    ProxyHeaderCase("local", [0x20, 0, 0, 0], is: .local),
    ProxyHeaderCase("local with a rest", [0x20, 0x11, 0, 2, 1, 2], is: .local),
    ProxyHeaderCase("no family", [0x21, 0, 0, 3, 3, 0, 0], is: .unknown),
    ProxyHeaderCase("datagrams", [0x21, 0x12, 0, 12] + addresses, is: .unknown),
    ProxyHeaderCase(
        "a unix socket",
        [0x21, 0x31, 0, 216] + [UInt8](repeating: 0, count: 216),
        is: .unix
    ),
]

private let bad: [ProxyHeaderCase] = [
    ProxyHeaderCase("PROXY \r\n"),
    ProxyHeaderCase("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY UNKNOWNS\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"),
    ProxyHeaderCase("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4\t1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP4 ::1 ::2 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1::2::3 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1: ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 :1 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 ::: ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 12345:: ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 ::1%1 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY TCP6 1:2:3:4:5:6:7:1.2.3.4 ::1 1 2\r\n"),
    ProxyHeaderCase("PROXY UNKNOWN" + String(repeating: "x", count: 93) + "\r\n", fails: .tooLong),
    ProxyHeaderCase("version 1 in binary", [0x11, 0x11, 0, 12], fails: .unknownCommand),
    ProxyHeaderCase("a command of 2", [0x22, 0x11, 0, 12], fails: .unknownCommand),
    ProxyHeaderCase("a family of 4", [0x21, 0x41, 0, 12], fails: .unknownFamily),
    ProxyHeaderCase("a protocol of 3", [0x21, 0x13, 0, 12], fails: .unknownFamily),
    ProxyHeaderCase("too short for IPv4", [0x21, 0x11, 0, 11], fails: .tooShort),
    ProxyHeaderCase("too short for IPv6", [0x21, 0x21, 0, 35], fails: .tooShort),
    ProxyHeaderCase("too short for paths", [0x21, 0x31, 0, 215], fails: .tooShort),
    ProxyHeaderCase("one byte beyond 4 KiB", [0x21, 0x11, 0x0f, 0xf1], fails: .tooLong),
]

@Suite("PROXY headers")
struct ProxyHeaderTests {
    @Test("a header is read, and what follows it is not touched", arguments: good)
    func reading(_ given: ProxyHeaderCase) throws {
        let header = try #require(given.header)
        let wanted = ProxyHeader.Reading.header(header, size: given.bytes.count)
        #expect(try Self.read(given.bytes) == wanted)
        for rest in ["GET / HTTP/1.1\r\n", "\r\n", "PROXY "] {
            #expect(try Self.read(given.bytes + rest.utf8) == wanted)
        }
    }

    @Test("cut anywhere, a header needs more", arguments: good)
    func cuts(_ given: ProxyHeaderCase) throws {
        for count in 0..<given.bytes.count {
            #expect(try Self.read(given.bytes[..<count]) == .needMore, "\(count)")
        }
    }

    @Test("what begins as a header and is none is refused", arguments: bad)
    func refusals(_ given: ProxyHeaderCase) throws {
        let error = try #require(given.error)
        #expect(throws: error) { try Self.read(given.bytes) }
        // Earlier it was not taken for anything else.
        for count in 0..<given.bytes.count {
            guard let reading = try? Self.read(given.bytes[..<count]) else { continue }
            #expect(reading == .needMore, "\(count)")
        }
    }

    @Test(
        "other bytes are no header",
        arguments: [
            "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "POST / HTTP/1.1", "PROXY/ HTTP/1.1\r\n",
            "\r\nGET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "proxy UNKNOWN\r\n", " PROXY UNKNOWN\r\n",
            "\r\n\r\nGET",
        ]
    )
    func others(_ text: String) throws {
        #expect(try Self.read(Array(text.utf8)) == .absent)
    }

    @Test(
        "what is written is read back",
        arguments: [client, clientV6, zero, .unknown, .local],
        [ProxyHeader.Version.text, .binary]
    )
    func writing(_ header: ProxyHeader, _ version: ProxyHeader.Version) throws {
        let bytes = header.bytes(version)
        let isPlain = version == .text && header == .local
        let wanted = isPlain ? .unknown : header
        #expect(try Self.read(bytes) == .header(wanted, size: bytes.count))
        #expect(bytes.count <= ProxyHeader.mostText)
    }

    @Test("headers are written as the specification shows them")
    func written() {
        let line = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
        #expect(client.bytes(.text) == Array(line.utf8))
        let lineV6 = "PROXY TCP6 2001:db8:0:0:0:0:0:1 0:0:0:0:0:ffff:c000:201 1 65535\r\n"
        #expect(clientV6.bytes(.text) == Array(lineV6.utf8))
        #expect(ProxyHeader.local.bytes(.text) == Array("PROXY UNKNOWN\r\n".utf8))
        #expect(client.bytes(.binary) == signature + [0x21, 0x11, 0, 12] + addresses)
        #expect(clientV6.bytes(.binary) == signature + [0x21, 0x21, 0, 36] + addressesV6)
        #expect(ProxyHeader.local.bytes(.binary) == signature + [0x20, 0, 0, 0])
        #expect(ProxyHeader.unknown.bytes(.binary) == signature + [0x21, 0, 0, 0])
        #expect(ProxyHeader.unix.bytes(.binary) == ProxyHeader.unknown.bytes(.binary))
    }

    private static func read(
        _ bytes: some Collection<UInt8>
    ) throws(ProxyHeaderError) -> ProxyHeader.Reading {
        try ProxyHeader.read(Array(bytes).span.bytes)
    }
}
