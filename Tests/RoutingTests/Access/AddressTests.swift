import Routing
import Testing

@Suite("Addresses")
struct AddressTests {
    @Test(
        "an address as proxies write it, with a port or without",
        arguments: [
            ("1.2.3.4", "1.2.3.4"), ("1.2.3.4:1", "1.2.3.4"), ("1.2.3.4:65535", "1.2.3.4"),
            ("::1", "::1"), ("[::1]", "::1"), ("[::1]:80", "::1"), ("[::ffff:1.2.3.4]", "1.2.3.4"),
            ("1.2.3.4:", nil), ("1.2.3.4:a", nil), ("1.2.3.4:123456", nil), ("[1.2.3.4]", nil),
            ("[::1", nil), ("[::1]80", nil), ("[::1]:", nil), ("[]", nil), ("[", nil), (":", nil),
            ("", nil), (":80", nil), ("a", nil), ("[::1]:80:80", nil),
        ] as [(String, String?)]
    )
    func nodes(text: String, form: String?) {
        let bytes = Array(text.utf8)
        #expect(unsafe IPAddress(parsingNode: bytes.span.bytes)?.description == form)
    }

    @Test(
        "an address is read and written in its one form",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("1.2.3.4", "1.2.3.4"), ("255.255.255.255", "255.255.255.255"),
            ("10.20.100.0", "10.20.100.0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("0:0:0:0:0:0:0:0", "::"), ("2001:DB8::A", "2001:db8::a"),
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("0:0:1::", "0:0:1::"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("1:2:3:4:5:6::", "1:2:3:4:5:6::"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("::1.2.3.4", "::102:304"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::FFFF:0102:0304", "1.2.3.4"), ("0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"),
            ("::fffe:1.2.3.4", "::fffe:102:304"), ("::ffff:0:0:0", "::ffff:0:0:0"),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
            ),
        ]
    )
    func forms(text: String, form: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == form)
        #expect(IPAddress(form) == address)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..2.3", "256.1.1.1",
            "1.1.1.256", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", "1.2.3.-4",
            "1.2.3.99999999999999999999", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
            "12345::", "g::", "fe80::1%eth0", "[::1]", "::1.2.3", "::1.2.3.4:5", "::1.2.3.256",
            "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::/0", "1:2:3:4:5:6:7:8:", "::1:",
        ]
    )
    func refusals(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("random addresses come back from their text")
    func roundTrip() {
        let seed: UInt64 = 0x6970
        var random = TestRandom(state: seed)
        for _ in 0..<20_000 {
            // Half of all groups are zero, so that runs of every length and place come up.
            var halves = (UInt64(0), UInt64(0))
            for shift in stride(from: UInt64(0), to: 64, by: 16) {
                if random.below(2) == 0 { halves.0 |= (random.next() >> 48) << shift }
                if random.below(2) == 0 { halves.1 |= (random.next() >> 60) << shift }
            }
            let six = IPAddress(v6High: halves.0, low: halves.1)
            let four = IPAddress.v4(UInt32(truncatingIfNeeded: random.next()))
            #expect(IPAddress("\(six)") == six, "seed \(seed)")
            #expect(IPAddress("\(four)") == four, "seed \(seed)")
        }
    }

    @Test("nothing is written without room for the longest address")
    func room() {
        var bytes = [UInt8](repeating: 7, count: IPAddress.maximumTextCount)
        let address = IPAddress.v4(0x0102_0304)
        let count = bytes.withUnsafeMutableBytes {
            address.write(into: UnsafeMutableRawBufferPointer(rebasing: $0.dropLast()))
        }
        #expect(count == 0 && bytes.allSatisfy { $0 == 7 })
        let whole = bytes.withUnsafeMutableBytes { address.write(into: $0) }
        #expect(String(decoding: bytes[..<whole], as: UTF8.self) == "1.2.3.4")
    }

    @Test(
        "a block holds what its prefix says",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false), ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false), ("1.2.3.4", "1.2.3.4", true), ("1.2.3.4", "1.2.3.5", false),
            ("1.2.3.4/31", "1.2.3.5", true), ("1.2.3.4/31", "1.2.3.6", false),
            ("10.9.9.9/8", "10.0.0.1", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false), ("fe80::/64", "fe80::1:2:3:4", true),
            ("fe80::/64", "fe80:0:0:1::", false), ("fe80::/65", "fe80::7fff:0:0:1", true),
            ("fe80::/65", "fe80::8000:0:0:0", false), ("::1", "::1", true), ("::1", "::2", false),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true), ("::ffff:10.0.0.0/104", "11.1.1.1", false),
        ]
    )
    func blocks(block: String, address: String, inside: Bool) throws {
        let network = try #require(Network(block))
        #expect(network.contains(try #require(IPAddress(address))) == inside)
    }

    @Test(
        "a block is written with its first address",
        arguments: [
            ("10.9.9.9/8", "10.0.0.0/8"), ("1.2.3.4", "1.2.3.4/32"), ("::1", "::1/128"),
            ("2001:db8:1::/33", "2001:db8::/33"), ("::ffff:1.2.3.4", "1.2.3.4/32"),
            ("::ffff:1.2.3.4/96", "0.0.0.0/0"), ("1.2.3.4/0", "0.0.0.0/0"),
        ]
    )
    func firstAddress(block: String, form: String) {
        #expect(Network(block)?.description == form)
    }

    @Test(
        "what is no block is refused",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/+8",
            "10.0.0.0/8/8", "10.0.0.0/ 8", "::/129", "::/1000", "10.0.0/8", "::ffff:1.2.3.4/95",
        ]
    )
    func blockRefusals(block: String) {
        #expect(Network(block) == nil)
    }
}
