import Balancing
import Testing

@testable import Configuration

@Suite("Memory that a file will take")
struct MemoryTests {
    static func estimate(_ text: String, files: [String: String] = [:]) throws -> MemoryEstimate {
        MemoryEstimate(of: try #require(load("listen: \":1\"\n" + text, files: files).config))
    }

    @Test("pools take what their plans take")
    func pools() throws {
        let estimate = try Self.estimate(
            """
            pools:
              a: [10.0.0.1:80, 10.0.0.2:80, {address: 10.0.0.3:80, priority: 1}]
              b: {servers: [10.0.0.1:80], balance: consistent-hash}
            routes: [{match: /a/, pool: a}, {pool: b}]
            """
        )
        var options = BalanceOptions()
        options.strategy = "consistent-hash"
        let plan = PoolPlan(endpoints: [PlannedEndpoint(name: "10.0.0.1:80")], options: options)
        #expect(estimate.pools.map(\.name) == ["a", "b"])
        #expect(estimate.pools.map(\.bytes) == [3 * 128, plan.memory])
        #expect(estimate.answers == 0)
    }

    @Test("a request holds head and body, an answer a head and one receive, in whole buffers")
    func requests() throws {
        let servers = "servers: [10.0.0.1:80]\n"
        #expect(try Self.estimate(servers).request == (128 + 128) << 10)
        let text = servers + "limits: {head-size: 8KiB}\npool-defaults: {retries: {buffer: 1MiB}}\n"
        #expect(try Self.estimate(text).request == (1088 + 72) << 10)
        #expect(try Self.estimate("routes: [{respond: 404}]\n").request == 128 << 10)
    }

    @Test("files of answers are counted")
    func answers() throws {
        let estimate = try Self.estimate("routes: [{respond: {file: a}}]\n", files: ["a": "12345"])
        #expect(estimate.answers == 5 && estimate.pools.isEmpty)
        #expect(
            estimate.rendered()
                == "memory: 5 B for files of answers; up to 128 KiB for each request under way\n"
        )
    }

    @Test("people get one line, programs get bytes")
    func shown() throws {
        let one = try Self.estimate("servers: [10.0.0.1:80]\n")
        #expect(
            one.rendered()
                == "memory: 128 B for pool \"main\"; up to 256 KiB for each request under way\n"
        )
        let two = try Self.estimate(
            "pools: {a: [10.0.0.1:80], b: [10.0.0.1:80, 10.0.0.2:80]}\n"
                + "routes: [{match: /a/, pool: a}, {pool: b}]\n"
        )
        #expect(
            two.rendered()
                == "memory: 384 B for 2 pools, the most for \"b\": 256 B; "
                + "up to 256 KiB for each request under way\n"
        )
        let json = renderJSON([], memory: two)
        for text in ["\"a\": 128", "\"b\": 256", "\"answers\": 0", "\"request\": 262144"] {
            #expect(json.contains(text), "\(json)")
        }
        #expect(!renderJSON([]).contains("memory"))
    }

    @Test(
        "sizes are rounded up to a tenth",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1025, "1.1 KiB"), (1536, "1.5 KiB"),
            (3 << 20, "3 MiB"), ((3 << 30) + 1, "3.1 GiB"),
        ]
    )
    func sizes(bytes: Int, text: String) {
        #expect(MemoryEstimate.text(bytes) == text)
    }
}
