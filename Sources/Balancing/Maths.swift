/// Functions that give the same digits on every machine.
///
/// They use nothing but addition, multiplication, division and bits of IEEE 754 numbers, in a fixed
/// order; a C library's `exp` and `log` differ in the last digit from one release to the next, and
/// with them the simulator's output would.
public enum Maths {
    /// The greatest argument of ``exponential(_:)`` with a finite result.
    private static let greatestExponent = 709.782712893384
    /// Below it ``exponential(_:)`` is 0: subnormal results are not worth their cost.
    private static let leastExponent = -708.3964185322641
    /// The natural logarithm of 2, in a part of 33 bits and the rest.
    private static let logTwoHigh = 0x1.62e42feep-1
    private static let logTwoLow = 0x1.a39ef35793c76p-33
    private static let inverseLogTwo = 0x1.71547652b82fep+0

    /// e to the power of `x`.
    ///
    /// Within 1 unit in the last place; 0 where the result would be below the least normal number.
    /// fdlibm's `e_exp.c` (Sun Microsystems, 1993): the argument is brought within ln 2 / 2 of 0,
    /// where a rational function approximates.
    public static func exponential(_ x: Double) -> Double {
        guard x <= greatestExponent else { return x.isNaN ? x : .infinity }
        guard x >= leastExponent else { return x.isNaN ? x : 0 }
        let power = Int(inverseLogTwo * x + (x < 0 ? -0.5 : 0.5))
        let high = x - Double(power) * logTwoHigh
        let low = Double(power) * logTwoLow
        let rest = high - low
        let square = rest * rest
        var series = 4.13813679705723846039e-08
        series = -1.65339022054652515390e-06 + square * series
        series = 6.61375632143793436117e-05 + square * series
        series = -2.77777777770155933842e-03 + square * series
        series = 1.66666666666666019037e-01 + square * series
        let difference = rest - square * series
        let result = 1 - ((low - (rest * difference) / (2 - difference)) - high)
        // In two steps: 2 to the power of 1024 is no number.
        let half = power / 2
        return result * powerOfTwo(half) * powerOfTwo(power - half)
    }

    /// The natural logarithm of `x`.
    ///
    /// Within 1 unit in the last place; not a number below 0. fdlibm's `e_log.c` (Sun Microsystems,
    /// 1993): x is 2ᵏ (1 + f) with f within about 0.4 of 0, where a polynomial approximates.
    public static func naturalLog(_ x: Double) -> Double {
        guard x > 0 else { return x == 0 ? -.infinity : .nan }
        guard x.isFinite else { return x }
        // Subnormal numbers are scaled by 2 to the power of 54 first.
        let isSubnormal = x < .leastNormalMagnitude
        let bits = (isSubnormal ? x * 0x1p54 : x).bitPattern
        var power = Int(bits >> 52) - 1023 - (isSubnormal ? 54 : 0)
        var fraction = Double(bitPattern: (bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000)
        if fraction > 1.4142135623730951 {
            fraction *= 0.5
            power += 1
        }
        let f = fraction - 1
        let ratio = f / (2 + f)
        let square = ratio * ratio
        let fourth = square * square
        let even =
            fourth
            * (3.999999999940941908e-01
                + fourth * (2.222219843214978396e-01 + fourth * 1.531383769920937332e-01))
        let odd =
            square
            * (6.666666666666735130e-01
                + fourth
                * (2.857142874366239149e-01
                    + fourth * (1.818357216161805012e-01 + fourth * 1.479819860511658591e-01)))
        let halfSquare = 0.5 * f * f
        let scale = Double(power)
        let rest = ratio * (halfSquare + (even + odd)) + scale * logTwoLow
        return scale * logTwoHigh - ((halfSquare - rest) - f)
    }

    private static func powerOfTwo(_ power: Int) -> Double {
        Double(bitPattern: UInt64(truncatingIfNeeded: power &+ 1023) << 52)
    }
}
