import CLinux
import EventLoop
import Testing

@testable import Proxy

@Suite("Dates")
struct DateTests {
    @Test(
        "known seconds",
        arguments: [
            (0, "1970-01-01 4 00:00:00"),
            (951_782_399, "2000-02-28 1 23:59:59"),
            (951_782_400, "2000-02-29 2 00:00:00"),
            (951_868_800, "2000-03-01 3 00:00:00"),
            (946_684_799, "1999-12-31 5 23:59:59"),
            (1_709_164_800, "2024-02-29 4 00:00:00"),
            (1_735_603_200, "2024-12-31 2 00:00:00"),
            (1_795_472_974, "2026-11-23 1 22:29:34"),
            (2_147_483_647, "2038-01-19 2 03:14:07"),
            (4_107_542_399, "2100-02-28 0 23:59:59"),
            (4_107_542_400, "2100-03-01 1 00:00:00"),
            (253_402_300_799, "9999-12-31 5 23:59:59"),
            (-1, "1970-01-01 4 00:00:00"),
        ] as [(Int64, String)]
    )
    func known(second: Int64, expected: String) {
        let fields = CalendarFields(second: second)
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        let text =
            "\(fields.year)-\(two(fields.month))-\(two(fields.day)) \(fields.weekday) "
            + "\(two(fields.hour)):\(two(fields.minute)):\(two(fields.second))"
        #expect(text == expected)
    }

    @Test("every day of four centuries follows the one before")
    func days() {
        var (year, month, day, weekday) = (1970, 1, 1, 4)
        var wrong: [String] = []
        for index in 0..<146_097 as Range<Int64> {
            let fields = CalendarFields(second: index * 86_400 + index % 86_400)
            let isRight =
                fields.year == year && fields.month == month && fields.day == day
                && fields.weekday == weekday
            if !isRight { wrong.append("\(year)-\(month)-\(day): \(fields)") }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            weekday = (weekday + 1) % 7
            day += 1
            if day > lengths[month - 1] { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
        #expect(wrong.isEmpty, "\(wrong.first ?? "")")
        #expect(year == 2370)
    }

    @Test("the three forms say the same second, and that second is now")
    func forms() throws {
        var dates = DateText()
        let before = weir_realtime_ns() / 1_000_000_000
        let now = Instant(nanoseconds: weir_monotonic_ns())
        dates.update(now)
        let after = weir_realtime_ns() / 1_000_000_000
        let candidates = (before...after).map { CalendarFields(second: $0) }
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        let stamp = text { dates.appendTimestamp(to: &$0) }
        let http = text { dates.appendHTTPDate(now, to: &$0) }
        let log = text { dates.appendCommonLogDate(to: &$0) }
        let found = candidates.contains { second in
            let clock = "\(two(second.hour)):\(two(second.minute)):\(two(second.second))"
            let month = "\(CalendarFields.months[second.month - 1])"
            let weekday = "\(CalendarFields.weekdays[second.weekday])"
            return stamp.hasPrefix(
                "\(second.year)-\(two(second.month))-\(two(second.day))T\(clock)."
            )
                && http == "\(weekday), \(two(second.day)) \(month) \(second.year) \(clock) GMT"
                && log == "\(two(second.day))/\(month)/\(second.year):\(clock) +0000"
        }
        #expect(found, "\(stamp) \(http) \(log)")
        #expect(stamp.hasSuffix("Z") && stamp.utf8.count == 24)
    }

    @Test("time moves on with the loop's clock, by the millisecond")
    func moves() throws {
        var dates = DateText()
        let start = Instant(nanoseconds: weir_monotonic_ns())
        dates.update(start)
        let first = text { dates.appendTimestamp(to: &$0) }
        dates.update(start + 250_000_000)
        let second = text { dates.appendTimestamp(to: &$0) }
        let milliseconds = try [first, second].map { stamp in
            try #require(Int(stamp.dropLast().suffix(3)))
        }
        #expect((milliseconds[1] - milliseconds[0] + 1000) % 1000 == 250)
    }

    @Test("an HTTP date brings itself up to date")
    func fresh() {
        var dates = DateText()
        let now = Instant(nanoseconds: weir_monotonic_ns())
        let first = text { dates.appendHTTPDate(now, to: &$0) }
        #expect(first.utf8.count == 29 && !first.contains("1970"))
        let later = text { dates.appendHTTPDate(now + 700_000_000, to: &$0) }
        let stamp = text { dates.appendTimestamp(to: &$0) }
        #expect(later.dropFirst(17).prefix(8) == stamp.dropFirst(11).prefix(8))
    }
}
