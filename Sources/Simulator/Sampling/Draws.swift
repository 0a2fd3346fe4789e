import Balancing

extension SeededRandom {
    /// A number above 0 and up to 1.
    mutating func unit() -> Double {
        Double((next() >> 11) &+ 1) * 0x1p-53
    }

    /// Exponentially distributed with mean 1.
    mutating func exponential() -> Double {
        -Maths.naturalLog(unit())
    }

    /// Normally distributed with mean 0 and deviation 1: the polar method of Marsaglia.
    mutating func normal() -> Double {
        while true {
            let x = 2 * unit() - 1
            let y = 2 * unit() - 1
            let square = x * x + y * y
            if square < 1, square > 0 {
                return x * (-2 * Maths.naturalLog(square) / square).squareRoot()
            }
        }
    }
}

extension Maths {
    /// `base` to the power of `exponent`, for a positive base.
    static func power(_ base: Double, _ exponent: Double) -> Double {
        exponential(exponent * naturalLog(base))
    }
}

/// A seed of its own for each part of a simulation, so that parts do not influence each other.
func derivedSeed(_ seed: UInt64, _ part: UInt64, _ index: Int = 0) -> UInt64 {
    // The finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    var mixed = seed &+ (part &* 0x9e37_79b9_7f4a_7c15)
    mixed &+= UInt64(truncatingIfNeeded: index) &* 0xd1b5_4a32_d192_ed03
    return mixedBits(mixed)
}

/// A number whose bits all depend on all bits of another.
func mixedBits(_ number: UInt64) -> UInt64 {
    var mixed = number &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}
