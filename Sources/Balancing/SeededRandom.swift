/// A small random number generator with a seed: wyrand (Wang Yi, wyhash, 2019).
///
/// One multiplication a number, 64 bits of state, passes BigCrush and PractRand. Equal seeds give
/// equal numbers on every machine, so that tests and simulations repeat. Not for secrets.
public struct SeededRandom: RandomNumberGenerator, BitwiseCopyable, Sendable {
    private var state: UInt64

    /// A generator; any seed is as good as another.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next number of all 64-bit ones.
    public mutating func next() -> UInt64 {
        state &+= 0xa076_1d64_78bd_642f
        let product = state.multipliedFullWidth(by: state ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low
    }

    /// A number from 0 to below 1, in steps of 2⁻⁵³.
    mutating func nextUnit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number from 0 to `bound` - 1, all equally likely; 0 if `bound` is below 1.
    ///
    /// Lemire, "Fast Random Integer Generation in an Interval", 2019.
    public mutating func next(below bound: Int) -> Int {
        guard bound > 0 else { return 0 }
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }
}
