import Balancing
import EventLoop

/// One name that is asked for again and again, for all who want to know.
final class Watch<Item: Hashable & Sendable> {
    /// Asks the name servers once and calls back once, from the loop.
    typealias Ask = (@escaping (Finding<Item>) -> Void) -> Void
    /// What is told after an answer; `nil` after the first one if there is nothing to be told.
    typealias Observer = (NameMachine<Item>.Notice?) -> Void

    private let loop: ControlLoop
    private let ask: Ask
    private var machine: NameMachine<Item>
    private var observers: [Int: Observer] = [:]
    private var nextObserver = 0
    private var random: SeededRandom
    private var deadline: Deadline?

    /// A name that is asked for from now on.
    ///
    /// `floor` and `ceiling` bound the time that an answer is used, in nanoseconds.
    init(on loop: ControlLoop, floor: Int64, ceiling: Int64, seed: UInt64, _ ask: @escaping Ask) {
        self.loop = loop
        self.ask = ask
        machine = NameMachine(floor: floor, ceiling: ceiling, now: loop.now.nanoseconds)
        random = SeededRandom(seed: seed)
        arm()
    }

    /// What the name has, as far as that is known.
    var known: [Item] { machine.known }
    /// Whether any question has been answered, if only by a failure.
    var hasOutcome: Bool { machine.hasOutcome }
    /// Whether nobody wants to know.
    var isUnwanted: Bool { observers.isEmpty }

    /// Tells `observer` what changes from now on, until ``remove(_:)``.
    func observe(_ observer: @escaping Observer) -> Int {
        nextObserver += 1
        observers[nextObserver] = observer
        return nextObserver
    }

    /// Tells an observer no longer.
    func remove(_ observer: Int) { observers[observer] = nil }

    /// Asks no longer.
    func stop() {
        loop.cancel(deadline)
        observers = [:]
    }

    private func arm() {
        guard let next = machine.nextQuestion else { return }
        deadline = loop.at(Instant(nanoseconds: next)) { [weak self] in self?.wake() }
    }

    private func wake() {
        guard machine.wake(now: loop.now.nanoseconds) else { return arm() }
        ask { [weak self] in self?.answered($0) }
    }

    private func answered(_ finding: Finding<Item>) {
        let isFirst = !machine.hasOutcome
        let outcome = machine.answered(
            finding,
            now: loop.now.nanoseconds,
            random: random.next()
        )
        arm()
        guard isFirst || outcome.notice != nil else { return }
        // One that hears it may remove another one.
        for observer in observers.keys.sorted() { observers[observer]?(outcome.notice) }
    }
}
