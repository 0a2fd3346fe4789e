import CBytes
import Testing

/// The scans by blocks against the same question asked byte by byte.
@Suite struct ScanTests {
    private func check(
        _ scan: (UnsafePointer<UInt8>, Int, Int) -> Int,
        _ stops: (UInt8) -> Bool,
        filler: UInt8
    ) {
        #expect(!stops(filler))
        for count in 0..<70 {
            var bytes = [UInt8](repeating: filler, count: count)
            for from in 0...count {
                #expect(scan(bytes, from, count) == count)
                for place in from..<count where (place &* 7 &+ from) % 3 == 0 {
                    bytes[place] = 0
                    #expect(scan(bytes, from, count) == place, "\(count) \(from)")
                    bytes[place] = filler
                }
                // What stands before the start must not count, in an overlapping block either.
                if from > 0 {
                    bytes[from - 1] = 0
                    #expect(scan(bytes, from, count) == count, "\(count) \(from)")
                    bytes[from - 1] = filler
                }
            }
        }
        for byte in UInt8.min...UInt8.max {
            for count in [1, 16, 17, 40] {
                var bytes = [UInt8](repeating: filler, count: count)
                bytes[count - 1] = byte
                let expected = stops(byte) ? count - 1 : count
                #expect(scan(bytes, 0, count) == expected, "byte \(byte) of \(count)")
            }
        }
    }

    @Test("the end of a value is found")
    func value() {
        check(
            { cbytes_find_value_end($0, $1, $2) },
            { ($0 < 0x20 && $0 != 9) || $0 == 0x7f },
            filler: 0xc3
        )
    }

    @Test("the end of a name is found")
    func name() {
        check(
            { cbytes_find_name_end($0, $1, $2) },
            { $0 <= 0x20 || $0 >= 0x7f || $0 == 0x3a },
            filler: 0x61
        )
    }

    @Test("the end of a target is found")
    func target() {
        check(
            { cbytes_find_target_end($0, $1, $2) },
            { $0 <= 0x20 || $0 >= 0x7f || $0 == 0x23 },
            filler: 0x2f
        )
    }

    @Test("character classes are those of the grammars")
    func classes() {
        for byte in UInt8.min...UInt8.max {
            let character = Character(Unicode.Scalar(byte))
            let isAlphanumeric = byte < 0x80 && (character.isLetter || character.isNumber)
            let isToken = isAlphanumeric || "!#$%&'*+-.^_`|~".contains(character)
            let isHost = isAlphanumeric || "-._~!$&'()*+;=".contains(character)
            #expect((cbytes_is_token(byte) != 0) == isToken, "\(byte)")
            #expect((cbytes_is_host(byte) != 0) == isHost, "\(byte)")
            #expect((cbytes_is_digit(byte) != 0) == (0x30...0x39).contains(byte))
            let value = byte < 0x80 ? character.hexDigitValue : nil
            #expect((cbytes_is_hex(byte) != 0) == (value != nil))
            #expect(Int(cbytes_hex_value(byte)) == value ?? 255)
            let isUpper = (0x41...0x5a).contains(byte)
            #expect(cbytes_lower(byte) == (isUpper ? byte + 0x20 : byte))
        }
    }
}
