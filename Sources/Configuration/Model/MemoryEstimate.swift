import Balancing

/// What a configuration will take in memory, as far as the file decides it.
///
/// Beside it stand the process itself, what each worker has whatever the file says, and the
/// kernel's socket buffers.
public struct MemoryEstimate: Sendable, Equatable {
    /// Bytes of what all workers share for each pool: counters of the servers, with room for those
    /// that are found, and the hash tables of the others.
    public var pools: [(name: String, bytes: Int)]
    /// Bytes of the files that `respond` answers with.
    public var answers: Int
    /// The most bytes of buffers that a request under way holds: its head with one receive or with
    /// the body that `retries.buffer` keeps, and of its answer a head with one receive.
    public var request: Int

    /// What one receive takes in.
    private static let receiveSize = 64 << 10

    /// The estimate; takes the time that the strategies' tables need.
    public init(of config: Config) {
        pools = config.pools.map { pool in
            // Room for what a changed file adds is not touched before.
            let room =
                pool.findsEndpoints ? pool.endpointCapacity - pool.membersByAddress.count : 0
            return (pool.name, pool.plan().memory + room * PoolPlan.blockSize)
        }
        var answers = 0
        var kept = 0
        for route in config.routes {
            switch route.action {
            case .pool(let index):
                kept = max(kept, route.retries.buffer)
                if route.fallback != config.pools[index].fallback {
                    answers += Self.size(route.fallback)
                }
            case .respond(let answer): answers += Self.size(answer)
            case .redirect: break
            }
        }
        for pool in config.pools { answers += Self.size(pool.fallback) }
        self.answers = answers
        let head = config.limits.headSize
        request = Self.buffer(head + max(kept, Self.receiveSize))
        if !config.pools.isEmpty { request += Self.buffer(head + Self.receiveSize) }
    }

    private static func size(_ fallback: FallbackConfig?) -> Int {
        if case .respond(let answer) = fallback { size(answer) } else { 0 }
    }

    private static func size(_ answer: FixedAnswer) -> Int {
        if case .bytes(let bytes, _) = answer.body { bytes.count } else { 0 }
    }

    /// The size of the buffer that holds so many bytes: the proxy's buffers have these sizes, and
    /// larger ones are whole multiples of a receive.
    private static func buffer(_ bytes: Int) -> Int {
        let sizes = [2, 4, 16, 64, 72].map { $0 << 10 }
        return sizes.first { $0 >= bytes }
            ?? (bytes + receiveSize - 1) / receiveSize * receiveSize
    }

    /// Whether all figures are the same.
    public static func == (one: MemoryEstimate, other: MemoryEstimate) -> Bool {
        one.answers == other.answers && one.request == other.request
            && one.pools.elementsEqual(other.pools, by: ==)
    }

    /// One line for people; ends with a newline.
    public func rendered() -> String {
        let total = pools.reduce(0) { $0 + $1.bytes }
        var text = "memory: "
        if let largest = pools.max(by: { $0.bytes < $1.bytes }) {
            text += "\(Self.text(total)) for "
            text +=
                pools.count == 1
                ? "pool \(largest.name.shown)"
                : "\(pools.count) pools, the most for \(largest.name.shown): "
                    + Self.text(largest.bytes)
            text += "; "
        }
        if answers > 0 { text += "\(Self.text(answers)) for files of answers; " }
        return text + "up to \(Self.text(request)) for each request under way\n"
    }

    /// The estimate for programs.
    var json: JSONValue {
        .object([
            ("pools", .object(pools.map { ($0.name, .number($0.bytes)) })),
            ("answers", .number(answers)), ("request", .number(request)),
        ])
    }

    /// A size with one digit behind the point, rounded up.
    static func text(_ bytes: Int) -> String {
        for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes >= size {
            let tenths = (bytes * 10 + size - 1) / size
            return tenths % 10 == 0
                ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(bytes) B"
    }
}
