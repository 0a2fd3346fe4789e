import CLinux
import Configuration
import EventLoop
import Health

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
        let time = timestamp(weir_monotonic_ns())
        guard json else { return "\(time) \(level.rawValue): \(Self.oneLine(message))" }
        return "{\(Self.fields([("time", time), ("level", level.rawValue), ("message", message)]))}"
    }

    /// The line of an event without its end, or `nil` if the level is not wanted.
    ///
    /// `now`: when it happened, on the monotonic clock.
    public func line(_ level: LogConfig.Level, _ event: HealthEvent, now: Instant) -> String? {
        guard Self.rank(level) >= Self.rank(self.level) else { return nil }
        let time = timestamp(weir_monotonic_ns())
        let until = event.duration > 0 ? timestamp((now + event.duration).nanoseconds) : nil
        guard json else {
            let whom = event.endpoint.isEmpty ? "" : " server \(event.endpoint)"
            let end = until.map { ", until \($0)" } ?? ""
            let text = "\(event.kind.rawValue) pool \(event.pool)\(whom): \(event.reason)\(end)"
            return "\(time) \(level.rawValue): \(Self.oneLine(text))"
        }
        var fields = [
            ("time", time), ("level", level.rawValue), ("event", event.kind.rawValue),
            ("pool", event.pool),
        ]
        if !event.endpoint.isEmpty { fields.append(("endpoint", event.endpoint)) }
        fields.append(("reason", event.reason))
        if let until { fields.append(("until", until)) }
        return "{\(Self.fields(fields))}"
    }

    private static func fields(_ fields: [(String, String)]) -> String {
        fields.map { "\"\($0)\":\"\(escaped($1))\"" }.joined(separator: ",")
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case _ where isControl(scalar): text += " "
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// What came from elsewhere must not make lines of its own.
    private static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 })
        )
    }

    /// Whether a terminal could take it for an order, or a reader for a line's end: C0, DEL, C1,
    /// and Unicode's own separators of lines and paragraphs.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }

    private static func rank(_ level: LogConfig.Level) -> Int {
        switch level {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    /// A point on the monotonic clock as the wall clock shows it.
    private func timestamp(_ nanoseconds: Int64) -> String {
        var dates = DateText()
        dates.update(Instant(nanoseconds: weir_monotonic_ns()))
        dates.show(Instant(nanoseconds: nanoseconds))
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
