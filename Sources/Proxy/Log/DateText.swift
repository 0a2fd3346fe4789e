import CLinux
import EventLoop

/// Dates as text, worked out once per second.
struct DateText {
    /// Nanoseconds from the loop's clock to the wall clock.
    private var offset: Int64 = 0
    private var checked = Instant(nanoseconds: Int64.min)
    private var second: Int64 = 0
    private var wall: Int64 = 0
    private var texts = Texts(CalendarFields(second: 0))

    /// The texts of a second.
    private struct Texts {
        /// As `2026-11-23T22:12:54.` is.
        var timestamp = [20 of UInt8](repeating: 0)
        /// As `Mon, 23 Nov 2026 22:12:54 GMT` is.
        var http = [29 of UInt8](repeating: 0)
        /// As `23/Nov/2026:22:12:54 +0000` is.
        var commonLog = [26 of UInt8](repeating: 0)

        init(_ fields: CalendarFields) {
            withUnsafeMutableBytes(of: &timestamp) { Self.fill($0, fields.writeTimestamp) }
            withUnsafeMutableBytes(of: &http) { Self.fill($0, fields.writeHTTPDate) }
            withUnsafeMutableBytes(of: &commonLog) { Self.fill($0, fields.writeCommonLogDate) }
        }

        private static func fill(
            _ bytes: UnsafeMutableRawBufferPointer,
            _ write: (inout ByteWriter) -> Void
        ) {
            guard let base = bytes.baseAddress else { return }
            var out = ByteWriter(base, capacity: bytes.count)
            write(&out)
        }
    }

    /// Takes the loop's time; the wall clock is read at most once a second.
    mutating func update(_ now: Instant) {
        if checked.nanoseconds == Int64.min || now - checked >= 1_000_000_000 {
            offset = weir_realtime_ns() &- now.nanoseconds
            checked = now
        }
        show(now)
    }

    /// Shows another point on the loop's clock, by the wall clock as it was read last.
    mutating func show(_ instant: Instant) {
        wall = instant.nanoseconds &+ offset
        let current = wall / 1_000_000_000
        if current != second {
            second = current
            texts = Texts(CalendarFields(second: current))
        }
    }

    /// `2026-11-23T22:12:54.123Z`.
    func appendTimestamp(to out: inout ByteWriter) {
        withUnsafeBytes(of: texts.timestamp) { out.append($0) }
        let nanoseconds = max(0, wall &- second &* 1_000_000_000)
        out.append(decimal: Int(truncatingIfNeeded: nanoseconds / 1_000_000), width: 3)
        out.append("Z")
    }

    /// `Mon, 23 Nov 2026 22:12:54 GMT` (RFC 9110 §5.6.7).
    mutating func appendHTTPDate(_ now: Instant, to out: inout ByteWriter) {
        update(now)
        withUnsafeBytes(of: texts.http) { out.append($0) }
    }

    /// `23/Nov/2026:22:12:54 +0000`.
    func appendCommonLogDate(to out: inout ByteWriter) {
        withUnsafeBytes(of: texts.commonLog) { out.append($0) }
    }
}

extension CalendarFields {
    fileprivate func writeTimestamp(to out: inout ByteWriter) {
        out.append(decimal: year, width: 4)
        out.append("-")
        out.append(decimal: month, width: 2)
        out.append("-")
        out.append(decimal: day, width: 2)
        out.append("T")
        writeClock(to: &out)
        out.append(".")
    }

    fileprivate func writeHTTPDate(to out: inout ByteWriter) {
        out.append(Self.weekdays[weekday])
        out.append(", ")
        out.append(decimal: day, width: 2)
        out.append(" ")
        out.append(Self.months[month - 1])
        out.append(" ")
        out.append(decimal: year, width: 4)
        out.append(" ")
        writeClock(to: &out)
        out.append(" GMT")
    }

    fileprivate func writeCommonLogDate(to out: inout ByteWriter) {
        out.append(decimal: day, width: 2)
        out.append("/")
        out.append(Self.months[month - 1])
        out.append("/")
        out.append(decimal: year, width: 4)
        out.append(":")
        writeClock(to: &out)
        out.append(" +0000")
    }

    private func writeClock(to out: inout ByteWriter) {
        out.append(decimal: hour, width: 2)
        out.append(":")
        out.append(decimal: minute, width: 2)
        out.append(":")
        out.append(decimal: second, width: 2)
    }
}

/// A second of Unix time in the Gregorian calendar, UTC.
struct CalendarFields: Equatable {
    static let weekdays: [7 of StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let months: [12 of StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    var year: Int
    /// 1 to 12.
    var month: Int
    /// 1 to 31.
    var day: Int
    /// 0 is Sunday.
    var weekday: Int
    var hour: Int
    var minute: Int
    var second: Int

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    init(second unix: Int64) {
        let unixSecond = max(0, Int(unix))
        let days = unixSecond / 86_400
        let rest = unixSecond % 86_400
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = (days + 4) % 7
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
