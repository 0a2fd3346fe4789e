import Configuration

@testable import Control

/// Statistics as the admin API sends them, for tests of what is made of them.
enum TopFixture {
    /// One endpoint of a pool.
    struct Endpoint {
        var name: String
        var state = "up"
        var reason: String?
        var until: Double?
        var since: Double?
        var remark: String?
        var rate = 10.0
        var p99 = 0.002
        var inFlight = 1
        var failed = 0
        var isChanged = false

        var json: JSONValue {
            .object([
                ("name", .text(name)), ("state", .text(state)),
                ("reason", reason.map(JSONValue.text) ?? .null),
                ("since", since.map(JSONValue.decimal) ?? .null),
                ("until", until.map(JSONValue.decimal) ?? .null), ("weight", .number(1)),
                ("changed", .bool(isChanged)),
                ("operator", isChanged ? reason.map(JSONValue.text) ?? .null : .null),
                ("in-flight", .number(inFlight)),
                ("statuses", .object([("5xx", .number(failed))])),
                ("failures", .object([("timeout", .number(0))])),
                (
                    "recent",
                    .object([
                        ("rate", .decimal(rate)), ("p50", .decimal(p99 / 2)),
                        ("p99", .decimal(p99)),
                        ("remark", remark.map(JSONValue.text) ?? .null),
                    ])
                ),
            ])
        }
    }

    /// 2026-11-27 17:00:00 UTC.
    static let time = 1_795_798_800.0

    static let recent = JSONValue.object([
        ("rate", .decimal(1234.5)), ("errors", .decimal(0.005)), ("p50", .decimal(0.0012)),
        ("p90", .decimal(0.0034)), ("p99", .decimal(0.012)), ("p999", .decimal(1.5)),
    ])

    /// A whole document; `noEndpoint` counts requests with that outcome.
    static func stats(
        _ endpoints: [Endpoint],
        at time: Double = time,
        noEndpoint: Int = 0,
        cpu: Double = 1,
        panic: Bool = false
    ) -> JSONValue {
        let traffic: [(String, JSONValue)] = [
            ("requests", .number(5000)), ("retries", .number(3)),
            ("statuses", .object([("4xx", .number(7)), ("5xx", .number(2))])),
            ("outcomes", .object([("ok", .number(4990)), ("no-endpoint", .number(noEndpoint))])),
            ("recent", recent),
        ]
        return .object([
            ("version", .text("9.9.9")), ("pid", .number(42)), ("time", .decimal(time)),
            ("uptime", .decimal(7384)), ("state", .text("serving")), ("cpu", .decimal(cpu)),
            ("memory", .number(12_582_912)), ("total", .object(traffic)),
            (
                "listeners",
                .list([
                    .object(
                        [
                            ("name", .text("public")), ("address", .text("http://127.0.0.1:8080")),
                            ("connections", .number(120)),
                        ] + traffic
                    )
                ])
            ),
            (
                "routes",
                .list([
                    .object([("name", .text("all")), ("pool", .text("main"))] + traffic),
                    .object([("name", .null), ("pool", .null), ("requests", .number(0))]),
                ])
            ),
            (
                "pools",
                .list([
                    .object(
                        [
                            ("name", .text("main")), ("strategy", .text("least-connections")),
                            ("panic", .bool(panic)), ("queue", .number(0)),
                            ("endpoints", .list(endpoints.map(\.json))),
                        ] + traffic
                    )
                ])
            ),
            (
                "workers",
                .list([
                    .object([
                        ("worker", .number(0)), ("clients", .number(120)), ("requests", .number(8)),
                        ("server-connections", .number(12)), ("longest-turn", .decimal(0.0004)),
                        ("buffer-bytes", .number(0)),
                    ])
                ])
            ),
        ])
    }

    /// What happens when servers fail: one is ejected, one is slow, one is well.
    static let faulty = stats([
        Endpoint(name: "10.0.0.1:80", rate: 30, p99: 0.004, inFlight: 2),
        Endpoint(
            name: "10.0.0.2:80",
            state: "ejected",
            reason: "5 failures in a row",
            until: time + 8.2,
            rate: 0,
            p99: 0,
            inFlight: 0,
            failed: 5
        ),
        Endpoint(
            name: "10.0.0.3:80",
            remark: "slow: takes 310 ms to answer, the others 2 ms",
            rate: 20,
            p99: 0.32,
            inFlight: 9
        ),
    ])

    /// A view that has taken these documents.
    static func view(_ documents: JSONValue...) -> TopView {
        var view = TopView(address: "127.0.0.1:9900")
        for document in documents {
            _ = view.take(EventBlocks.Block(name: "stats", id: nil, data: document))
        }
        return view
    }

    /// An event as the stream brings it.
    static func event(_ number: Int, reason: String = "no connection") -> EventBlocks.Block {
        EventBlocks.Block(
            name: "ejected",
            id: "run-\(number)",
            data: .object([
                ("time", .decimal(time + Double(number))), ("event", .text("ejected")),
                ("pool", .text("main")), ("endpoint", .text("10.0.0.2:80")),
                ("reason", .text(reason)), ("duration", .decimal(10)),
            ])
        )
    }
}
