/// The hash of request keys and endpoint names: XXH64 (Collet, xxHash specification 0.1.1).
///
/// Equal bytes give the same hash on every machine, in every process and version, so that a key
/// keeps its endpoint. Its seed is public: it is not for tables that an attacker could fill.
public enum KeyHash {
    private static let prime1: UInt64 = 0x9e37_79b1_85eb_ca87
    private static let prime2: UInt64 = 0xc2b2_ae3d_27d4_eb4f
    private static let prime3: UInt64 = 0x1656_67b1_9e37_79f9
    private static let prime4: UInt64 = 0x85eb_ca77_c2b2_ae63
    private static let prime5: UInt64 = 0x27d4_eb2f_1656_67c5

    /// The XXH64 of the bytes.
    public static func hash(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
        let count = bytes.byteCount
        var offset = 0
        var hash: UInt64
        if count >= 32 {
            hash = stripes(bytes, seed: seed)
            offset = count & ~31
        } else {
            hash = seed &+ prime5
        }
        hash &+= UInt64(truncatingIfNeeded: count)
        while offset &+ 8 <= count {
            hash ^= round(0, word(bytes, offset))
            hash = rotate(hash, 27) &* prime1 &+ prime4
            offset &+= 8
        }
        if offset &+ 4 <= count {
            hash ^= halfWord(bytes, offset) &* prime1
            hash = rotate(hash, 23) &* prime2 &+ prime3
            offset &+= 4
        }
        while offset < count {
            hash ^= byte(bytes, offset) &* prime5
            hash = rotate(hash, 11) &* prime1
            offset &+= 1
        }
        hash ^= hash >> 33
        hash &*= prime2
        hash ^= hash >> 29
        hash &*= prime3
        return hash ^ (hash >> 32)
    }

    /// The XXH64 of a text's UTF-8 bytes; may allocate.
    static func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
        let bytes = Array(text.utf8)
        return unsafe hash(bytes.span.bytes, seed: seed)
    }

    /// A number whose bits each depend on all bits of the value: SplitMix64's last step.
    ///
    /// Different values give different numbers (Steele, Lea, Flood, OOPSLA 2014; Stafford's
    /// variant 13).
    public static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Where a hash lies when all hashes are spread evenly over 0 to `count` - 1.
    static func place(_ hash: UInt64, below count: Int) -> Int {
        Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(clamping: count)).high)
    }

    private static func stripes(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
        var one = seed &+ prime1 &+ prime2
        var two = seed &+ prime2
        var three = seed
        var four = seed &- prime1
        var offset = 0
        while offset &+ 32 <= bytes.byteCount {
            one = round(one, word(bytes, offset))
            two = round(two, word(bytes, offset &+ 8))
            three = round(three, word(bytes, offset &+ 16))
            four = round(four, word(bytes, offset &+ 24))
            offset &+= 32
        }
        var hash = rotate(one, 1) &+ rotate(two, 7) &+ rotate(three, 12) &+ rotate(four, 18)
        hash = (hash ^ round(0, one)) &* prime1 &+ prime4
        hash = (hash ^ round(0, two)) &* prime1 &+ prime4
        hash = (hash ^ round(0, three)) &* prime1 &+ prime4
        return (hash ^ round(0, four)) &* prime1 &+ prime4
    }

    private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
        rotate(accumulator &+ input &* prime2, 31) &* prime1
    }

    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        (value << bits) | (value >> (64 &- bits))
    }

    // Loads are checked against the span's end; the byte order is the specification's.
    private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        )
    }

    private static func halfWord(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        unsafe UInt64(
            UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
        )
    }

    private static func byte(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        unsafe UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
    }
}
