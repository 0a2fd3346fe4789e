/// Logarithm and exponential by fixed operations.
///
/// The C library's differ in their last digit from one version to the next; a simulation must give
/// the same digits on every machine. Additions, multiplications and divisions of IEEE 754 do.
enum FixedMaths {
    private static let ln2High = 6.931_471_803_691_238e-1
    private static let ln2Low = 1.908_214_929_270_587_7e-10
    private static let perLn2 = 1.442_695_040_888_963_4

    /// The natural logarithm of a positive normal number, to about 1e-15.
    static func log(_ x: Double) -> Double {
        guard x > 0 else { return -.infinity }
        let bits = x.bitPattern
        var exponent = Int(bits >> 52) &- 1023
        var mantissa = Double(bitPattern: bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000)
        if mantissa > 1.414_213_562_373_095_1 {
            mantissa *= 0.5
            exponent &+= 1
        }
        // ln m = 2 artanh((m - 1) / (m + 1))
        let s = (mantissa - 1) / (mantissa + 1)
        let z = s * s
        var sum = 1.0 / 21
        sum = sum * z + 1.0 / 19
        sum = sum * z + 1.0 / 17
        sum = sum * z + 1.0 / 15
        sum = sum * z + 1.0 / 13
        sum = sum * z + 1.0 / 11
        sum = sum * z + 1.0 / 9
        sum = sum * z + 1.0 / 7
        sum = sum * z + 1.0 / 5
        sum = sum * z + 1.0 / 3
        sum = sum * z + 1
        let scale = Double(exponent)
        return scale * ln2High + (2 * s * sum + scale * ln2Low)
    }

    /// e to the power of `x`, to about 1e-15; 0 below -700, the value at 700 above.
    static func exp(_ x: Double) -> Double {
        guard x > -700 else { return 0 }
        let bounded = x < 700 ? x : 700
        let scaled = bounded * perLn2
        let power = Int(scaled + (scaled >= 0 ? 0.5 : -0.5))
        let r = bounded - Double(power) * ln2High - Double(power) * ln2Low
        var sum = 1.0 / 6_227_020_800
        sum = sum * r + 1.0 / 479_001_600
        sum = sum * r + 1.0 / 39_916_800
        sum = sum * r + 1.0 / 3_628_800
        sum = sum * r + 1.0 / 362_880
        sum = sum * r + 1.0 / 40_320
        sum = sum * r + 1.0 / 5_040
        sum = sum * r + 1.0 / 720
        sum = sum * r + 1.0 / 120
        sum = sum * r + 1.0 / 24
        sum = sum * r + 1.0 / 6
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        return sum * Double(bitPattern: UInt64(1023 &+ power) << 52)
    }

    /// `base` to the power of `exponent`, for a positive base.
    static func power(_ base: Double, _ exponent: Double) -> Double {
        exp(exponent * log(base))
    }
}
