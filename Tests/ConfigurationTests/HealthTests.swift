import Configuration
import Health
import Testing

@Suite("Health and ejection in the file")
struct HealthTests {
    /// The checks of a pool with these lines in it.
    static func checks(_ lines: String, defaults: String = "{}") throws -> CheckOptions? {
        try BalanceTests.pool(lines, defaults: defaults).checks
    }

    @Test("a path is asked for by HTTP, no path is a connection, and nothing is off")
    func kinds() throws {
        #expect(try Self.checks("slow-start: 0s") == nil)
        #expect(try Self.checks("health: off") == nil)
        #expect(try Self.checks("health: tcp") == CheckOptions())
        #expect(try Self.checks("health: {every: 2s}") == CheckOptions())
        #expect(try Self.checks("health: {kind: tcp}") == CheckOptions())
        var options = CheckOptions()
        options.question = .http(HTTPQuestion(path: "/healthz"))
        #expect(try Self.checks("health: /healthz") == options)
        #expect(try Self.checks("health: {path: /healthz}") == options)
        #expect(try Self.checks("health: {kind: http, path: /healthz}") == options)
    }

    @Test("every key of a check reaches its options")
    func keys() throws {
        var question = HTTPQuestion(path: "/live?full=1")
        question.method = "POST"
        question.host = "app.internal:81"
        question.headers = [
            HTTPQuestion.Field(name: "X-Check", value: "weir"),
            HTTPQuestion.Field(name: "x-key", value: "Bearer a b"),
        ]
        question.statuses = StatusSet([200, 204] + Array(400...499))
        question.body = "\"status\": \"up\""
        var options = CheckOptions()
        options.question = .http(question)
        options.port = 9000
        options.every = .seconds(10)
        options.timeout = .milliseconds(250)
        options.everyChanging = .milliseconds(500)
        options.everyDown = .seconds(30)
        options.rule = .consecutive(rise: 4, fall: 5)
        options.isInitiallyUp = false
        let found = try Self.checks(
            """
            health: {path: "/live?full=1", method: POST, host: "app.internal:81", port: 9000,
              headers: {X-Check: weir, x-key: Bearer a b}, status: [200, 204, 4xx],
              body: "\\"status\\": \\"up\\"", every: 10s, timeout: 250ms, every-changing: 500ms,
              every-down: 30s, rise: 4, fall: 5, initial: down}
            """
        )
        #expect(found == options)
    }

    @Test("a window replaces rise and fall")
    func window() throws {
        let window = try Self.checks("health: {window: 3 of 5}")
        #expect(window?.rule == .window(bad: 3, of: 5))
        let five = "{health: {window: 3 of 5}}"
        let found = try Self.checks("health: {rise: 1}", defaults: five)
        #expect(found?.rule == .consecutive(rise: 1, fall: 3))
        let one = "{health: {rise: 1, fall: 1}}"
        let widest = try Self.checks("health: {window: 1 of 64}", defaults: one)
        #expect(widest?.rule == .window(bad: 1, of: 64))
    }

    @Test("a check takes no longer than the shortest interval")
    func times() throws {
        for (text, timeout) in [
            ("{every: 500ms}", 500), ("{every: 5s}", 1000), ("{every-changing: 200ms}", 200),
            ("{every-down: 300ms}", 300), ("{every: 5s, timeout: 5s}", 5000),
        ] {
            let found = try Self.checks("health: \(text)")
            #expect(found?.timeout == .milliseconds(timeout), "\(text)")
        }
        let found = try Self.checks("health: {every: 7s}")
        #expect(found?.everyChanging == .seconds(7) && found?.everyDown == .seconds(7))
    }

    @Test("pool-defaults are merged, but not into another kind of check")
    func merging() throws {
        let defaults = "{health: {path: /healthz, status: 200, every: 5s}}"
        var found = try Self.checks("slow-start: 0s", defaults: defaults)
        var question = HTTPQuestion(path: "/healthz")
        question.statuses = StatusSet([200])
        #expect(found?.question == .http(question) && found?.every == .seconds(5))
        question.path = "/live"
        found = try Self.checks("health: /live", defaults: defaults)
        #expect(found?.question == .http(question) && found?.every == .seconds(5))
        found = try Self.checks("health: tcp", defaults: defaults)
        #expect(found?.question == .tcp && found?.every == .seconds(5))
        #expect(try Self.checks("health: off", defaults: defaults) == nil)
        found = try Self.checks("health: /live", defaults: "{health: {kind: tcp, port: 81}}")
        #expect(found?.question == .http(HTTPQuestion(path: "/live")) && found?.port == 81)
        found = try Self.checks("health: /live", defaults: "{health: off}")
        #expect(found?.question == .http(HTTPQuestion(path: "/live")))
        #expect(try Self.checks("slow-start: 0s", defaults: "{health: off}") == nil)
    }

    @Test("ejection is on by itself, and off as a whole or in parts")
    func ejection() throws {
        func options(_ lines: String, _ defaults: String = "{}") throws -> EjectionOptions? {
            try BalanceTests.pool(lines, defaults: defaults).ejection
        }
        var wanted = EjectionOptions()
        #expect(try options("slow-start: 0s") == wanted)
        #expect(try options("ejection: {}") == wanted)
        #expect(try options("ejection: off") == nil)
        #expect(try options("slow-start: 0s", "{ejection: off}") == nil)
        #expect(try options("ejection: {}", "{ejection: off}") == wanted)
        #expect(try options("ejection: off", "{ejection: {base-time: 1s}}") == nil)
        wanted.consecutiveFailures = nil
        wanted.onConnectFailure = false
        wanted.onReset = false
        wanted.onTimeout = false
        wanted.statuses = StatusSet()
        wanted.successRate = nil
        wanted.outlier = nil
        let off =
            "{consecutive-failures: off, on: off, status: off, success-rate: off, outlier: off}"
        #expect(try options("ejection: \(off)") == wanted)
        wanted.outlier = EjectionOptions.Outlier()
        wanted.outlier?.deviations = nil
        let partly = try options("ejection: {outlier: {deviations: off}}", "{ejection: \(off)}")
        #expect(partly == wanted)
    }

    @Test("every key of ejection reaches its options")
    func ejectionKeys() throws {
        var options = EjectionOptions()
        options.consecutiveFailures = 3
        (options.onConnectFailure, options.onReset, options.onTimeout) = (true, false, true)
        options.statuses = StatusSet(Array(500...599) + [429])
        options.successRate?.below = 0.8
        options.successRate?.window = .seconds(30)
        options.successRate?.minRequests = 50
        options.outlier?.deviations = 2.5
        options.outlier?.slowFactor = 3
        options.outlier?.minServers = 3
        options.outlier?.minRequests = 10
        options.baseTime = .seconds(1)
        options.maxTime = .seconds(60)
        options.maxShare = 0.25
        let pool = try BalanceTests.pool(
            """
            ejection: {consecutive-failures: 3, on: [timeout, connect-failure], status: [429, 5xx],
              success-rate: {below: 80%, window: 30s, min-requests: 50},
              outlier: {deviations: 2.5, slow-factor: 3, min-servers: 3, min-requests: 10},
              base-time: 1s, max-time: 1m, max-share: 25%}
            """
        )
        #expect(pool.ejection == options)
        // Where only the longest time is written, the first is not longer.
        let short = try BalanceTests.pool("ejection: {max-time: 2s}")
        #expect(short.ejection?.baseTime == .seconds(2))
    }

    @Test("what comes from the environment is not shown")
    func environment() throws {
        let text =
            "listen: \":1\"\npools: {m: {servers: 10.0.0.1:80, health: {path: \"/${A}\", "
            + "host: \"${A}\", headers: {authorization: \"Bearer ${A}\"}, body: \"${A}\"}}}\n"
        let config = try #require(load(text, environment: ["A": "hidden"]).config)
        let printed = effectiveYAML(of: config)
        #expect(!printed.contains("hidden"))
        #expect(load(printed, environment: ["A": "hidden"]).config == config)
    }
}
