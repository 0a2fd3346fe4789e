import Configuration
import Testing

@testable import Control

@Suite("The parts of weir top")
struct TopPartsTests {
    @Test(
        "keys, also as sequences that come in pieces",
        arguments: [
            ("q", [TopKey.quit]), ("jk", [.down, .up]), ("\u{1B}[A\u{1B}OB", [.up, .down]),
            ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]), ("\u{1B}[H\u{1B}[4~", [.first, .last]),
            ("sgG", [.sort, .first, .last]), ("x\u{1B}[1;5Aq", [.quit]), ("\u{1B}q", [.quit]),
            ("\u{1B}\u{1B}[A", [.up]), ("\u{1B}[12345678901Aq", [.quit]), ("\u{0C}", [.redraw]),
        ]
    )
    func keys(text: String, expected: [TopKey]) {
        let bytes = Array(text.utf8)
        var whole = TopKeys()
        #expect(whole.take(bytes) == expected)
        var pieces = TopKeys()
        #expect(bytes.flatMap { pieces.take([$0]) } == expected)
    }

    @Test("a stream of events, whole and byte by byte")
    func blocks() throws {
        let text = """
            retry: 2000

            id: r-1
            event: ejected
            data: {"pool":"main"}

            : a comment

            event: stats
            data: {"pid":
            data:7}

            data: {"half
            """
        for piece in [1, 2, 3, 7, 1000] {
            var blocks = EventBlocks()
            var found: [EventBlocks.Block] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let ended = blocks.take(rest.prefix(piece))
                found += try #require(ended)
                rest = rest.dropFirst(piece)
            }
            #expect(found.map(\.name) == ["ejected", "stats"])
            #expect(found.map(\.id) == ["r-1", nil])
            #expect(found.last?.data["pid"]?.double == 7)
        }
    }

    private func table() -> TopTable {
        var table = TopTable([
            .init(title: "NAME", isText: true), .init(title: "RATE", rank: 1),
            .init(title: "P50", rank: 2), .init(title: "WHY", isText: true),
        ])
        table.add([.init("a"), .init("12"), .init("1 ms"), .init("because of all that happened")])
        table.add([.init("long"), .init("3"), .init("2 ms"), .init("")])
        return table
    }

    @Test("a table has texts to the left and figures to the right")
    func alignment() {
        #expect(
            table().lines(width: nil).map(\.plain) == [
                "NAME  RATE   P50  WHY", "a       12  1 ms  because of all that happened",
                "long     3  2 ms",
            ]
        )
    }

    @Test("where there is no room a table cuts its last column, then drops others by rank")
    func narrow() {
        #expect(table().lines(width: 26)[1].plain == "a       12  1 ms  because…")
        #expect(table().lines(width: 20)[0].plain == "NAME  RATE  WHY")
        #expect(table().lines(width: 14)[0].plain == "NAME  WHY")
        #expect(table().lines(width: 8).allSatisfy { $0.width <= 8 })
    }

    @Test("a line is cut across its pieces, and styled by pieces")
    func lines() {
        var line = TopLine("abc", .bad)
        line.add("def")
        #expect(line.cut(to: 6) == line)
        #expect(line.cut(to: 5).plain == "abcd…")
        #expect(line.cut(to: 3).plain == "ab…")
        #expect(line.cut(to: 1).plain == "…" && line.cut(to: 0).plain == "")
        #expect(line.styled == "\u{1B}[1;31mabc\u{1B}[0mdef")
    }

    @Test(
        "figures for people",
        arguments: [
            (Words.time(0.0000004), "0 µs"), (Words.time(0.000812), "812 µs"),
            (Words.time(0.00421), "4.2 ms"), (Words.time(1.254), "1.25 s"), (Words.time(nil), "-"),
            (Words.span(59.9), "59s"), (Words.span(125), "2m 5s"), (Words.span(7384), "2h 3m"),
            (Words.span(273_600), "3d 4h"), (Words.span(-1), "0s"), (Words.span(.infinity), "0s"),
            (Words.short(0.44), "0.4"), (Words.short(123.6), "124"), (Words.short(9999), "9999"),
            (Words.short(12_345), "12.3k"), (Words.short(12_345_678), "12.3M"),
            (Words.short(.nan), "-"), (Words.count(3.9), "3"), (Words.percent(0.0049), "0.5 %"),
            (Words.megabytes(44_145_050), "42.1 MiB"), (Words.clock(1_795_798_799), "16:59:59"),
        ]
    )
    func words(found: String, expected: String) {
        #expect(found == expected)
    }
}

@Suite("Remarks about servers that are up")
struct EndpointRemarkTests {
    typealias Recent = EndpointRemark.Recent

    private func text(_ own: Recent, _ others: Recent...) -> String? {
        EndpointRemark([own] + others).text(for: 0)
    }

    @Test("one that is like the others gets none")
    func usual() {
        let usual = Recent(answers: 20, errors: 1, median: 0.004)
        #expect(text(usual, usual, usual) == nil)
        #expect(text(usual) == nil && text(Recent()) == nil)
        // Three times as slow, but by a difference that nobody feels.
        #expect(text(Recent(answers: 9, median: 0.0048), Recent(answers: 9, median: 0.0008)) == nil)
    }

    @Test("a slow one is compared with the others' usual time")
    func slow() {
        let slow = Recent(answers: 9, median: 0.31)
        #expect(
            text(slow, Recent(answers: 9, median: 0.002), Recent(answers: 9, median: 0.5))
                == "slow: takes 310 ms to answer, the others 2 ms"
        )
        #expect(text(slow, Recent(answers: 9, median: 0.2)) == nil)
        // The quickest of four has others that are slower still.
        let others = [0.4, 0.5, 0.6].map { Recent(answers: 9, median: $0) }
        #expect(EndpointRemark([slow] + others).text(for: 0) == nil)
        #expect(EndpointRemark(others + [Recent(answers: 9, median: 2)]).text(for: 3) != nil)
        #expect(text(slow, Recent()) == nil)
    }

    @Test("one that answers nothing, while others do, is slow too")
    func silent() {
        let waits = Recent(waiting: 3)
        let words = "slow: 3 requests wait, none was answered in the last second"
        #expect(text(waits, Recent(answers: 1)) == words)
        #expect(text(waits, Recent()) == nil)
        #expect(text(Recent(answers: 1, waiting: 3), Recent(answers: 1)) == nil)
    }

    @Test("failures and errors come first, with their kinds and counts")
    func failures() {
        let failing = Recent(
            answers: 7,
            errors: 7,
            failures: [("connect-failure", 2), ("timeout", 1), ("reset", 0)],
            median: 9
        )
        #expect(
            text(failing, Recent(answers: 9, median: 0.001))
                == "3 of 10 tries failed in the last second: 2 by connect-failure, 1 by timeout"
        )
        #expect(
            text(Recent(answers: 7, errors: 2))
                == "2 of 7 answers in the last second are errors (5xx)"
        )
        #expect(text(Recent(answers: 10, errors: 1)) == nil)
    }
}
