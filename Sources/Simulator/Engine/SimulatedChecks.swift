import Balancing
import Configuration
import Health

/// The active checks of a pool: ``CheckMachine`` in virtual time.
///
/// Each endpoint is checked at the beginning, then after a random part of an interval, then at
/// jittered intervals.
struct SimulatedChecks {
    /// What came of a check.
    struct Result {
        /// When it began, in nanoseconds.
        var began: Int64
        /// Whether it passed.
        var isGood: Bool
        /// What that changes.
        var change: CheckMachine.OnResult
        /// When the next one begins, in nanoseconds.
        var next: Int64
    }

    private struct Check {
        var machine: CheckMachine
        var random: SeededRandom
        var began: Int64 = 0
        var isGood = false
        var isFirst = true
    }

    private let options: CheckOptions
    private let mean: Double
    private let network: Int64
    private let timeout: Int64
    private var checks: [Check]

    /// The checks of the scenario's pool; `nil` if it has none.
    init?(_ scenario: Scenario) {
        guard let options = scenario.pool.checks else { return nil }
        self.options = options
        mean = Double(scenario.settings.service.mean.wholeNanoseconds)
        network = scenario.settings.network.wholeNanoseconds
        timeout = options.timeout.wholeNanoseconds
        checks = scenario.endpoints.indices.map { endpoint in
            Check(
                machine: CheckMachine(options),
                random: SeededRandom(seed: derivedSeed(scenario.settings.seed, 4, endpoint))
            )
        }
    }

    /// Whether endpoints are up before their first check.
    var isInitiallyUp: Bool { options.isInitiallyUp }

    /// A check is at its machine, having begun `network` ago; tells when its result is known.
    mutating func reached(_ endpoint: EndpointIndex, _ machine: Machine, now: Int64) -> Int64 {
        let began = now &- network
        let answer = answer(endpoint, machine, now)
        let known = answer.map { now &+ $0.after &+ network } ?? Int64.max
        let end = began &+ timeout
        checks[endpoint].began = began
        checks[endpoint].isGood = known <= end && answer?.isGood == true
        return max(now, min(known, end))
    }

    /// What the machine says and after how many nanoseconds; `nil` if it never says anything.
    private mutating func answer(
        _ endpoint: EndpointIndex,
        _ machine: Machine,
        _ now: Int64
    ) -> (isGood: Bool, after: Int64)? {
        let failure = machine.failure(at: now, drawing: &checks[endpoint].random)
        if failure?.kind == .down { return (false, 0) }
        // Whoever accepts connections passes.
        guard case .http(let question) = options.question else { return (true, 0) }
        guard let failure else {
            if machine.isFull { return (accepts(503, question), 0) }
            return (true, machine.checkTime(at: now, mean: mean))
        }
        switch failure.kind {
        case .fast: return (accepts(failure.status, question), failure.after)
        case .reset: return (false, failure.after)
        case .slow: return nil
        case .down: return (false, 0)
        }
    }

    private func accepts(_ status: UInt16, _ question: HTTPQuestion) -> Bool {
        question.statuses.contains(Int(status)) && question.body == nil
    }

    /// The result of an endpoint's check is known.
    mutating func told(_ endpoint: EndpointIndex, now: Int64) -> Result {
        let isGood = checks[endpoint].isGood
        let change =
            isGood ? checks[endpoint].machine.passed() : checks[endpoint].machine.failed()
        var wait = checks[endpoint].machine.wait(options, random: checks[endpoint].random.next())
        if checks[endpoint].isFirst {
            checks[endpoint].isFirst = false
            wait = Int64(checks[endpoint].random.next() % UInt64(max(1, wait)))
        }
        return Result(
            began: checks[endpoint].began,
            isGood: isGood,
            change: change,
            next: now &+ min(wait, RetryPolicy.never)
        )
    }
}
