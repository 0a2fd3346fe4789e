import Balancing
import Health
import Testing

@Suite("What checks say of an endpoint")
struct CheckMachineTests {
    /// Results (`+` passed, `-` failed), and the state after each (`u` up, `d` down; capital
    /// letters where it changed).
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: CheckOptions.CheckRule
        var isInitiallyUp = true
        var results: String
        var states: String

        var testDescription: String { "\(rule) \(isInitiallyUp) \(results)" }
    }

    static let rows: [Row] = [
        Row(rule: .consecutive(rise: 2, fall: 3), results: "+---", states: "uuuD"),
        Row(rule: .consecutive(rise: 2, fall: 3), results: "+--+---", states: "uuuuuuD"),
        Row(rule: .consecutive(rise: 2, fall: 3), results: "+---+-++", states: "uuuDdddU"),
        // The first decides alone.
        Row(rule: .consecutive(rise: 2, fall: 3), results: "-++", states: "DdU"),
        Row(
            rule: .consecutive(rise: 9, fall: 9),
            isInitiallyUp: false,
            results: "+---",
            states: "Uuuu"
        ),
        Row(
            rule: .consecutive(rise: 2, fall: 3),
            isInitiallyUp: false,
            results: "-++",
            states: "ddU"
        ),
        Row(rule: .consecutive(rise: 1, fall: 1), results: "+-+-", states: "uDUD"),
        Row(rule: .consecutive(rise: 0, fall: 0), results: "+-+-", states: "uDUD"),
        Row(rule: .window(bad: 3, of: 5), results: "+-+-+-", states: "uuuuuD"),
        Row(rule: .window(bad: 3, of: 5), results: "+--++++-", states: "uuuuuuuu"),
        // Three of the last five were bad until one of them has left.
        Row(rule: .window(bad: 3, of: 5), results: "+---+++", states: "uuuDddU"),
        Row(rule: .window(bad: 1, of: 1), results: "+-+", states: "uDU"),
        // As if all before had failed: three good ones, of which two are left bad.
        Row(rule: .window(bad: 3, of: 5), results: "-+++", states: "DddU"),
        Row(rule: .window(bad: 99, of: 99), results: "-+", states: "DU"),
    ]

    @Test("follows the rule", arguments: rows)
    func rule(row: Row) {
        var options = CheckOptions()
        options.rule = row.rule
        options.isInitiallyUp = row.isInitiallyUp
        var machine = CheckMachine(options)
        #expect(machine.isUp == row.isInitiallyUp && !machine.isChanging)
        var states = ""
        for result in row.results {
            switch result == "+" ? machine.passed() : machine.failed() {
            case .unchanged: states += machine.isUp ? "u" : "d"
            case .up: states += "U"
            case .down: states += "D"
            }
            #expect(machine.isChanging == ((result == "+") != machine.isUp))
        }
        #expect(states == row.states)
    }

    /// Invariants: the state changes only by what is told; `rise` good ones in a row always bring
    /// it up and `fall` bad ones down; of a window, `of` of a kind do.
    @Test("whatever came before, enough results of a kind decide", arguments: 1...200)
    func sequence(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var options = CheckOptions()
        let (first, second) = (1 + random.next(below: 64), 1 + random.next(below: 64))
        let isWindow = random.next(below: 2) == 0
        options.rule =
            isWindow
            ? .window(bad: min(first, second), of: max(first, second))
            : .consecutive(rise: first, fall: second)
        options.isInitiallyUp = random.next(below: 2) == 0
        var machine = CheckMachine(options)
        var isUp = machine.isUp
        func take(_ isGood: Bool) {
            switch isGood ? machine.passed() : machine.failed() {
            case .unchanged: break
            case .up:
                #expect(!isUp && isGood)
                isUp = true
            case .down:
                #expect(isUp && !isGood)
                isUp = false
            }
            #expect(machine.isUp == isUp)
        }
        for _ in 0..<20 {
            for _ in 0..<random.next(below: 200) { take(random.next(below: 3) > 0) }
            for _ in 0..<(isWindow ? max(first, second) : first) { take(true) }
            #expect(machine.isUp)
            for _ in 0..<random.next(below: 200) { take(random.next(below: 3) == 0) }
            for _ in 0..<(isWindow ? max(first, second) : second) { take(false) }
            #expect(!machine.isUp)
        }
    }

    @Test("the next check comes sooner or later by the state, and never all at once")
    func waits() {
        var options = CheckOptions()
        options.every = .seconds(10)
        options.everyChanging = .seconds(1)
        options.everyDown = .seconds(100)
        options.rule = .consecutive(rise: 2, fall: 2)
        var machine = CheckMachine(options)
        func expect(_ time: Double) {
            #expect(machine.wait(options, random: 0) == seconds(time * 0.9))
            #expect(machine.wait(options, random: .max) == seconds(time * 1.1))
            #expect(abs(machine.wait(options, random: 1 << 63) - seconds(time)) <= 1)
        }
        expect(10)
        _ = machine.passed()
        expect(10)
        _ = machine.failed()
        expect(1)
        _ = machine.failed()
        expect(100)
        _ = machine.passed()
        expect(1)
    }

    @Test("the longest wait does not overflow")
    func longest() {
        var options = CheckOptions()
        options.every = .seconds(Int64.max)
        #expect(CheckMachine(options).wait(options, random: .max) == .max)
    }
}
