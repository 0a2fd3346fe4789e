/// Reads an access log of Weir in JSON, piece by piece.
///
/// Lines that are no such line are counted and left out, as are requests that no server of the
/// pool was asked for.
public struct LogReader {
    /// What of a request is its key.
    public enum Key: String, Sendable {
        case client
        case host
        case path
    }

    /// A request of the log.
    struct Record {
        /// When it came, in nanoseconds since 1970.
        var arrival: Int64
        var latency: Int64
        var endpoint: Int
        var key: UInt64
        var isFailure: Bool
    }

    /// Lines that could not be read.
    public private(set) var unreadable = 0
    /// Requests that went to no server of the pool.
    public private(set) var foreign = 0
    private var records: [Record] = []
    private var rest: [UInt8] = []
    private let places: [String: Int]
    private let key: Key

    /// Longer lines are no lines of Weir's.
    private static let longestLine = 1 << 20

    /// A reader of what a pool's servers, by their names, served.
    public init(endpoints: [String], key: Key) {
        places = Dictionary(
            endpoints.enumerated().map { ($1, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        self.key = key
    }

    /// Reads on.
    public mutating func read(_ bytes: some Collection<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                readLine()
            } else if rest.count < LogReader.longestLine {
                rest.append(byte)
            }
        }
    }

    /// The traffic, once all is read; `nil` if there was none.
    public mutating func replay() -> Replay? {
        readLine()
        return Replay(records, endpoints: places.count)
    }

    private mutating func readLine() {
        defer { rest.removeAll(keepingCapacity: true) }
        guard !rest.isEmpty else { return }
        guard let line = LogLine(rest, key: key) else {
            unreadable += 1
            return
        }
        guard let name = line.endpoint, let endpoint = places[name] else {
            foreign += 1
            return
        }
        let (arrival, overflow) = line.end.subtractingReportingOverflow(line.duration)
        guard !overflow else { return }
        records.append(
            Record(
                arrival: arrival,
                latency: max(1, line.duration),
                endpoint: endpoint,
                key: line.key,
                isFailure: line.status >= 500 || !line.wasAnswered
            )
        )
    }
}

/// What the simulator reads of a line of the access log.
struct LogLine {
    /// When the exchange ended, in nanoseconds since 1970.
    var end: Int64 = 0
    var duration: Int64 = 0
    var endpoint: String?
    var status = 0
    var wasAnswered = true
    var key: UInt64 = 0

    /// The line, if it is one with all of these fields.
    init?(_ bytes: [UInt8], key: LogReader.Key) {
        var scanner = JSONScanner(bytes: bytes)
        var found: Set<String> = []
        guard scanner.skip(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let name = scanner.string(), scanner.skip(UInt8(ascii: ":")),
                let value = scanner.value()
            else { return nil }
            found.insert(name)
            if name == key.rawValue { self.key = LogLine.hash(value, isPath: key == .path) }
            switch (name, value) {
            case ("time", .text(let text)):
                guard let time = LogLine.time(text) else { return nil }
                end = time
            case ("duration", .number(let text)):
                guard let nanoseconds = LogLine.nanoseconds(text) else { return nil }
                duration = nanoseconds
            case ("endpoint", .text(let text)): endpoint = text
            case ("status", .number(let text)): status = Int(text) ?? 0
            case ("first-byte", .null): wasAnswered = false
            default: break
            }
        } while scanner.skip(UInt8(ascii: ","))
        guard scanner.skip(UInt8(ascii: "}")),
            found.isSuperset(of: ["time", "duration", "endpoint", "status"])
        else { return nil }
    }

    private static func hash(_ value: JSONScanner.Value, isPath: Bool) -> UInt64 {
        guard case .text(let text) = value else { return 0 }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 {
            if isPath, byte == UInt8(ascii: "?") { break }
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return mixedBits(hash)
    }

    /// Seconds with up to nine places behind the point.
    static func nanoseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, first.utf8.count <= 9,
            let seconds = Int64(first), seconds >= 0
        else { return nil }
        guard parts.count == 2, let last = parts.last else { return seconds * 1_000_000_000 }
        let digits = last.prefix(9)
        guard !digits.isEmpty, let number = Int64(digits), number >= 0 else { return nil }
        var fraction = number
        for _ in digits.utf8.count..<9 { fraction *= 10 }
        return seconds * 1_000_000_000 + fraction
    }

    /// `2026-11-23T22:31:27.159Z` as nanoseconds since 1970.
    static func time(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ from: Int, _ count: Int) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[from..<from + count] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), (1970...2200).contains(year)
        else { return nil }
        // Days since 1970 (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms).
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        var time = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000_000
        if bytes[19] == UInt8(ascii: ".") {
            let digits = bytes[20..<(bytes.count - 1)].prefix(9)
            guard !digits.isEmpty, var fraction = number(20, digits.count) else { return nil }
            for _ in digits.count..<9 { fraction *= 10 }
            time += fraction
        }
        return time
    }
}

/// Reads one flat JSON object.
struct JSONScanner {
    enum Value {
        case text(String)
        case number(String)
        case null
    }

    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Skips a byte, blanks before it too, if it is the next one.
    mutating func skip(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// A string; escapes are left as they are.
    mutating func string() -> String? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let begin = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { return nil }
        position += 1
        return String(decoding: bytes[begin..<position - 1], as: UTF8.self)
    }

    /// A string, a number, a truth value or null.
    mutating func value() -> Value? {
        skipBlanks()
        guard position < bytes.count else { return nil }
        if bytes[position] == UInt8(ascii: "\"") { return string().map { .text($0) } }
        let begin = position
        while position < bytes.count, !Self.ends.contains(bytes[position]) { position += 1 }
        let word = String(decoding: bytes[begin..<position], as: UTF8.self)
        return word.isEmpty ? nil : word == "null" ? .null : .number(word)
    }

    private static let ends: [UInt8] = Array(",} \t\r{[".utf8)

    private mutating func skipBlanks() {
        while position < bytes.count, [9, 13, 32].contains(bytes[position]) { position += 1 }
    }
}
