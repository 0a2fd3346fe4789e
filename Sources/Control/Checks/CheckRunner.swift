import Balancing
import CLinux
import Configuration
import EventLoop
import Health

/// Asks endpoints whether they are well, and tells what came of it.
///
/// Each thing is checked as soon as it is there, then at jittered intervals; the first interval is
/// a random part of one, so that endpoints which came together are not checked together for ever.
/// At most ``mostUnderWay`` checks run at a time, others wait for their turn.
final class CheckRunner {
    /// Checks under way at a time, and so the descriptors that checks take.
    static let mostUnderWay = 128
    /// Checks that are due within so many nanoseconds begin together.
    private static let step: Int64 = 10_000_000

    /// What a result says of one endpoint.
    struct Report {
        /// The endpoint.
        var endpoint: CheckTarget.Subscriber
        /// Whether the check passed.
        var isGood: Bool
        /// Whether the endpoint is up or down now, if that has changed.
        var change: CheckMachine.OnResult
        /// When the check began, in nanoseconds of the monotonic clock.
        var began: Int64
        /// What was seen.
        var reason: String
    }

    private let loop: ControlLoop
    private let room = CheckRoom()
    /// How TLS is begun, for pools that have it.
    var contexts: PoolContexts?
    private let report: (Report) -> Void
    private var targets: [CheckKey: CheckTarget] = [:]
    private var subscriptions: [CheckTarget.Subscriber: CheckTarget] = [:]
    /// Those that are due, the first to be checked first; some may have ended meanwhile.
    private var queue: [CheckTarget] = []
    private var queueStart = 0
    private var underWay = 0
    private var isFilling = false
    private var random: SeededRandom

    /// A runner that checks nothing yet; `report` is called for each endpoint and result.
    ///
    /// `contexts`: how TLS is begun, for pools that have it.
    init(
        on loop: ControlLoop,
        seed: UInt64,
        contexts: PoolContexts? = nil,
        _ report: @escaping (Report) -> Void
    ) {
        self.loop = loop
        self.contexts = contexts
        self.report = report
        random = SeededRandom(seed: seed)
    }

    /// Checks no endpoint of a pool any more.
    func forget(pool: Int) {
        for (endpoint, target) in subscriptions where endpoint.pool == pool {
            unsubscribe(endpoint, from: target)
        }
        fill()
    }

    /// How many different things are checked.
    var count: Int { targets.count }

    // MARK: Who is checked

    /// Checks these endpoints of a pool from now on, and no others of it.
    ///
    /// `tls`, `proxyProtocol` and `http2`: the pool's; `members`: by slot; `hostNames`: by slot,
    /// the names by which endpoints were found; `wasDown`: by slot, whether the endpoint is down
    /// by checks that were made before. Returns the slots whose endpoint counts as down at present.
    func set(
        pool: Int,
        _ options: CheckOptions,
        tls: PoolTLSConfig? = nil,
        members: [ServerConfig?],
        hostNames: [Int: String] = [:],
        proxyProtocol: ProxyProtocolVersion? = nil,
        http2: HTTP2Use = .off,
        wasDown: (Int) -> Bool = { _ in false }
    ) -> [Int] {
        var down: [Int] = []
        var wanted: [CheckTarget.Subscriber: CheckKey] = [:]
        for (slot, server) in members.enumerated() {
            guard let server else { continue }
            let endpoint = CheckTarget.Subscriber(pool: pool, slot: slot)
            wanted[endpoint] = CheckKey(
                options,
                server,
                tls: tls,
                hostName: hostNames[slot],
                proxyProtocol: proxyProtocol,
                http2: http2
            )
        }
        for (endpoint, target) in subscriptions
        where endpoint.pool == pool && wanted[endpoint] != target.key {
            unsubscribe(endpoint, from: target)
        }
        for (slot, _) in members.enumerated() {
            let endpoint = CheckTarget.Subscriber(pool: pool, slot: slot)
            guard let key = wanted[endpoint] else { continue }
            let target =
                subscriptions[endpoint] ?? subscribe(endpoint, key, isDown: wasDown(slot))
            if !target.machine.isUp { down.append(slot) }
        }
        fill()
        return down
    }

    private func subscribe(
        _ endpoint: CheckTarget.Subscriber,
        _ key: CheckKey,
        isDown: Bool
    ) -> CheckTarget {
        let target: CheckTarget
        if let known = targets[key] {
            target = known
        } else {
            target = CheckTarget(key, isDown: isDown)
            targets[key] = target
            enqueue(target)
        }
        target.subscribers.insert(endpoint)
        subscriptions[endpoint] = target
        return target
    }

    private func unsubscribe(_ endpoint: CheckTarget.Subscriber, from target: CheckTarget) {
        subscriptions[endpoint] = nil
        target.subscribers.remove(endpoint)
        guard target.subscribers.isEmpty else { return }
        targets[target.key] = nil
        if case .underWay(let attempt) = target.state {
            attempt.cancel()
            underWay -= 1
        }
        target.state = .ended
    }

    // MARK: When

    private func enqueue(_ target: CheckTarget) {
        target.state = .queued
        queue.append(target)
    }

    /// The next in the queue that still wants to be checked.
    private func next() -> CheckTarget? {
        while queueStart < queue.count {
            let target = queue[queueStart]
            queueStart += 1
            if queueStart >= 1024, queueStart * 2 >= queue.count {
                queue.removeFirst(queueStart)
                queueStart = 0
            }
            if case .queued = target.state { return target }
        }
        return nil
    }

    /// Begins checks as far as there is room; some may be over at once.
    private func fill() {
        guard !isFilling else { return }
        isFilling = true
        defer { isFilling = false }
        for _ in 0..<Self.mostUnderWay {
            guard underWay < Self.mostUnderWay, let target = next() else { return }
            begin(target)
        }
        // The others are not to wait until all of these have failed at once.
        if underWay < Self.mostUnderWay, queueStart < queue.count {
            loop.after(0) { [weak self] in self?.fill() }
        }
    }

    private func begin(_ target: CheckTarget) {
        // Pools that share a check have the same files; one that is retired has none any more.
        let context = target.subscribers.lazy.compactMap { [contexts] in
            contexts?.contexts[$0.pool]
        }.first
        let attempt = CheckAttempt(target, context, on: loop, room) {
            [unowned self, unowned target] attempt, result in
            underWay -= 1
            finished(target, attempt, result)
            fill()
        }
        target.state = .underWay(attempt)
        underWay += 1
        if let result = attempt.begin(target) {
            underWay -= 1
            finished(target, attempt, result)
        }
    }

    private func finished(
        _ target: CheckTarget,
        _ attempt: CheckAttempt,
        _ result: CheckAttempt.Result
    ) {
        target.state = .waiting
        let isFirst = !target.hasResult
        if result != .impossible {
            target.hasResult = true
            tell(target, attempt, result, isFirst)
        }
        var wait = target.machine.wait(target.key.options, random: random.next())
        if isFirst { wait = Int64(random.next() % UInt64(max(1, wait))) }
        // Who was told may have taken it out.
        guard case .waiting = target.state else { return }
        loop.at(Self.aligned(loop.now + wait, wait)) { [weak self, weak target] in
            guard let self, let target, case .waiting = target.state else { return }
            enqueue(target)
            fill()
        }
    }

    /// The end of the hundredth of a second in which `time` lies, where that makes little
    /// difference: one wake-up of the loop begins all checks of it.
    private static func aligned(_ time: Instant, _ wait: Int64) -> Instant {
        guard wait >= 10 * step, time.nanoseconds < Int64.max - step else { return time }
        return Instant(nanoseconds: (time.nanoseconds / step + 1) * step)
    }

    // MARK: What came of it

    private func tell(
        _ target: CheckTarget,
        _ attempt: CheckAttempt,
        _ result: CheckAttempt.Result,
        _ isFirst: Bool
    ) {
        let change: CheckMachine.OnResult
        let reason: String
        switch result {
        case .failed(let failure):
            change = target.machine.failed()
            reason = change == .unchanged ? "" : target.words(failure)
        case .passed, .impossible:
            change = target.machine.passed()
            reason = change == .unchanged ? "" : target.wordsUp(isFirst: isFirst)
        }
        let isGood = result == .passed
        for endpoint in target.subscribers {
            report(
                Report(
                    endpoint: endpoint,
                    isGood: isGood,
                    change: change,
                    began: attempt.began,
                    reason: reason
                )
            )
        }
    }
}
