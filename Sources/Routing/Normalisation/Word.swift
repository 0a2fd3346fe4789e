/// Eight bytes handled at once in a 64-bit number, the first byte lowest.
///
/// A mask has the top bit of each byte that was meant and nothing else.
struct Word {
    let bits: UInt64

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    init(bits: UInt64) { self.bits = bits }

    /// The eight bytes from an offset on.
    init(loading base: UnsafeRawPointer, at offset: Int) {
        bits = unsafe UInt64(
            littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        )
    }

    /// The first `count` bytes, fewer than eight, and zeros behind them.
    init(loading base: UnsafeRawPointer, count: Int) {
        var bits: UInt64 = 0
        if count >= 4 {
            let low = unsafe base.loadUnaligned(as: UInt32.self)
            let high = unsafe base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            bits = UInt64(UInt32(littleEndian: low))
            bits |= UInt64(UInt32(littleEndian: high)) &<< UInt64(8 &* (count &- 4))
        } else {
            for index in 0..<max(0, count) {
                let byte = unsafe base.load(fromByteOffset: index, as: UInt8.self)
                bits |= UInt64(byte) &<< UInt64(8 &* index)
            }
        }
        self.bits = bits
    }

    /// The mask of the bytes equal to `byte`; exact, without carries between bytes.
    func mask(_ byte: UInt8) -> UInt64 {
        let difference = bits ^ Word.ones &* UInt64(byte)
        return ~((difference & ~Word.tops) &+ ~Word.tops | difference | ~Word.tops)
    }

    /// The word with the lowest bit of each byte cleared.
    var evened: Word { Word(bits: bits & ~Word.ones) }

    /// The place of the first byte equal to `byte`.
    func first(_ byte: UInt8) -> Int? {
        let mask = mask(byte)
        return mask == 0 ? nil : mask.trailingZeroBitCount >> 3
    }

    /// The bytes in memory order with ASCII letters in lower case.
    var lowercased: UInt64 {
        let lower = bits & ~Word.tops
        let fromA = lower &+ Word.ones &* (0x80 - 0x41)
        let pastZ = lower &+ Word.ones &* (0x7f - 0x5a)
        let upper = fromA & ~pastZ & ~bits & Word.tops
        return (bits | upper >> 2).littleEndian
    }
}
