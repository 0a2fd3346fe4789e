import CLinux
import Configuration
import EventLoop

@testable import Proxy

/// A log line whose parts a test sets; it owns their bytes.
final class SampleLine {
    private var memory: [UnsafeMutableRawBufferPointer] = []
    var line = LogLine(
        client: peer("192.0.2.77"),
        id: RequestID(high: 1, low: 2),
        status: 200,
        bytesIn: 10,
        bytesOut: 20,
        duration: 1_234_567_890,
        firstByte: 1_500,
        tries: 1,
        outcome: .ok
    )

    init() {}

    deinit { for part in memory { part.deallocate() } }

    /// A part of a line with these bytes.
    func part(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        memory.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    /// A part of a line with this text.
    func part(_ text: String) -> UnsafeRawBufferPointer { part(Array(text.utf8)) }

    /// The line in JSON.
    func json(masked: Bool = false) -> String {
        text { $0.appendJSON(line, DateText(), masked: masked) }
    }

    /// The line in combined format.
    func combined(masked: Bool = false) -> String {
        text { $0.appendCombined(line, DateText(), masked: masked) }
    }

    /// A line with every part.
    static func full() -> SampleLine {
        let sample = SampleLine()
        sample.line.method = sample.part("GET")
        sample.line.host = sample.part("a.b:80")
        sample.line.target = sample.part("/x?y")
        sample.line.route = sample.part("api")
        sample.line.endpoint = sample.part("one")
        return sample
    }
}

/// A queue whose own log is written from this level on.
func makeQueue(level: LogConfig.Level = .info, json: Bool = false) throws -> LogQueue {
    var config = LogConfig()
    config.level = level
    config.json = json
    return try LogQueue(style: LogStyle(config))
}

extension LogQueue {
    /// The text of what waits, and what was dropped; memory is given back.
    func take() -> (texts: [String], dropped: Int) {
        var batches: [LogBatch] = []
        let dropped = drain(into: &batches)
        let texts = batches.map { batch in
            let bytes = UnsafeRawBufferPointer(start: batch.memory, count: batch.count)
            defer { recycle(batch) }
            return String(decoding: bytes, as: UTF8.self)
        }
        return (texts, dropped)
    }
}
