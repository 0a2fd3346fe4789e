import Configuration

/// The part of a frame that scrolls: pools, events, listeners, routes, workers.
struct TopBody {
    /// The most events that are shown between the pools and the listeners.
    private static let mostEvents = 12

    private let view: TopView
    private let stats: JSONValue
    private let width: Int?
    private var now: Double { stats["time"]?.double ?? 0 }

    /// The body for these statistics of a view.
    init(_ view: TopView, _ stats: JSONValue, width: Int?) {
        self.view = view
        self.stats = stats
        self.width = width
    }

    /// All of it.
    var lines: [TopLine] {
        let parts = (stats["pools"]?.items ?? []).map(pool) + [events, listeners, routes, workers]
        let shown = parts.filter { !$0.isEmpty }
        return Array(shown.joined(separator: [TopLine()]))
    }

    private func cut(_ line: TopLine) -> TopLine { width.map { line.cut(to: $0) } ?? line }

    // MARK: Pools

    private func pool(_ pool: JSONValue) -> [TopLine] {
        let endpoints = pool["endpoints"]?.items ?? []
        let up = endpoints.count { $0["state"]?.string == "up" }
        var title = TopLine("POOL \(pool["name"]?.string ?? "")", .strong)
        title.add("  \(pool["strategy"]?.string ?? ""), ")
        title.add("\(up) of \(endpoints.count) up", up < endpoints.count ? .bad : .good)
        title.add(", \(rate(pool)) requests/s")
        if let queue = pool["queue"]?.double, queue > 0 {
            title.add(", \(Words.short(queue)) wait for room", .bad)
        }
        if case .bool(true) = pool["panic"] {
            title.add(", too few are healthy: health is ignored", .bad)
        }
        var table = TopTable([
            .init(title: "SERVER", isText: true), .init(title: "STATE", isText: true),
            .init(title: heading("REQ/S", .rate), rank: 2),
            .init(title: heading("NOW", .inFlight), rank: 3),
            .init(title: heading("FAILED", .failed), rank: 4), .init(title: "P50", rank: 5),
            .init(title: heading("P99", .p99), rank: 1), .init(title: "WEIGHT", rank: 6),
            .init(title: "WHY", isText: true),
        ])
        for endpoint in sorted(endpoints) { table.add(row(endpoint)) }
        return [cut(title)] + table.lines(width: width)
    }

    private func heading(_ title: String, _ order: TopView.Order) -> String {
        view.order == order ? title + "*" : title
    }

    private func row(_ endpoint: JSONValue) -> [TopTable.Cell] {
        let state = endpoint["state"]?.string ?? ""
        let why = Self.why(endpoint, now: now)
        let recent = endpoint["recent"]
        let style: TopStyle =
            switch state {
            case "up": why.isEmpty || isChanged(endpoint) ? .good : .warning
            case "drain", "down", "half-open": .warning
            default: .bad
            }
        return [
            .init(endpoint["name"]?.string ?? ""), .init(state, style), .init(rate(endpoint)),
            .init(Words.short(endpoint["in-flight"]?.double)),
            .init(Words.short(Self.failed(endpoint))), .init(Words.time(recent?["p50"]?.double)),
            .init(Words.time(recent?["p99"]?.double)),
            .init(Words.count(endpoint["weight"]?.double)), .init(why, style),
        ]
    }

    private func isChanged(_ endpoint: JSONValue) -> Bool {
        if case .bool(true) = endpoint["changed"], endpoint["recent"]?["remark"]?.string == nil {
            return true
        }
        return false
    }

    private func sorted(_ endpoints: [JSONValue]) -> [JSONValue] {
        func weight(_ endpoint: JSONValue) -> Double {
            switch view.order {
            case .file: 0
            case .state: Self.badness(endpoint["state"]?.string ?? "")
            case .rate: endpoint["recent"]?["rate"]?.double ?? 0
            case .inFlight: endpoint["in-flight"]?.double ?? 0
            case .failed: Self.failed(endpoint)
            case .p99: endpoint["recent"]?["p99"]?.double ?? 0
            }
        }
        // What is equal keeps the file's order.
        return endpoints.enumerated()
            .map { (weight: weight($0.element), place: $0.offset, endpoint: $0.element) }
            .sorted { ($0.weight, $1.place) > ($1.weight, $0.place) }
            .map(\.endpoint)
    }

    private static func badness(_ state: String) -> Double {
        switch state {
        case "up": 0
        case "drain": 1
        case "down": 2
        case "half-open": 3
        case "ejected": 4
        default: 5
        }
    }

    /// Tries without an answer and answers of 5xx, since the start.
    private static func failed(_ endpoint: JSONValue) -> Double {
        let errors = endpoint["statuses"]?["5xx"]?.double ?? 0
        guard case .object(let kinds) = endpoint["failures"] else { return errors }
        return kinds.reduce(errors) { $0 + ($1.1.double ?? 0) }
    }

    /// Why an endpoint is in its state, and for how long; of one that is up what is odd about it.
    static func why(_ endpoint: JSONValue, now: Double) -> String {
        let reason = endpoint["reason"]?.string ?? ""
        switch endpoint["state"]?.string {
        case "up":
            if let remark = endpoint["recent"]?["remark"]?.string { return remark }
            return endpoint["operator"]?.string ?? ""
        case "half-open": return reason + "; single requests find out"
        case let state:
            // An ejection may go on beneath another state, and its end says nothing of that one.
            if state == "ejected", let until = endpoint["until"]?.double, until > now {
                return "\(reason); back in \(Words.span((until - now).rounded(.up)))"
            }
            guard let since = endpoint["since"]?.double, now - since >= 1 else { return reason }
            return "\(reason); for \(Words.span(now - since))"
        }
    }

    // MARK: The rest

    private func rate(_ one: JSONValue) -> String { Words.short(one["recent"]?["rate"]?.double) }

    private var events: [TopLine] {
        guard !view.events.isEmpty else { return [] }
        let shown = view.events.prefix(Self.mostEvents).map { event in
            var line = TopLine(Words.clock(event["time"]?.double ?? 0), .faint)
            line.add("  \(event["event"]?.string ?? "")", .strong)
            if let endpoint = event["endpoint"]?.string { line.add(" \(endpoint)") }
            line.add(" in pool \(event["pool"]?.string ?? ""): \(event["reason"]?.string ?? "")")
            if let seconds = event["duration"]?.double { line.add(", for \(Words.span(seconds))") }
            return cut(line)
        }
        return [cut(TopLine("EVENTS", .strong))] + shown
    }

    /// Listeners and routes have these columns at their ends.
    private static let trafficColumns: [TopTable.Column] = [
        .init(title: "REQ/S"), .init(title: "REQUESTS", rank: 3), .init(title: "4XX", rank: 2),
        .init(title: "5XX"), .init(title: "P50", rank: 4), .init(title: "P99", rank: 1),
    ]

    private func trafficCells(_ one: JSONValue) -> [TopTable.Cell] {
        let recent = one["recent"]
        let errors = one["statuses"]?["5xx"]?.double ?? 0
        let isFailing = (recent?["errors"]?.double ?? 0) > 0
        return [
            .init(rate(one)), .init(Words.short(one["requests"]?.double)),
            .init(Words.short(one["statuses"]?["4xx"]?.double)),
            .init(Words.short(errors), isFailing ? .bad : .plain),
            .init(Words.time(recent?["p50"]?.double)), .init(Words.time(recent?["p99"]?.double)),
        ]
    }

    private var listeners: [TopLine] {
        let first: [TopTable.Column] = [
            .init(title: "LISTENER", isText: true),
            .init(title: "ADDRESS", isText: true, rank: 5), .init(title: "CLIENTS", rank: 2),
        ]
        var table = TopTable(first + Self.trafficColumns)
        for one in stats["listeners"]?.items ?? [] {
            let cells: [TopTable.Cell] = [
                .init(one["name"]?.string ?? ""), .init(one["address"]?.string ?? ""),
                .init(Words.short(one["connections"]?.double)),
            ]
            table.add(cells + trafficCells(one))
        }
        return table.lines(width: width)
    }

    private var routes: [TopLine] {
        let first: [TopTable.Column] = [
            .init(title: "ROUTE", isText: true), .init(title: "POOL", isText: true, rank: 5),
        ]
        var table = TopTable(first + Self.trafficColumns)
        for one in stats["routes"]?.items ?? [] {
            let name = one["name"]?.string
            // What no route took is of interest once there is some.
            if name == nil, (one["requests"]?.double ?? 0) == 0 { continue }
            let cells: [TopTable.Cell] = [
                .init(name ?? "no route"), .init(one["pool"]?.string ?? "-"),
            ]
            table.add(cells + trafficCells(one))
        }
        return table.lines(width: width)
    }

    private var workers: [TopLine] {
        var table = TopTable([
            .init(title: "WORKER"), .init(title: "CLIENTS"), .init(title: "UNDER WAY", rank: 1),
            .init(title: "SERVER CONNECTIONS", rank: 4), .init(title: "LONGEST TURN", rank: 2),
            .init(title: "BUFFERS", rank: 3),
        ])
        for one in stats["workers"]?.items ?? [] {
            table.add([
                .init(Words.count(one["worker"]?.double)),
                .init(Words.short(one["clients"]?.double)),
                .init(Words.short(one["requests"]?.double)),
                .init(Words.short(one["server-connections"]?.double)),
                .init(Words.time(one["longest-turn"]?.double)),
                .init(Words.megabytes(one["buffer-bytes"]?.double)),
            ])
        }
        return table.lines(width: width)
    }
}
