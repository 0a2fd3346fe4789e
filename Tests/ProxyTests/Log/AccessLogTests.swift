import Configuration
import EventLoop
import Testing

@testable import Proxy

@Suite("Access log buffer and log queue")
struct AccessLogTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static let millisecond: Int64 = 1_000_000
    private let sample = SampleLine.full()

    private func config(_ change: (inout AccessLogConfig) -> Void = { _ in }) -> AccessLogConfig {
        var config = AccessLogConfig(destination: .stdout)
        change(&config)
        return config
    }

    @Test("lines wait for 100 ms from the first of them on")
    func age() throws {
        let queue = try makeQueue()
        var buffer = AccessLogBuffer(config(), queue: queue)
        #expect(buffer.isWaiting == false)
        buffer.flushIfOld(Self.start)
        buffer.append(sample.line, now: Self.start)
        buffer.append(sample.line, now: Self.start + 90 * Self.millisecond)
        #expect(buffer.isWaiting == true)
        buffer.flushIfOld(Self.start + (100 * Self.millisecond - 1))
        #expect(queue.take().texts.isEmpty)
        buffer.flushIfOld(Self.start + 100 * Self.millisecond)
        let texts = queue.take().texts
        #expect(texts.count == 1)
        #expect(texts.first?.split(separator: "\n").count == 2)
        #expect(buffer.isWaiting == false)
        // The next line's time begins anew.
        buffer.append(sample.line, now: Self.start + 150 * Self.millisecond)
        buffer.flushIfOld(Self.start + 249 * Self.millisecond)
        #expect(queue.take().texts.isEmpty)
        buffer.flush()
        #expect(queue.take().texts.count == 1)
        buffer.flush()
        #expect(queue.take().texts.isEmpty)
    }

    @Test("a full buffer is handed over; no line is cut or lost", arguments: [300, 5000, 30_000])
    func full(size: Int) throws {
        let queue = try makeQueue()
        var buffer = AccessLogBuffer(config(), queue: queue)
        var expected = 0
        for index in 0..<40 {
            sample.line.target = sample.part("/\(index)/" + String(repeating: "x", count: size))
            buffer.append(sample.line, now: Self.start)
            expected += 1
        }
        buffer.flush()
        let (texts, dropped) = queue.take()
        #expect(dropped == 0)
        #expect(texts.allSatisfy { $0.utf8.count <= BatchMemory.size && $0.hasSuffix("}\n") })
        #expect(texts.count >= 40 * size / BatchMemory.size)
        let lines = texts.joined().split(separator: "\n")
        #expect(lines.count == expected)
        for (index, line) in lines.enumerated() { #expect(line.contains("\"path\":\"/\(index)/x")) }
    }

    @Test("a target larger than any buffer is left out of its line")
    func hugeTarget() throws {
        let queue = try makeQueue()
        var buffer = AccessLogBuffer(config(), queue: queue)
        buffer.append(sample.line, now: Self.start)
        sample.line.target = sample.part(String(repeating: "x", count: BatchMemory.size))
        buffer.append(sample.line, now: Self.start)
        buffer.flush()
        let (texts, dropped) = queue.take()
        #expect(texts.joined().split(separator: "\n").count == 2)
        #expect(!texts.joined().contains("xxx"))
        #expect(dropped == 0)
    }

    @Test("a line larger than any buffer is counted as dropped, the others stay")
    func huge() throws {
        let queue = try makeQueue()
        var buffer = AccessLogBuffer(config(), queue: queue)
        buffer.append(sample.line, now: Self.start)
        let host = sample.line.host
        sample.line.host = sample.part(String(repeating: "x", count: BatchMemory.size))
        buffer.append(sample.line, now: Self.start)
        sample.line.host = host
        sample.line.target = sample.part("/last")
        buffer.append(sample.line, now: Self.start)
        buffer.flush()
        let (texts, dropped) = queue.take()
        let lines = texts.joined().split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.last?.contains("\"/last\"") == true)
        #expect(dropped == 1)
    }

    @Test("which requests are logged")
    func wants() throws {
        let queue = try makeQueue()
        func wants(
            _ outcome: Outcome,
            _ status: Int,
            draw: Double = 0.5,
            _ change: (inout AccessLogConfig) -> Void = { _ in }
        ) -> Bool {
            AccessLogBuffer(config(change), queue: queue)
                .wants(outcome, status: status, random: { draw })
        }
        #expect(wants(.ok, 200, draw: 0.999_999))
        #expect(wants(.ok, 499) { $0.onlyErrors = true } == false)
        #expect(wants(.ok, 500) { $0.onlyErrors = true })
        #expect(wants(.noRoute, 404) { $0.onlyErrors = true })
        #expect(wants(.ok, 200, draw: 0.249) { $0.sample = 0.25 })
        #expect(wants(.ok, 200, draw: 0.25) { $0.sample = 0.25 } == false)
        #expect(wants(.ok, 200, draw: 0) { $0.sample = 0 } == false)
        #expect(wants(.clientAborted, 200, draw: 0.9) { $0.sample = 0 })
        #expect(wants(.ok, 502, draw: 0.9) { $0.sample = 0 })
        let none = AccessLogBuffer(nil, queue: queue)
        #expect(none.wants(.badRequest, status: 400, random: { 0 }) == false)
    }

    @Test("without a log nothing is written")
    func off() throws {
        let queue = try makeQueue()
        var buffer = AccessLogBuffer(nil, queue: queue)
        buffer.append(sample.line, now: Self.start)
        #expect(buffer.isWaiting == false)
        buffer.flush()
        #expect(queue.take().texts.isEmpty)
    }

    @Test("64 batches wait at most; the lines of those beyond are counted once")
    func bounds() throws {
        let queue = try makeQueue()
        var taken = 0
        for index in 0..<70 {
            let batch = LogBatch(target: .access, memory: queue.memory.take(), count: 0)
            if queue.submit(batch, lines: index + 1) { taken += 1 }
        }
        #expect(taken == LogQueue.maxWaiting && taken == 64)
        let (texts, dropped) = queue.take()
        #expect(texts.count == 64)
        #expect(dropped == (65...70).reduce(0, +))
        #expect(queue.take() == ([], 0))
        let again = LogBatch(target: .own, memory: queue.memory.take(), count: 0)
        #expect(queue.submit(again, lines: 1))
        var batches: [LogBatch] = []
        _ = queue.drain(into: &batches)
        #expect(batches.count == 1)
        again.memory.deallocate()
    }

    @Test("whoever waits for the queue is woken until it is drained")
    func wakes() throws {
        let queue = try makeQueue()
        let poller = try Poller()
        #expect(poller.addSource(queue.descriptor, token: 1) == true)
        #expect(poller.wait(milliseconds: 0) == 0)
        queue.note(level: .error, "x")
        #expect(poller.wait(milliseconds: 1000) == 1)
        #expect(queue.take().texts.count == 1)
        #expect(poller.wait(milliseconds: 0) == 0)
    }
}
