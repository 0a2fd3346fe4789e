import CLinux
import Configuration
import Health
import Proxy

/// What the admin API reads and changes.
protocol AdminSubject: AnyObject {
    /// The configuration that is served.
    var config: Config { get }
    /// Whether it is ending.
    var isDraining: Bool { get }
    /// Whether all workers serve.
    var isServing: Bool { get }
    /// Whether another process takes this one's place, or has: it knows the states of servers.
    var isFollowed: Bool { get }
    /// What has happened to pools, oldest first.
    var events: [NumberedEvent] { get }
    /// A name for this run of the process, as no other has.
    var run: String { get }
    /// How things stand now.
    func report() -> ServiceReport
    /// How things stand with the process.
    func process() -> ProcessReport
    /// The names of the endpoints that a name means; empty if there is none.
    func endpoints(pool: Int, named name: String) -> [String]
    /// How often operators have changed a server.
    func version(pool: String, server: String) -> Int
    /// Changes servers, which were meant by this name.
    func change(pool: Int, servers: [String], meant: String, _ change: ServerChange)
    /// Reads the file anew and serves by it; is told what came of it.
    func reload(_ done: @escaping (ReloadResult) -> Void)
    /// Has another process take this one's place; is told what came of it.
    func upgrade(_ done: @escaping (UpgradeResult) -> Void)
    /// Does what SIGTERM does.
    func drain()
}

/// The operations of the admin API over a subject.
struct AdminOperations {
    unowned let subject: any AdminSubject

    /// All of them; `docs/reference/admin-api.json` describes the same.
    var all: [AdminRouter.Operation] {
        [
            .init(path: "/", method: "GET") { _, _ in Self.dashboard() },
            .init(path: "/livez", method: "GET") { _, _ in Self.text(200, "ok\n") },
            .init(path: "/healthz", method: "GET") { _, _ in Self.text(200, "ok\n") },
            .init(path: "/readyz", method: "GET") { _, _ in ready() },
            .init(path: "/stats", method: "GET") { _, _ in stats() },
            .init(path: "/stats;csv", method: "GET") { _, _ in csv() },
            .init(path: "/metrics", method: "GET") { _, _ in metrics() },
            .init(path: "/config", method: "GET") { _, _ in
                AdminResponse(type: "application/yaml", effectiveYAML(of: subject.config))
            },
            .init(path: "/events", method: "GET", run: events),
            .init(path: "/pools/{pool}", method: "GET", run: pool),
            .init(path: "/pools/{pool}/servers/{server}", method: "GET", run: server),
            .init(path: "/pools/{pool}/servers/{server}", method: "PATCH", run: change),
            .init(path: "/reload", method: "POST") { _, _ in
                .later { answer in subject.reload { answer($0.response) } }
            },
            .init(path: "/upgrade", method: "POST") { _, _ in
                .later { answer in subject.upgrade { answer($0.response) } }
            },
            .init(path: "/drain", method: "POST") { _, _ in
                subject.drain()
                return Self.json(202, .object([("state", .text("draining"))]))
            },
        ]
    }

    private static func text(_ status: Int, _ text: String) -> AdminResponse {
        AdminResponse(status, type: "text/plain; charset=utf-8", text)
    }

    private static func json(_ status: Int, _ document: JSONValue) -> AdminResponse {
        AdminResponse(status, type: "application/json", document.compact + "\n")
    }

    private static func dashboard() -> AdminResponse {
        var number: UInt64 = 0
        weir_random(&number, 8)
        let nonce = String(number, radix: 36)
        var response = AdminResponse(
            type: "text/html; charset=utf-8",
            DashboardPage.html(nonce: nonce)
        )
        response.fields = [
            ("content-security-policy", DashboardPage.policy(nonce: nonce)),
            ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY"),
        ]
        return response
    }

    // MARK: Reading

    private func ready() -> AdminResponse {
        if subject.isDraining { return Self.text(503, "draining\n") }
        return subject.isServing
            ? Self.text(200, "ready\n") : Self.text(503, "a worker does not serve\n")
    }

    private func stats() -> AdminResponse {
        Self.json(200, statistics.document)
    }

    private var statistics: StatsJSON {
        StatsJSON(report: subject.report(), process: subject.process())
    }

    private func csv() -> AdminResponse {
        let csv = HAProxyCSV(report: subject.report(), process: subject.process())
        return AdminResponse(type: "text/plain; charset=utf-8", csv.text)
    }

    private func metrics() -> AdminResponse {
        var metrics = MetricsText(subject.report(), subject.process())
        return AdminResponse(type: "text/plain; version=0.0.4; charset=utf-8", metrics.render())
    }

    // MARK: Events

    /// The events that are kept behind the last one that the client has, then each as it happens.
    private func events(_ request: AdminRequest, _ values: [String]) -> AdminResponse {
        // Numbers begin anew with each process: of another one's, everything is news.
        let parts = (request.field("last-event-id") ?? "").split(separator: "-")
        let isOurs = parts.count == 2 && parts[0] == subject.run
        let last = isOurs ? UInt64(parts[1]) ?? 0 : 0
        let missed = subject.events.filter { $0.number > last }
        var text = "retry: 2000\n\n"
        for event in missed { text += Self.eventText(event, of: subject.run) }
        var response = AdminResponse(type: "text/event-stream", text)
        response.isEventStream = true
        return response
    }

    /// An event as a client of the stream reads it (HTML, section 9.2).
    ///
    /// `run` names the process whose numbers these are.
    static func eventText(_ numbered: NumberedEvent, of run: String) -> String {
        let event = numbered.event
        let data = JSONValue.object([
            ("time", .decimal(Double(numbered.time) / 1e9)),
            ("event", .text(event.kind.rawValue)),
            ("pool", .text(event.pool)),
            ("endpoint", event.endpoint.isEmpty ? .null : .text(event.endpoint)),
            ("reason", .text(event.reason)),
            ("duration", event.duration > 0 ? .decimal(Double(event.duration) / 1e9) : .null),
        ])
        let head = "id: \(run)-\(numbered.number)\nevent: \(event.kind.rawValue)\n"
        return head + "data: \(data.compact)\n\n"
    }

    // MARK: Pools and servers

    private func pool(_ request: AdminRequest, _ values: [String]) throws(AdminProblem)
        -> AdminResponse
    {
        let index = try poolIndex(values[0])
        let statistics = statistics
        return Self.json(200, statistics.pool(statistics.report.pools[index]))
    }

    private func server(_ request: AdminRequest, _ values: [String]) throws(AdminProblem)
        -> AdminResponse
    {
        let index = try poolIndex(values[0])
        return answer(index, try serverNames(index, values[1]))
    }

    private func change(_ request: AdminRequest, _ values: [String]) throws(AdminProblem)
        -> AdminResponse
    {
        let index = try poolIndex(values[0])
        let names = try serverNames(index, values[1])
        if let type = request.field("content-type"),
            !type.lowercased().hasPrefix("application/json"),
            !type.lowercased().hasPrefix("application/merge-patch+json")
        {
            throw AdminProblem(415, "the body's type is not known", "Send application/json.")
        }
        let change = try ServerChange(json: request.body)
        if subject.isFollowed {
            throw AdminProblem(
                409,
                "an upgrade is under way",
                "The new process has the states of servers already, and would not know of this "
                    + "one. Ask again, on a new connection, when the upgrade has come to an end."
            )
        }
        if let wanted = request.field("if-match"), wanted != "*",
            !wanted.split(separator: ",").contains(where: {
                $0.filter { $0 != " " } == tag(index, names)
            })
        {
            throw AdminProblem(
                412,
                "somebody else was faster",
                "The server was changed since: read it again. Its ETag is \(tag(index, names))."
            )
        }
        subject.change(pool: index, servers: names, meant: values[1], change)
        return answer(index, names)
    }

    private func answer(_ pool: Int, _ names: [String]) -> AdminResponse {
        let endpoints = subject.report().pools[pool].endpoints.filter { names.contains($0.name) }
        let document = JSONValue.object([
            ("pool", .text(subject.config.pools[pool].name)),
            ("endpoints", .list(endpoints.map { .object(StatsJSON.endpoint($0)) })),
        ])
        var response = Self.json(200, document)
        response.fields = [("etag", tag(pool, names))]
        return response
    }

    private func tag(_ pool: Int, _ names: [String]) -> String {
        let name = subject.config.pools[pool].name
        let version = names.reduce(0) { $0 + subject.version(pool: name, server: $1) }
        // Counting begins anew with each process.
        return "\"\(subject.run)-\(version)\""
    }

    private func poolIndex(_ name: String) throws(AdminProblem) -> Int {
        let names = subject.config.pools.map(\.name)
        if let index = names.firstIndex(of: name) { return index }
        throw AdminProblem(
            404,
            "there is no such pool",
            "No pool is called \"\(name)\"; pools here: \(names.joined(separator: ", "))."
        )
    }

    private func serverNames(_ pool: Int, _ name: String) throws(AdminProblem) -> [String] {
        let found = subject.endpoints(pool: pool, named: name)
        if !found.isEmpty { return found }
        throw AdminProblem(
            404,
            "there is no such server",
            "Pool \(subject.config.pools[pool].name) has no server \"\(name)\"."
        )
    }
}
