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

    @Test("the end of a host is found")
    func host() {
        check(
            { cbytes_find_host_end($0, $1, $2) },
            { cbytes_is_host($0) == 0 },
            filler: 0x61
        )
        // Bytes that hosts seldom have count where the block does not know them, too.
        check(
            { cbytes_find_host_end($0, $1, $2) },
            { cbytes_is_host($0) == 0 },
            filler: 0x7e
        )
    }

    @Test("what JSON text cannot hold is found")
    func escaped() {
        check(
            { cbytes_find_escaped($0, $1, $2) },
            { $0 < 0x20 || $0 >= 0x7f || $0 == 0x22 || $0 == 0x5c },
            filler: 0x61
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
            #expect((cbytes_is_lower_token([byte], 1) != 0) == (isToken && !isUpper), "\(byte)")
            let isStop = (byte < 0x20 && byte != 0x09) || byte == 0x7f
            for count in [3, 16, 17, 40] {
                var value = [UInt8](repeating: 0x61, count: count)
                value[count / 2] = byte
                #expect((cbytes_is_lean_value(value, count) != 0) == !isStop, "\(byte)")
                value[count / 2] = 0x61
                value[byte & 1 == 0 ? 0 : count - 1] = byte
                let isBlank = byte == 0x20 || byte == 0x09
                #expect((cbytes_is_lean_value(value, count) != 0) == !(isStop || isBlank))
            }
            #expect((cbytes_is_lower_token([0x61, byte], 2) != 0) == (isToken && !isUpper))
        }
    }

    @Test("upper-case letters are found in names of any length, at any place")
    func upperCase() {
        for count in 1...40 {
            let name = [UInt8](repeating: 0x7a, count: count)
            #expect(cbytes_has_upper(name, count) == 0)
            for place in 0..<count {
                for byte: UInt8 in [0x40, 0x41, 0x4d, 0x5a, 0x5b, 0x60, 0x61, 0x7b, 0x7e, 0x2d] {
                    var other = name
                    other[place] = byte
                    let isUpper = (0x41...0x5a).contains(byte)
                    #expect((cbytes_has_upper(other, count) != 0) == isUpper, "\(count) \(place)")
                }
            }
        }
    }

    @Test("the end of a head is found at any place, and nothing else is taken for it")
    func headEnd() {
        for place in 0..<60 {
            let before = (0..<place).map { [0x0d, 0x0a, 0x0d, 0x61][$0 % 4] as UInt8 }
            let head = before + Array("b\r\n\r\n".utf8) + [UInt8](repeating: 0x0d, count: 20)
            #expect(cbytes_find_head_end(head, head.count) == place + 5)
            #expect(cbytes_find_head_end(head, place + 4) == 0)
        }
    }

    @Test("a line is written whole, whatever the lengths of its name and value")
    func lines() {
        for nameCount in 1...40 {
            for valueCount in [0, 1, 7, 8, 33, 200] {
                let name = (0..<nameCount).map { UInt8(0x61 + $0 % 26) }
                let value = (0..<valueCount).map { UInt8(0x30 + $0 % 10) }
                var out = [UInt8](repeating: 0xff, count: nameCount + valueCount + 5)
                let count = cbytes_write_line(&out, name, nameCount, value, valueCount)
                #expect(out == name + [0x3a, 0x20] + value + [0x0d, 0x0a, 0xff])
                #expect(count == out.count - 1)
            }
        }
    }

    @Test("numbers are written as sixteen digits")
    func digits() {
        var values: [UInt64] = [0, .max, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]
        for shift in 0..<64 { values += [1 << shift, 0x9a << shift] }
        for value in values {
            let plain = String(value, radix: 16)
            let expected = String(repeating: "0", count: 16 - plain.count) + plain
            let digits = cbytes_hex_digits(value)
            let halves = [cbytes_half_hex(value >> 32), cbytes_half_hex(value)]
            for words in [[digits.first, digits.last], halves] {
                let text = words.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                #expect(text == expected)
            }
        }
    }
}
