import CLinux
import Configuration
import EventLoop

/// How Weir's own log is written.
public struct LogStyle: Sendable {
    private let level: LogConfig.Level
    private let json: Bool

    /// The style that the file asks for.
    public init(_ config: LogConfig) {
        level = config.level
        json = config.json
    }

    /// The line without its end, or `nil` if the level is not wanted.
    public func line(_ level: LogConfig.Level, _ message: String) -> String? {
        guard Self.rank(level) >= Self.rank(self.level) else { return nil }
        let time = timestamp()
        guard json else { return "\(time) \(level.rawValue): \(message)" }
        let escaped = message.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case _ where scalar.value < 0x20: text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
        return "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"message\":\"\(escaped)\"}"
    }

    private static func rank(_ level: LogConfig.Level) -> Int {
        switch level {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    private func timestamp() -> String {
        var dates = DateText()
        dates.update(Instant(nanoseconds: weir_monotonic_ns()))
        var bytes: [32 of UInt8] = .init(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            var writer = ByteWriter(base, capacity: buffer.count)
            dates.appendTimestamp(to: &writer)
            let written = UnsafeRawBufferPointer(start: base, count: writer.count)
            return String(decoding: written, as: UTF8.self)
        }
    }
}
