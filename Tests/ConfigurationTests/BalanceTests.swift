import Balancing
import Routing
import Testing

@testable import Configuration

@Suite("Balancing in the file")
struct BalanceTests {
    /// The pool `main` of a file with these lines in it.
    static func pool(
        _ lines: String,
        defaults: String = "{}",
        files: [String: String] = [:]
    ) throws -> PoolConfig {
        var text = "listen: \":1\"\npool-defaults: \(defaults)\n"
        text += "pools: {main: {servers: [10.0.0.1:80, 10.0.0.2:80], \(lines)}}\n"
        let result = load(text, files: files)
        #expect(render(result.diagnostics) == "", "\(text)")
        let config = try #require(result.config)
        let printed = effectiveYAML(of: config)
        let again = load(printed, files: files)
        #expect(again.config == config, "\(printed)\(render(again.diagnostics))")
        return try #require(config.pools.first)
    }

    @Test("every parameter of every strategy reaches the options")
    func parameters() throws {
        var options = BalanceOptions()
        options.strategy = "least-connections"
        for (text, choices) in [
            ("3", BalanceOptions.Choices.sampled(3)), ("all", .all), ("auto", .automatic),
        ] {
            options.choices = choices
            let pool = try Self.pool("balance: {strategy: least-connections, choices: \(text)}")
            #expect(pool.balance == options)
        }
        options = BalanceOptions()
        options.strategy = "latency-weighted"
        (options.decay, options.penalty) = (2_500_000_000, 750_000_000)
        var pool = try Self.pool(
            "balance: {strategy: latency-weighted, decay: 2.5s, penalty: 750ms}"
        )
        #expect(pool.balance == options)
        options = BalanceOptions()
        options.strategy = "consistent-hash"
        (options.tableSize, options.boundedLoad) = (65537, 1.25)
        pool = try Self.pool(
            "balance: {strategy: consistent-hash, table-size: 65537, bounded-load: 1.25}"
        )
        #expect(pool.balance == options)
        for table in BalanceOptions.HashTable.allCases {
            pool = try Self.pool("balance: {strategy: consistent-hash, table: \(table.rawValue)}")
            #expect(pool.balance.table == table && pool.balance.tableSize == nil)
        }
        options = BalanceOptions()
        options.strategy = "prequal"
        options.prequal.pool = 8
        options.prequal.probes = 0.5
        options.prequal.age = 250_000_000
        options.prequal.quantile = 0.6
        pool = try Self.pool(
            "balance: {strategy: prequal, pool: 8, probes: 0.5, age: 250ms, quantile: 0.6}"
        )
        #expect(pool.balance == options && pool.prequalProbe == nil)
    }

    @Test("a probe is a path, or a path with its time-out")
    func probe() throws {
        var probe = ProbeConfig(path: "/load")
        #expect(try Self.pool("balance: {strategy: prequal, probe: /load}").prequalProbe == probe)
        probe.timeout = .milliseconds(100)
        let text = "balance: {strategy: prequal, probe: {path: /load, timeout: 100ms}}"
        #expect(try Self.pool(text).prequalProbe == probe)
    }

    @Test(
        "a key is a word, a map, or a list of them",
        arguments: [
            ("client", [KeyChoice.client]), ("host", [.host]), ("path", [.path]),
            ("{header: X-User}", [.header("x-user")]), ("{cookie: Sid}", [.cookie("Sid")]),
            ("{query: id}", [.query("id")]), ("{header: \"on\"}", [.header("on")]),
            (
                "[{header: x}, {cookie: y}, host, client]",
                [
                    .header("x"), .cookie("y"), .host, .client,
                ]
            ),
        ]
    )
    func keys(text: String, choices: [KeyChoice]) throws {
        let pool = try Self.pool("balance: {strategy: consistent-hash, key: \(text)}")
        #expect(pool.hashKey == choices)
    }

    @Test("maps of pool-defaults merge, but not into another strategy or table")
    func merging() throws {
        let defaults =
            "{balance: {strategy: consistent-hash, table-size: 307, key: [{header: a}, host]}}"
        var pool = try Self.pool("slow-start: 0s", defaults: defaults)
        #expect(pool.balance.tableSize == 307 && pool.hashKey == [.header("a"), .host])
        pool = try Self.pool("balance: {key: path}", defaults: defaults)
        #expect(pool.balance.tableSize == 307 && pool.hashKey == [.path])
        pool = try Self.pool("balance: {table: ring}", defaults: defaults)
        #expect(pool.balance.table == .ring && pool.balance.tableSize == nil)
        #expect(pool.hashKey == [.header("a"), .host])
        pool = try Self.pool("balance: round-robin", defaults: defaults)
        #expect(pool.balance == BalanceOptions() && pool.hashKey == [.client])
    }

    @Test("parameters of pool-defaults without a strategy go to the pools that take them")
    func sharedParameters() throws {
        let pool = try Self.pool(
            "balance: latency-weighted",
            defaults: "{balance: {decay: 1s}}"
        )
        #expect(pool.balance.decay == 1_000_000_000)
    }

    @Test("stickiness by cookie and by header, with what each takes")
    func sticky() throws {
        #expect(try Self.pool("sticky: off").sticky == nil)
        var sticky = StickyConfig()
        #expect(try Self.pool("sticky: true").sticky == sticky)
        #expect(try Self.pool("sticky: {}").sticky == sticky)
        sticky.carrier = .cookie("b")
        sticky.maxAge = .seconds(3600)
        sticky.sameSite = .strict
        sticky.secretFile = "s"
        let files = ["s": String(repeating: "k", count: 16)]
        let text = "sticky: {cookie: b, max-age: 1h, same-site: strict, secret-file: s}"
        #expect(try Self.pool(text, files: files).sticky == sticky)
        sticky = StickyConfig()
        sticky.carrier = .header("x-b")
        #expect(try Self.pool("sticky: {header: X-B}").sticky == sticky)
    }

    @Test("stickiness of pool-defaults merges; the pool's own carrier replaces it")
    func stickyDefaults() throws {
        let cookie = "{sticky: {cookie: d, max-age: 1h}}"
        var sticky = try Self.pool("sticky: off", defaults: cookie).sticky
        #expect(sticky == nil)
        sticky = try Self.pool("sticky: {same-site: strict}", defaults: cookie).sticky
        #expect(sticky?.carrier == .cookie("d") && sticky?.maxAge == .seconds(3600))
        sticky = try Self.pool("sticky: true", defaults: cookie).sticky
        #expect(sticky?.carrier == .cookie("weir") && sticky?.maxAge == .seconds(3600))
        sticky = try Self.pool("sticky: {header: x-b}", defaults: cookie).sticky
        #expect(sticky?.carrier == .header("x-b") && sticky?.maxAge == nil)
        sticky = try Self.pool("sticky: {cookie: c}", defaults: "{sticky: {header: x-b}}").sticky
        #expect(sticky?.carrier == .cookie("c"))
    }

    @Test("a secret is taken at its bounds and refused one past them")
    func secret() {
        for (size, isTaken) in [(15, false), (16, true), (4096, true), (4097, false)] {
            let result = load(
                "listen: \":1\"\npools: {m: {servers: 10.0.0.1:80, sticky: {secret-file: s}}}\n",
                files: ["s": String(repeating: "k", count: size)]
            )
            #expect((result.config != nil) == isTaken, "\(size)")
            #expect(result.diagnostics.map(\.id) == (isTaken ? [] : [.secret]))
        }
    }

    @Test("a proxy in front may speak the https that a cookie for all sites needs")
    func sameSite() {
        for (proxies, ids) in [("10.0.0.0/8", []), ("", [DiagnosticID.sameSite])] {
            let result = load(
                "listen: \":1\"\n" + (proxies.isEmpty ? "" : "trusted-proxies: \(proxies)\n")
                    + "pools: {m: {servers: 10.0.0.1:80, sticky: {same-site: none}}}\n"
            )
            #expect(result.diagnostics.map(\.id) == ids && result.config != nil)
        }
    }

    @Test("slow start, panic, spilling, priorities and states reach the pool")
    func pool() throws {
        var pool = try Self.pool("slow-start: 30s, panic-threshold: 25%, spill-below: 1%")
        #expect(pool.slowStart == .seconds(30))
        #expect(pool.panicThreshold == 0.25 && pool.spillBelow == 0.01)
        pool = try #require(
            load(
                "listen: \":1\"\nservers: [10.0.0.1:80, {address: 10.0.0.2:80, priority: 1}, "
                    + "{address: 10.0.0.3:80, state: drain}, {address: 10.0.0.4:80, state: down}]\n"
            ).config?.pools.first
        )
        #expect(pool.servers.map(\.priority) == [0, 1, 0, 0])
        #expect(pool.servers.map(\.state) == [.ready, .ready, .drain, .down])
    }

    @Test("names from the environment are not shown")
    func environment() throws {
        let text =
            "listen: \":1\"\npools: {m: {servers: 10.0.0.1:80, sticky: {cookie: \"${A}\"}, "
            + "balance: {strategy: consistent-hash, key: {header: \"${A}\"}}}}\n"
        let config = try #require(load(text, environment: ["A": "hidden"]).config)
        let printed = effectiveYAML(of: config)
        #expect(!printed.contains("hidden"))
        #expect(load(printed, environment: ["A": "hidden"]).config == config)
    }

    @Test("primes are told from other numbers")
    func primes() {
        let small = (0...100).filter(Primes.isPrime)
        #expect(
            small == [
                2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79,
                83, 89, 97,
            ]
        )
        #expect(Primes.first(from: 65536) == 65537 && Primes.first(from: 65537) == 65537)
        #expect(Primes.first(from: 1 << 24) == 16_777_259)
        #expect(!Primes.isPrime(4093 * 4093))
    }
}
