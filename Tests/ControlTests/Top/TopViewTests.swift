import Configuration
import Testing

@testable import Control

@Suite("What weir top shows")
struct TopViewTests {
    private let size = TopSize(rows: 40, columns: 110)

    private func text(_ view: TopView, _ size: TopSize) -> [String] {
        view.lines(size).map(\.plain)
    }

    @Test("a fault is named at the top and in its row, with its reason and its end")
    func faults() throws {
        let lines = text(TopFixture.view(TopFixture.faulty), size)
        let top = lines.prefix(8)
        #expect(
            top.contains("! 10.0.0.2:80 in pool main is ejected: 5 failures in a row; back in 9s")
        )
        #expect(
            top.contains(
                "! 10.0.0.3:80 in pool main: slow: takes 310 ms to answer, the others 2 ms"
            )
        )
        let row = try #require(lines.first { $0.hasPrefix("10.0.0.2:80") })
        #expect(row.hasSuffix("5 failures in a row; back in 9s"))
        #expect(lines.contains { $0.hasPrefix("POOL main  least-connections, 2 of 3 up") })
    }

    @Test("totals of the last interval")
    func totals() {
        let lines = text(TopFixture.view(TopFixture.faulty), size)
        #expect(lines[0].hasPrefix("weir 9.9.9, pid 42: serving for 2h 3m"))
        #expect(lines[0].hasSuffix("17:00:00 UTC") && lines[0].count == 110)
        #expect(
            lines[1]
                == "1235 requests/s   5xx 0.5 %   p50 1.2 ms   p90 3.4 ms   p99 12 ms   p99.9 1.5 s"
        )
        #expect(
            lines[2]
                == "clients 120   under way 8   requests 5000   retries 3   memory 12 MiB   cpu -"
        )
    }

    @Test("outcomes and CPU are compared with the report before, unless that was another process's")
    func rates() {
        let first = TopFixture.stats([], noEndpoint: 100, cpu: 1)
        let second = TopFixture.stats([], at: TopFixture.time + 2, noEndpoint: 124, cpu: 1.5)
        let view = TopFixture.view(first, second)
        #expect(text(view, size)[3] == "not ok:  no-endpoint 12/s (124)")
        #expect(text(view, size)[2].hasSuffix("cpu 25 %"))
        #expect(text(TopFixture.view(second), size)[3] == "not ok:  no-endpoint 0/s (124)")
    }

    @Test("a frame fills the screen and no more, whatever its size")
    func sizes() {
        var view = TopFixture.view(TopFixture.faulty)
        for number in 1...30 { _ = view.take(TopFixture.event(number)) }
        for rows in [1, 2, 3, 5, 8, 13, 24, 60] {
            for columns in [1, 2, 10, 39, 40, 79, 80, 200] {
                let size = TopSize(rows: rows, columns: columns)
                for scroll in [TopKey.first, .last] {
                    view.press(scroll, size: size)
                    let lines = view.lines(size)
                    #expect(lines.count == rows, "\(size)")
                    #expect(lines.allSatisfy { $0.width <= columns }, "\(size)")
                }
            }
        }
    }

    @Test("before the first statistics a frame says what is waited for")
    func waiting() {
        let size = TopSize(rows: 4, columns: 60)
        var view = TopView(address: "127.0.0.1:9900")
        #expect(text(view, size)[0] == "waiting for 127.0.0.1:9900")
        view.trouble = "no process answers"
        #expect(text(view, size)[0] == "no process answers")
    }

    @Test("trouble stands over the last figures until new ones come")
    func trouble() {
        var view = TopFixture.view(TopFixture.faulty)
        view.trouble = "the process has ended"
        #expect(text(view, size).contains("the process has ended"))
        _ = view.take(EventBlocks.Block(name: "stats", id: nil, data: TopFixture.faulty))
        #expect(!text(view, size).contains("the process has ended"))
    }

    @Test("servers are sorted by the column that a key chooses")
    func sorting() {
        var view = TopFixture.view(TopFixture.faulty)
        func servers() -> [String] {
            text(view, size).filter { $0.hasPrefix("10.0.0.") }.map { String($0.prefix(8)) }
        }
        let (one, two, three) = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
        let expected: [TopView.Order: [String]] = [
            .file: [one, two, three], .state: [two, one, three], .rate: [one, three, two],
            .inFlight: [three, one, two], .failed: [two, one, three], .p99: [three, one, two],
        ]
        for order in TopView.Order.allCases {
            #expect(view.order == order && servers() == expected[order], "\(order)")
            #expect(text(view, size).last?.contains("by \(order.word)") == true)
            view.press(.sort, size: size)
        }
        #expect(view.order == .file)
    }

    @Test("scrolling stops at both ends, also where the screen grows")
    func scrolling() {
        var view = TopFixture.view(TopFixture.faulty)
        for number in 1...30 { _ = view.take(TopFixture.event(number)) }
        let small = TopSize(rows: 14, columns: 100)
        view.press(.up, size: small)
        #expect(view.scroll == 0)
        #expect(text(view, small).last?.contains("more below") == true)
        view.press(.down, size: small)
        view.press(.down, size: small)
        #expect(view.scroll == 2)
        view.press(.last, size: small)
        let last = view.scroll
        view.press(.pageDown, size: small)
        #expect(view.scroll == last && last > 2)
        #expect(text(view, small).last?.contains("more below") == false)
        view.keepInside(TopSize(rows: 200, columns: 100))
        #expect(view.scroll == 0)
    }

    @Test("events come newest first, each once")
    func events() {
        var view = TopFixture.view(TopFixture.faulty)
        for number in [1, 2, 2] { _ = view.take(TopFixture.event(number)) }
        let lines = text(view, size)
        let shown = lines.filter { $0.contains("no connection") }
        #expect(
            shown == [
                "17:00:02  ejected 10.0.0.2:80 in pool main: no connection, for 10s",
                "17:00:01  ejected 10.0.0.2:80 in pool main: no connection, for 10s",
            ]
        )
        #expect(view.lastEvent == "run-2")
    }

    @Test("words of others cannot drive the terminal")
    func controls() {
        var view = TopFixture.view(
            TopFixture.stats([
                .init(name: "a", state: "unhealthy", reason: "body \u{1B}[2J\u{9B}1m\r\n", since: 0)
            ])
        )
        _ = view.take(TopFixture.event(1, reason: "\u{1B}]0;title\u{7}"))
        let all = view.lines(size).flatMap(\.spans).map(\.text).joined() + view.text
        #expect(all.contains("body ?[2J?1m??"))
        #expect(
            all.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x9B }
        )
    }

    @Test("states that were asked for are no faults, and say who asked")
    func drained() {
        let stats = TopFixture.stats([
            .init(
                name: "a",
                state: "drain",
                reason: "by the operator",
                since: TopFixture.time - 65
            ),
            .init(name: "b", reason: "weight 5 by the operator", isChanged: true),
            .init(name: "c", state: "half-open", reason: "5 failures in a row"),
            .init(name: "d", state: "unhealthy", reason: "refused", until: TopFixture.time + 9),
        ])
        let lines = text(TopFixture.view(stats), size)
        #expect(lines.filter { $0.hasPrefix("! ") }.count == 2)
        #expect(lines.contains("! d in pool main is unhealthy: refused"))
        #expect(lines.contains { $0.hasPrefix("a ") && $0.hasSuffix("by the operator; for 1m 5s") })
        #expect(lines.contains { $0.hasPrefix("b ") && $0.hasSuffix("weight 5 by the operator") })
        #expect(lines.contains { $0.hasPrefix("! c in pool main is half-open") })
    }

    @Test("more faults than fit are counted")
    func manyFaults() {
        let endpoints = (1...40).map {
            TopFixture.Endpoint(name: "10.0.0.\($0):80", state: "unhealthy", reason: "refused")
        }
        let lines = text(
            TopFixture.view(TopFixture.stats(endpoints, panic: true)),
            TopSize(rows: 24, columns: 80)
        )
        #expect(lines.contains("! pool main: too few servers are healthy, so health is ignored"))
        #expect(lines.contains("! 36 more, see the pools"))
    }

    @Test("as text it is the whole, uncut and without styles")
    func plain() {
        let text = TopFixture.view(TopFixture.faulty).text
        #expect(text.contains("WORKER") && text.contains("LISTENER") && text.contains("ROUTE"))
        #expect(!text.contains("\u{1B}") && !text.contains("…") && !text.contains("q quit"))
        #expect(!text.contains("no route"))
    }
}
