import Balancing
import Testing

@Suite("Maths")
struct MathsTests {
    // The nearest numbers to the true values, by 60-digit arithmetic.
    private static let exponentials: [(Double, Double)] = [
        (1e-10, 0x1.000000006df38p+0), (0.1, 0x1.1aec7b35a00d4p+0), (0.5, 0x1.a61298e1e069cp+0),
        (0.6931471805599453, 2), (1, 0x1.5bf0a8b145769p+1), (1.5, 0x1.1ed3fe64fc541p+2),
        (2, 0x1.d8e64b8d4ddaep+2), (10, 0x1.5829dcf950560p+14), (100, 0x1.3494a9b171bf5p+144),
        (700, 0x1.d945df4f8ec8ep+1009), (709, 0x1.d422d2be5dc9bp+1022),
        (-1e-10, 0x1.ffffffff24190p-1), (-0.1, 0x1.cf46d99d52b3ap-1),
        (-0.5, 0x1.368b2fc6f960ap-1), (-1, 0x1.78b56362cef38p-2), (-10, 0x1.7cd79b5647c9bp-15),
        (-20.5, 0x1.57a3afeed00abp-30), (-100, 0x1.a8c1f14e2af5dp-145),
        (-700, 0x1.14f2b0fb9307fp-1010), (0, 1),
    ]
    private static let logarithms: [(Double, Double)] = [
        (.leastNonzeroMagnitude, -0x1.74385446d71c3p+9),
        (2.2250738585072014e-308, -0x1.6232bdd7abcd2p+9),
        (1e-300, -0x1.5963447f87fb5p+9), (1e-10, -0x1.7069e2aa2aa5bp+4),
        (0.1, -0x1.26bb1bbb55515p+1), (0.5, -0x1.62e42fefa39efp-1),
        (0.7071067811865476, -0x1.62e42fefa39eep-2), (0.9999999999999999, -0x1p-53),
        (1, 0), (1.0000000000000002, 0x1.fffffffffffffp-53),
        (1.4142135623730951, 0x1.62e42fefa39f0p-2), (1.5, 0x1.9f323ecbf984cp-2),
        (2, 0x1.62e42fefa39efp-1), (2.718281828459045, 1), (10, 0x1.26bb1bbb55516p+1),
        (1e10, 0x1.7069e2aa2aa5bp+4), (1.7976931348623157e308, 0x1.62e42fefa39efp+9),
    ]

    @Test("exponentials are within 1 unit in the last place", arguments: exponentials)
    func exponential(x: Double, expected: Double) {
        #expect(abs(Maths.exponential(x) - expected) <= expected.ulp, "\(Maths.exponential(x))")
    }

    @Test("logarithms are within 1 unit in the last place", arguments: logarithms)
    func logarithm(x: Double, expected: Double) {
        #expect(abs(Maths.naturalLog(x) - expected) <= expected.ulp, "\(Maths.naturalLog(x))")
    }

    @Test("what has no value, or none that fits, is as in IEEE 754")
    func extremes() {
        #expect(Maths.exponential(.infinity) == .infinity && Maths.exponential(710) == .infinity)
        #expect(Maths.exponential(709.782712893384).isFinite)
        #expect(Maths.exponential(-.infinity) == 0 && Maths.exponential(-800) == 0)
        #expect(Maths.exponential(.nan).isNaN && Maths.naturalLog(.nan).isNaN)
        #expect(Maths.naturalLog(0) == -.infinity && Maths.naturalLog(.infinity) == .infinity)
        #expect(Maths.naturalLog(-1).isNaN)
    }

    @Test("each undoes the other")
    func inverse() {
        var random = SeededRandom(seed: 0x6d61_7468)
        for _ in 0..<20_000 {
            let x = (Double(random.next() >> 11) * 0x1p-53 - 0.5) * 1_400
            let back = Maths.naturalLog(Maths.exponential(x))
            #expect(abs(back - x) <= 3e-16 + abs(x) * 3e-16, "\(x), seed 0x6d617468")
        }
    }
}
