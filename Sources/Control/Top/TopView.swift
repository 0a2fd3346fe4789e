import Configuration

/// What `weir top` shows and how: the last statistics, the events, and what keys have chosen.
///
/// Pure: what came and which keys were pressed goes in, lines come out.
struct TopView {
    /// By what the servers of a pool are sorted.
    enum Order: Int, CaseIterable {
        case file
        case state
        case rate
        case inFlight
        case failed
        case p99

        /// The word at the foot of the screen.
        var word: String {
            switch self {
            case .file: "the file"
            case .state: "state"
            case .rate: "req/s"
            case .inFlight: "in flight"
            case .failed: "failed"
            case .p99: "p99"
            }
        }
    }

    /// The most events that are kept.
    private static let mostEvents = 200

    /// Where it asks, as an operator would type it.
    let address: String
    /// The last statistics; `nil` before the first.
    private(set) var stats: JSONValue?
    /// Events, newest first.
    private(set) var events: [JSONValue] = []
    /// The number of the newest event, for a stream that is begun again.
    private(set) var lastEvent: String?
    /// Requests a second by outcome, `ok` left out, in the last interval.
    private(set) var outcomeRates: [String: Double] = [:]
    /// The share of a CPU used in the last interval.
    private(set) var cpuShare: Double?
    private(set) var order = Order.file
    /// Lines that have left the body at its top.
    private(set) var scroll = 0
    /// Why there is nothing new.
    var trouble: String?

    /// A view of what listens at `address`.
    init(address: String) { self.address = address }

    // MARK: What comes

    /// Takes one event of the stream; true if it was statistics.
    mutating func take(_ block: EventBlocks.Block) -> Bool {
        guard block.name == "stats" else {
            guard block.id != lastEvent else { return false }
            lastEvent = block.id
            events.insert(block.data, at: 0)
            if events.count > Self.mostEvents { events.removeLast() }
            return false
        }
        compare(block.data, with: stats)
        stats = block.data
        trouble = nil
        return true
    }

    private mutating func compare(_ new: JSONValue, with old: JSONValue?) {
        outcomeRates = [:]
        cpuShare = nil
        guard let old, new["pid"]?.double == old["pid"]?.double,
            let now = new["time"]?.double, let before = old["time"]?.double, now > before
        else { return }
        if let used = new["cpu"]?.double, let usedBefore = old["cpu"]?.double {
            cpuShare = max(0, used - usedBefore) / (now - before)
        }
        for (word, count) in Self.outcomes(new) {
            let earlier = old["total"]?["outcomes"]?[word]?.double ?? 0
            outcomeRates[word] = max(0, count - earlier) / (now - before)
        }
    }

    /// Outcomes that are not ok, with their counts since the start.
    static func outcomes(_ stats: JSONValue) -> [(word: String, count: Double)] {
        guard case .object(let entries) = stats["total"]?["outcomes"] else { return [] }
        return entries.compactMap { word, value in
            guard word != "ok", let count = value.double else { return nil }
            return (word, count)
        }
    }

    // MARK: Keys

    /// Does what a key asks for on a screen of this size; `quit` is the caller's business.
    mutating func press(_ key: TopKey, size: TopSize) {
        let page = max(1, TopFrame(self, width: size.columns).roomForBody(rows: size.rows) - 1)
        switch key {
        case .quit, .redraw: return
        case .up: scroll -= 1
        case .down: scroll += 1
        case .pageUp: scroll -= page
        case .pageDown: scroll += page
        case .first: scroll = 0
        case .last: scroll = .max
        case .sort:
            let all = Order.allCases
            order = all[(order.rawValue + 1) % all.count]
        }
        keepInside(size)
    }

    /// Scrolls back where the body has become shorter, or the screen larger.
    mutating func keepInside(_ size: TopSize) {
        let frame = TopFrame(self, width: size.columns)
        let most = frame.body.count - frame.roomForBody(rows: size.rows)
        scroll = max(0, min(scroll, most))
    }

    // MARK: What is shown

    /// A frame for a screen: exactly as many lines as it has rows.
    func lines(_ size: TopSize) -> [TopLine] {
        let frame = TopFrame(self, width: size.columns)
        let head = frame.head(rows: size.rows)
        let body = frame.body
        let room = frame.roomForBody(rows: size.rows)
        let from = min(scroll, max(0, body.count - room))
        var lines = head + body[from..<min(body.count, from + room)]
        while lines.count < head.count + room { lines.append(TopLine()) }
        if lines.count < size.rows {
            lines.append(frame.foot(above: from, below: max(0, body.count - from - room)))
        }
        return Array(lines.prefix(size.rows))
    }

    /// Everything as text, for what is no terminal.
    var text: String {
        let frame = TopFrame(self, width: nil)
        let lines = frame.head(rows: nil) + frame.body
        return lines.map { $0.plain + "\n" }.joined()
    }
}

/// A screen's size in characters.
struct TopSize: Equatable {
    var rows: Int
    var columns: Int
}
