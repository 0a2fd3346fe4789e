/// Prints nanoseconds per operation: the best of five rounds or, where caches are evicted before
/// each operation, the median of 500.
///
/// With `--list`, the cases' names; with `--hash-tables`, picks with an empty cache and what
/// building tables takes; with `--case NAME --count N`, it does nothing but N operations, for a
/// program that counts instructions.
@main
struct Micro {
    static let rounds = 5
    /// How many operations are timed one by one.
    static let evictedRounds = 500
    /// How long a round takes.
    static let roundTime = Duration.milliseconds(200)

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.count {
        case 0:
            for entry in cases { report(entry) }
        case 2 where arguments[0] == "--only":
            for entry in cases where entry.name.hasPrefix(arguments[1]) { report(entry) }
        case 1 where arguments[0] == "--list":
            for entry in cases { print(entry.name) }
        case 1 where arguments[0] == "--hash-tables":
            reportHashTables()
        case 4 where arguments[0] == "--case" && arguments[2] == "--count":
            guard let entry = cases.first(where: { $0.name == arguments[1] }),
                let count = Int(arguments[3])
            else { return usage() }
            keep(entry.make()(count))
        default:
            usage()
        }
    }

    private static func usage() {
        print("usage: micro [--list | --only PREFIX | --hash-tables | --case NAME --count N]")
    }

    private static func report(_ entry: Case) {
        if let makeEvicted = entry.makeEvicted {
            let one = makeEvicted()
            // What the clock takes is in both.
            let whole = median {
                one.evict()
            } timing: {
                keep(one.run(1))
            }
            let clock = median {
                one.evict()
            } timing: {
                keep(1)
            }
            return show(entry, max(0, whole - clock))
        }
        let run = entry.make()
        let clock = ContinuousClock()
        // Enough operations for a round, found by doubling.
        var count = 64
        while clock.measure({ keep(run(count)) }) < roundTime / 2 { count *= 2 }
        var best = Duration.seconds(1_000)
        for _ in 0..<rounds { best = min(best, clock.measure { keep(run(count)) }) }
        show(entry, best / .nanoseconds(1) / Double(count))
    }

    /// Nanoseconds that something takes, with something else before each time.
    private static func median(
        before: () -> Void,
        timing operation: () -> Void
    ) -> Double {
        let clock = ContinuousClock()
        let times = (0..<evictedRounds).map { _ in
            before()
            return clock.measure(operation) / .nanoseconds(1)
        }
        return times.sorted()[evictedRounds / 2]
    }

    private static func show(_ entry: Case, _ nanoseconds: Double) {
        let tenths = Int(nanoseconds * 10 + 0.5)
        let figure = "\(tenths / 10).\(tenths % 10)"
        let padding = String(repeating: " ", count: max(1, 10 - figure.count))
        let name = entry.name + String(repeating: " ", count: max(1, 32 - entry.name.count))
        print("\(name)\(padding)\(figure) ns   \(entry.summary)")
    }
}

/// Takes a result, so that the work for it is not optimised away.
@inline(never)
func keep(_ value: Int) {
    withUnsafePointer(to: value) { pointer in
        if UInt(bitPattern: pointer) == 1 { print(value) }
    }
}
