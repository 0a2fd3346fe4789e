import Testing

@testable import EventLoop

/// The unread bytes of a buffer.
private func unread(_ buffer: Buffer) -> [UInt8] {
    buffer.head.map { Array(UnsafeRawBufferPointer(start: $0, count: buffer.count)) } ?? []
}

@Suite("Buffers and their pool")
struct BufferPoolTests {
    @Test(
        "a buffer has the least class that holds it, a larger one whole 64 KiB",
        arguments: [
            (0, 2048), (1, 2048), (2048, 2048), (2049, 4096), (4096, 4096), (4097, 16_384),
            (16_384, 16_384), (16_385, 65_536), (65_536, 65_536), (65_537, 73_728),
            (73_728, 73_728), (73_729, 131_072),
            (131_072, 131_072), (131_073, 196_608), (1_000_000, 1_048_576),
        ]
    )
    func classes(count: Int, capacity: Int) {
        var pool = BufferPool()
        var buffer = pool.take(count)
        #expect(Int(buffer.capacity) == capacity)
        #expect(pool.bytesInUse == capacity)
        #expect(buffer.isEmpty && buffer.count == 0 && buffer.room == capacity)
        #expect(buffer.head == buffer.base && buffer.tail == buffer.base)
        pool.give(&buffer)
        #expect(buffer.base == nil && buffer.capacity == 0)
        #expect(pool.bytesInUse == 0)
    }

    @Test("a buffer without memory has nothing in it")
    func none() {
        var pool = BufferPool()
        var buffer = Buffer()
        #expect(buffer.isEmpty && buffer.count == 0 && buffer.room == 0)
        #expect(buffer.head == nil && buffer.tail == nil)
        pool.give(&buffer)
        pool.consume(0, from: &buffer)
        #expect(pool.bytesInUse == 0)
    }

    @Test("what comes back is given out again, last returned first")
    func reuse() {
        var pool = BufferPool()
        var first = pool.take(100)
        var second = pool.take(100)
        let (firstBase, secondBase) = (first.base, second.base)
        pool.give(&first)
        pool.give(&second)
        var third = pool.take(2048)
        var fourth = pool.take(1)
        #expect(third.base == secondBase && fourth.base == firstBase)
        pool.give(&third)
        pool.give(&fourth)
    }

    @Test("no more is kept than the limit")
    func keptLimit() {
        var pool = BufferPool(keptLimit: 4096 + 2048)
        var small = pool.take(2048)
        var middle = pool.take(4096)
        var extra = pool.take(2048)
        let (smallBase, middleBase) = (small.base, middle.base)
        pool.give(&small)
        pool.give(&middle)
        // This one no longer fits, or it would be the next to be given out.
        pool.give(&extra)
        small = pool.take(2048)
        middle = pool.take(4096)
        #expect(small.base == smallBase && middle.base == middleBase)
        pool.give(&small)
        pool.give(&middle)
        #expect(pool.bytesInUse == 0)
    }

    @Test("appending grows through the classes and keeps every byte")
    func grows() {
        var pool = BufferPool()
        var buffer = Buffer()
        var expected: [UInt8] = []
        for round in 0..<200 {
            let bytes = [UInt8](repeating: UInt8(round), count: round * 5)
            pool.append(bytes, bytes.count, to: &buffer)
            expected += bytes
            #expect(pool.bytesInUse == Int(buffer.capacity))
        }
        #expect(unread(buffer) == expected)
        #expect(Int(buffer.capacity) == 131_072)
        pool.consume(expected.count, from: &buffer)
        #expect(buffer.base == nil && pool.bytesInUse == 0)
    }

    @Test("room in front of the unread bytes is used before a larger buffer is taken")
    func moves() {
        var pool = BufferPool()
        var buffer = pool.take(2048)
        let base = buffer.base
        let bytes = (0..<2048).map { UInt8(truncatingIfNeeded: $0) }
        pool.append(bytes, 2048, to: &buffer)
        pool.consume(1000, from: &buffer)
        pool.reserve(1000, in: &buffer)
        #expect(buffer.base == base && buffer.start == 0 && buffer.room == 1000)
        #expect(unread(buffer) == Array(bytes[1000...]))
        pool.reserve(1001, in: &buffer)
        #expect(buffer.capacity == 4096)
        #expect(unread(buffer) == Array(bytes[1000...]))
        pool.give(&buffer)
        #expect(pool.bytesInUse == 0)
    }

    @Test("appending nothing takes no memory")
    func nothing() {
        var pool = BufferPool()
        var buffer = Buffer()
        pool.append([UInt8](), 0, to: &buffer)
        #expect(buffer.base == nil && pool.bytesInUse == 0)
    }

    @Test("random uses: bytes and sums stay right", arguments: 1...20)
    func sequences(seed: UInt64) {
        var random = TestRandom(seed: seed)
        var pool = BufferPool(keptLimit: random.pick([0, 2048, 20_000, 200_000, 16 << 20]))
        var buffers = [Buffer](repeating: Buffer(), count: 12)
        var contents = [[UInt8]](repeating: [], count: 12)
        for step in 0..<2000 {
            let index = random.below(12)
            switch random.below(8) {
            case 0...3:
                let bytes = [UInt8](
                    repeating: UInt8(truncatingIfNeeded: step),
                    count: random.below(random.pick([10, 3000, 30_000]))
                )
                pool.append(bytes, bytes.count, to: &buffers[index])
                contents[index] += bytes
            case 4, 5:
                let count = random.below(contents[index].count + 1)
                pool.consume(count, from: &buffers[index])
                contents[index].removeFirst(count)
            case 6:
                pool.reserve(random.below(70_000), in: &buffers[index])
            default:
                pool.give(&buffers[index])
                contents[index] = []
            }
            #expect(unread(buffers[index]) == contents[index], "seed \(seed), step \(step)")
            let sum = buffers.reduce(0) { $0 + Int($1.capacity) }
            #expect(pool.bytesInUse == sum, "seed \(seed), step \(step)")
        }
        for index in buffers.indices { pool.give(&buffers[index]) }
        #expect(pool.bytesInUse == 0, "seed \(seed)")
    }
}
