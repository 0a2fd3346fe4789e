import Balancing
import Testing

@Suite("Key hash")
struct KeyHashTests {
    private static let prime32: UInt64 = 2_654_435_761

    /// The bytes of the vectors in xxHash's own sanity check (xsum_sanity_check.c).
    private static let sanityBytes: [UInt8] = {
        var generator = prime32
        return (0..<222).map { _ in
            defer { generator &*= 11_400_714_785_074_694_797 }
            return UInt8(truncatingIfNeeded: generator >> 56)
        }
    }()

    @Test(
        "XXH64 gives the published values",
        arguments: [
            (0, 0, 0xef46_db37_51d8_e999), (0, prime32, 0xac75_fda2_929b_17ef),
            (1, 0, 0xe934_a84a_db05_2768), (1, prime32, 0x5014_6076_43a9_b4c3),
            (4, 0, 0x9136_a0dc_a574_57ee), (14, 0, 0x8282_dcc4_994e_35c8),
            (14, prime32, 0xc3bd_6bf6_3deb_6df0), (222, 0, 0xb641_ae8c_b691_c174),
            (222, prime32, 0x20cb_8ab7_ae10_c14a),
        ] as [(Int, UInt64, UInt64)]
    )
    func vectors(count: Int, seed: UInt64, expected: UInt64) {
        let bytes = Array(Self.sanityBytes.prefix(count))
        #expect(KeyHash.hash(bytes.span.bytes, seed: seed) == expected)
    }

    @Test(
        "texts have the known hashes",
        arguments: [
            ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
            ("xxhash", 0x32dd_3895_2c4b_c720),
            ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
        ] as [(String, UInt64)]
    )
    func texts(text: String, expected: UInt64) {
        let bytes = Array(text.utf8)
        #expect(KeyHash.hash(bytes.span.bytes) == expected)
    }

    @Test("a part of a buffer hashes like a copy of it, wherever it begins")
    func alignment() {
        let bytes = Self.sanityBytes
        for start in 0..<16 {
            for count in 0..<100 {
                let copy = Array(bytes[start..<(start + count)])
                let part = bytes.span.bytes.extracting(start..<(start + count))
                #expect(KeyHash.hash(part) == KeyHash.hash(copy.span.bytes))
            }
        }
    }

    @Test("one bit of a mixed number changes each bit about every second time")
    func avalanche() {
        var random = SeededRandom(seed: 0x6d69_78)
        var flips = [Int](repeating: 0, count: 64)
        for _ in 0..<4_000 {
            let value = random.next()
            let bit = UInt64(1) << UInt64(random.next(below: 64))
            let difference = KeyHash.mix(value) ^ KeyHash.mix(value ^ bit)
            for place in 0..<64 where difference >> UInt64(place) & 1 == 1 { flips[place] += 1 }
        }
        // Six standard deviations (31.6) around 2,000.
        #expect(flips.allSatisfy { (1_810...2_190).contains($0) }, "seed 0x6d6978: \(flips)")
    }
}
