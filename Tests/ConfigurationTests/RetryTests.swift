import Configuration
import Health
import Testing

@Suite("Retries and breaker in the file")
struct RetryTests {
    @Test("every key of retries reaches its options")
    func keys() throws {
        var options = RetryOptions()
        options.attempts = 5
        (options.onConnectFailure, options.onResetBeforeAnswer) = (false, true)
        options.onTimeout = true
        options.statuses = StatusSet([429] + Array(500...599))
        options.tryTimeout = .seconds(2)
        options.timeout = .seconds(10)
        options.backoffBase = .milliseconds(50)
        options.backoffMax = .seconds(1)
        options.buffer = 1 << 20
        options.heedsIdempotencyKey = true
        let pool = try BalanceTests.pool(
            """
            retries: {attempts: 5, on: [reset-before-answer, timeout], status: [5xx, 429],
              try-timeout: 2s, timeout: 10s, backoff: {base: 50ms, max: 1s}, buffer: 1MiB,
              idempotency-key: true, budget: {share: 5%, min: 30/m}}
            """
        )
        #expect(pool.retries == options)
        #expect(pool.retryBudget?.share == 0.05 && pool.retryBudget?.perSecond == 0.5)
    }

    @Test("a budget is a share, a share and a rate, or none")
    func budget() throws {
        func budget(_ text: String, _ defaults: String = "{}") throws -> BudgetOptions? {
            try BalanceTests.pool("retries: {budget: \(text)}", defaults: defaults).retryBudget
        }
        var wanted = BudgetOptions()
        wanted.share = 0.1
        #expect(try budget("10%") == wanted)
        #expect(try budget("none") == nil)
        wanted.perSecond = 0
        #expect(try budget("{share: 10%, min: off}") == wanted)
        #expect(try budget("{min: off}", "{retries: {budget: 10%}}") == wanted)
        wanted = BudgetOptions()
        wanted.perSecond = 1
        #expect(try budget("{min: 1/s}", "{retries: {budget: none}}") == wanted)
        let plain = try BalanceTests.pool("retries: 2")
        #expect(plain.retryBudget == BudgetOptions())
    }

    @Test("a shorter longest wait takes the first one along")
    func backoff() throws {
        let pool = try BalanceTests.pool("retries: {backoff: {max: 10ms}}")
        #expect(pool.retries.backoffBase == .milliseconds(10))
        #expect(pool.retries.backoffMax == .milliseconds(10))
    }

    @Test("causes and statuses may be turned away")
    func off() throws {
        let defaults = "{retries: {status: [502, 503]}}"
        var pool = try BalanceTests.pool("retries: {on: off}", defaults: defaults)
        #expect(!pool.retries.onConnectFailure && !pool.retries.onResetBeforeAnswer)
        #expect(pool.retries.statuses == StatusSet([502, 503]))
        pool = try BalanceTests.pool("retries: {status: off}", defaults: defaults)
        #expect(pool.retries.statuses.isEmpty && pool.retries.onConnectFailure)
    }

    @Test("a route's retries are laid over its pool's, key by key")
    func routes() throws {
        let text =
            """
            listen: ":1"
            routes:
              - {match: /a/, pool: m, retries: {status: 503, try-timeout: response}}
              - {match: /b/, pool: m, retries: 1}
              - {pool: m}
            pools:
              m: {servers: 10.0.0.1:80, retries: {attempts: 2, try-timeout: 1s, timeout: 3s,
                backoff: {base: 10ms}}}
            """
        let config = try #require(load(text).config)
        let retries = config.routes.map(\.retries)
        #expect(retries.map(\.attempts) == [2, 1, 2])
        #expect(retries.map(\.tryTimeout) == [nil, .seconds(1), .seconds(1)])
        #expect(retries.allSatisfy { $0.timeout == .seconds(3) })
        #expect(retries.allSatisfy { $0.backoffBase == .milliseconds(10) })
        #expect(retries.map(\.statuses.codes) == [[503], [], []])
        #expect(retries[2] == config.pools[0].retries)
        #expect(load(effectiveYAML(of: config)).config == config)
    }

    @Test("a route's times end with those around them, whoever says so")
    func times() throws {
        let text =
            """
            listen: ":1"
            routes:
              - {match: /a/, pool: m, timeouts: {total: 2s}}
              - {match: /b/, pool: m, retries: {timeout: 500ms}}
              - {match: /c/, pool: m, retries: {try-timeout: 20s}}
            pools: {m: {servers: 10.0.0.1:80, retries: {try-timeout: 3s, timeout: 10s}}}
            """
        let config = try #require(load(text).config)
        let retries = config.routes.map(\.retries)
        #expect(retries.map(\.timeout) == [.seconds(2), .milliseconds(500), .seconds(10)])
        #expect(retries.map(\.tryTimeout) == [.seconds(2), .milliseconds(500), .seconds(10)])
        #expect(load(effectiveYAML(of: config)).config == config)
    }

    @Test("every key of the breaker reaches its options")
    func breaker() throws {
        var options = BreakerOptions()
        let plain = try BalanceTests.pool("breaker: {}")
        #expect(plain.breaker == options)
        options.pool.maxConnections = 100
        options.pool.maxRequests = 200
        options.maxPending = 0
        options.queueTimeout = .milliseconds(500)
        options.perServer.maxConnections = 10
        options.perServer.maxRequests = 20
        options.perServerMaxPending = 5
        options.perServerQueueTimeout = .seconds(1)
        let pool = try BalanceTests.pool(
            """
            breaker: {max-connections: 100, max-requests: 200, max-pending: 0,
              queue-timeout: 500ms, per-server: {max-connections: 10, max-requests: 20,
              max-pending: 5, queue-timeout: 1s}}
            """
        )
        #expect(pool.breaker == options)
        let other = try BalanceTests.pool(
            "breaker: {max-requests: none, per-server: {max-pending: none}}",
            defaults: "{breaker: {max-requests: 5, max-pending: 7, per-server: {max-pending: 3}}}"
        )
        #expect(other.breaker.pool.maxRequests == nil && other.breaker.maxPending == 7)
        #expect(other.breaker.perServerMaxPending == nil)
    }
}
