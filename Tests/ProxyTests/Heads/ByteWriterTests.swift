import HTTP
import Testing

@testable import Proxy

@Suite("Byte writer")
struct ByteWriterTests {
    /// Numbers at every border: powers of ten and of two, one less, one more, and random ones.
    private static let numbers: [UInt64] = {
        var numbers: Set<UInt64> = [0, 1, UInt64.max, UInt64.max - 1]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            numbers.formUnion([power - 1, power, power + 1])
        }
        for bit in 0..<64 as Range<UInt64> {
            numbers.formUnion([1 << bit, (1 << bit) - 1, (1 << bit) + 1])
        }
        var random = TestRandom(seed: 1)
        for _ in 0..<2000 { numbers.insert(random.next() >> (random.next() & 63)) }
        return numbers.sorted()
    }()

    @Test("decimal and hexadecimal numbers are those of the standard library")
    func numbers() {
        let wrong = Self.numbers.filter { number in
            text { $0.append(decimal: number) } != String(number)
                || text { $0.append(hex: number) } != String(number, radix: 16)
        }
        #expect(wrong.isEmpty)
    }

    @Test("numbers of a fixed width have zeros in front")
    func widths() {
        #expect(text { $0.append(decimal: 7, width: 3) } == "007")
        #expect(text { $0.append(decimal: 0, width: 4) } == "0000")
        #expect(text { $0.append(decimal: 1234, width: 4) } == "1234")
        #expect(text { $0.append(decimal: -5, width: 2) } == "00")
        #expect(text { $0.append(hex: 0xab, digits: 2) } == "ab")
        #expect(text { $0.append(hex: 0xa, digits: 4) } == "000a")
        #expect(text { $0.append(hex: 0x1234, digits: 2) } == "34")
        #expect(text { $0.append(hex: UInt64.max, digits: 16) } == "ffffffffffffffff")
        let id = RequestID(high: 0xabc, low: 0x1)
        #expect(text { $0.append(id) } == "0000000000000abc0000000000000001")
    }

    /// Each way to write, with the bytes that it writes.
    private static let ways: [(String, @Sendable (inout ByteWriter) -> Void)] = [
        ("static text", { $0.append("static text") }),
        ("1234567890", { $0.append(decimal: 1_234_567_890) }),
        ("18446744073709551615", { $0.append(decimal: UInt64.max) }),
        ("7", { $0.append(decimal: 7) }),
        ("0042", { $0.append(decimal: 42, width: 4) }),
        ("dead", { $0.append(hex: 0xdead) }),
        ("00ff", { $0.append(hex: 0xff, digits: 4) }),
        ("!", { $0.append(byte: 0x21) }),
        ("raw", { writer in Array("raw".utf8).withUnsafeBytes { writer.append($0) } }),
        (
            "wor",
            { writer in
                Array("hello world".utf8).withUnsafeBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    writer.append(ByteRange(offset: 6, count: 3), of: base)
                }
            }
        ),
    ]

    @Test("what fits to the byte is written, one byte less is overflow", arguments: ways.indices)
    func limits(index: Int) {
        let (expected, write) = Self.ways[index]
        let count = expected.utf8.count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count + 8, alignment: 1)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xee, count: count + 8)
        var exact = ByteWriter(memory, capacity: count)
        write(&exact)
        #expect(exact.count == count && exact.room == 0 && !exact.overflowed)
        let bytes = UnsafeRawBufferPointer(start: memory, count: count)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        var short = ByteWriter(memory, capacity: count - 1)
        write(&short)
        #expect(short.overflowed && short.count <= count - 1)
        let behind = UnsafeRawBufferPointer(start: memory + count, count: 8)
        #expect(behind.allSatisfy { $0 == 0xee })
    }

    @Test("an address asks for room for the longest one")
    func addresses() {
        for (capacity, count) in [(45, 11), (44, 0)] {
            let bytes = written(capacity: capacity) { $0.append(address: peer("2001:db8::1")) }
            #expect(bytes.count == count)
        }
        #expect(text { $0.append(address: peer("192.0.2.1")) } == "192.0.2.1")
    }

    @Test("overflow is remembered until everything is removed")
    func removing() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 1)
        defer { memory.deallocate() }
        var writer = ByteWriter(memory, capacity: 4)
        writer.append("12345")
        #expect(writer.overflowed && writer.count == 0)
        writer.append("1234")
        #expect(writer.overflowed && writer.count == 4)
        writer.removeAll()
        #expect(!writer.overflowed && writer.count == 0 && writer.room == 4)
        writer.append("")
        #expect(!writer.overflowed && writer.start == memory)
    }
}
