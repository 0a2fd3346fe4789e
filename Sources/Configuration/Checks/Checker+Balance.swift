import Balancing
import Routing

/// What a pool's own map and `pool-defaults` say of one of its maps.
struct LayeredMap {
    /// The pool's own.
    var own: RawMap?
    /// That of `pool-defaults`.
    var defaults: RawMap?

    /// The pool's own over that of `pool-defaults`.
    var merged: RawMap? {
        guard let own else { return defaults }
        return defaults.map { own.over($0) } ?? own
    }
}

extension Checker {
    /// The options of `balance`, with the keys that `consistent-hash` hashes and the probe that
    /// `prequal` sends.
    ///
    /// What `pool-defaults` has for another strategy than the pool's does not count.
    func balance(_ maps: LayeredMap, of pool: inout PoolConfig) {
        guard var map = maps.merged else { return }
        let strategy = map.text(BalanceKeys.strategy) ?? pool.balance.strategy
        let isKnown = !map.refused.contains(BalanceKeys.strategy.name)
        pool.balance.strategy = strategy
        let parameters = BalanceKeys.parameters(of: strategy)
        if let own = maps.own, isKnown { checkParameters(own, strategy, "pool \"\(pool.name)\"") }
        for key in BalanceKeys.set.keys where !parameters.contains(where: { $0.name == key.name }) {
            map.entries[key.name] = nil
        }
        map = map.over(BalanceKeys.set.standards)
        pool.balance.read(map)
        if strategy == "consistent-hash" {
            if let key = map.item(BalanceKeys.key) { pool.hashKey = keyChoices(key) }
            checkTable(maps, &pool)
        }
        if let probe = map.map(BalanceKeys.probe) { pool.prequalProbe = probeConfig(probe) }
    }

    /// Parameters of `pool-defaults` against the strategy that it names itself; where it names
    /// none, against those of all pools.
    func checkDefaultParameters(_ defaults: RawMap?, _ pools: [PoolConfig]) {
        if let map = defaults?.map(PoolKeys.balance), !map.mentions(BalanceKeys.strategy) {
            let taken = pools.flatMap { BalanceKeys.parameters(of: $0.balance.strategy) }
            for key in BalanceKeys.set.keys where !taken.contains(where: { $0.name == key.name }) {
                guard let item = map.item(key), !pools.isEmpty else { continue }
                reporter.error(
                    .noEffect,
                    item.keyPlace ?? item.place,
                    "no pool has a strategy that takes \"\(key.name)\"",
                    remedy: "remove it, or name the strategy"
                )
            }
        }
        guard let map = defaults?.map(PoolKeys.balance),
            let strategy = map.text(BalanceKeys.strategy)
        else { return }
        checkParameters(map, strategy, TopLevelKeys.poolDefaults.name)
    }

    private func checkParameters(_ map: RawMap, _ strategy: String, _ owner: String) {
        for (other, keys) in BalanceKeys.parameters where other != strategy {
            for key in keys {
                guard let item = map.item(key) else { continue }
                reporter.error(
                    .strategyKey,
                    item.keyPlace ?? item.place,
                    "\"\(key.name)\" belongs to \(other), and \(owner) has \(strategy)",
                    remedy: "write strategy: \(other), or remove \(key.name)"
                )
            }
        }
        guard strategy == "consistent-hash", let size = map.item(BalanceKeys.tableSize),
            let table = map.text(BalanceKeys.table), table != "maglev"
        else { return }
        reporter.error(
            .strategyKey,
            size.keyPlace ?? size.place,
            "\"\(BalanceKeys.tableSize.name)\" belongs to maglev, and \(owner) has \(table)",
            remedy: "write table: maglev, or remove \(BalanceKeys.tableSize.name)"
        )
    }

    /// The size of Maglev's table: its permutations reach all entries only if it is a prime.
    private func checkTable(_ maps: LayeredMap, _ pool: inout PoolConfig) {
        guard pool.balance.table == .maglev else {
            if let own = maps.own, let size = own.item(BalanceKeys.tableSize),
                own.item(BalanceKeys.table) == nil
            {
                reporter.error(
                    .strategyKey,
                    size.keyPlace ?? size.place,
                    "\"\(BalanceKeys.tableSize.name)\" belongs to maglev, and pool-defaults has "
                        + pool.balance.table.rawValue,
                    remedy: "write table: maglev, or remove \(BalanceKeys.tableSize.name)"
                )
            }
            pool.balance.tableSize = nil
            return
        }
        guard let size = pool.balance.tableSize, let item = maps.merged?.item(BalanceKeys.tableSize)
        else { return }
        if !Primes.isPrime(size) {
            reporter.error(
                .tableSize,
                item.place,
                "\(item.written.shown) is no prime",
                remedy: "only in a table of prime size each server can take each entry: write "
                    + "\(Primes.first(from: size))"
            )
        } else if size <= pool.servers.count {
            let wanted = Primes.first(from: 100 * pool.servers.count)
            reporter.error(
                .tableSize,
                item.place,
                "a table of \(item.written) is too small for \(pool.servers.count) servers",
                remedy: "for an even spread, write \(wanted) or auto"
            )
        }
    }

    private func keyChoices(_ item: RawItem) -> [KeyChoice] {
        let items = item.items
        if items.count > KeyChoiceKeys.countMax {
            reporter.error(
                .keyChoice,
                item.keyPlace ?? item.place,
                "\(items.count) keys to choose from",
                remedy: "write at most \(KeyChoiceKeys.countMax)"
            )
        }
        var choices: [KeyChoice] = []
        for (index, item) in items.enumerated() {
            guard let choice = keyChoice(item) else { continue }
            choices.append(choice)
            if choice == .client || choice == .path, index + 1 < items.count {
                reporter.error(
                    .noEffect,
                    items[index + 1].place,
                    "every request has a \(item.text?.text ?? ""): no later key is looked at",
                    remedy: "write \(item.text?.text ?? "") last, or remove what follows it"
                )
                break
            }
        }
        return choices.isEmpty ? [.client] : choices
    }

    private func keyChoice(_ item: RawItem) -> KeyChoice? {
        if let word = item.text {
            switch word.text {
            case "host": return .host
            case "path": return .path
            default: return .client
            }
        }
        guard let map = item.map, !map.isCut else { return nil }
        guard map.entries.count == 1, let (name, value) = map.entries.first, let text = value.text
        else {
            reporter.error(
                .keyChoice,
                item.place,
                map.entries.isEmpty ? "a key that names nothing" : "a key that names two things",
                remedy: "write one of {header: x-user}, {cookie: session}, {query: id}; several "
                    + "in a list: the first that a request has counts"
            )
            return nil
        }
        let isName =
            name == KeyChoiceKeys.query.name
            ? text.text.utf8.allSatisfy { $0 > 32 && $0 != 127 } : FieldNames.isToken(text.text)
        guard isName, (1...128).contains(text.text.utf8.count) else {
            reporter.error(
                .keyChoice,
                value.place,
                "\(text.written.shown) cannot be the name of a \(name)",
                remedy: "a name has 1 to 128 characters, no blanks"
            )
            return nil
        }
        switch name {
        case KeyChoiceKeys.header.name:
            let header = text.text.lowercased()
            written.remember(header, text)
            return .header(header)
        case KeyChoiceKeys.cookie.name:
            written.remember(text.text, text)
            return .cookie(text.text)
        default:
            written.remember(text.text, text)
            return .query(text.text)
        }
    }

    private func probeConfig(_ map: RawMap) -> ProbeConfig? {
        reportMissing(ProbeKeys.path, in: map, of: ProbeKeys.set)
        guard let item = map.item(ProbeKeys.path), let path = probePath(item) else { return nil }
        var probe = ProbeConfig(path: path)
        probe.timeout =
            map.over(ProbeKeys.set.standards).duration(ProbeKeys.timeout) ?? probe.timeout
        return probe
    }

    /// What a probe or a check asks: a path, perhaps with a query, or a report.
    ///
    /// `words` may stand in its place.
    func probePath(_ item: RawItem, or words: [String] = []) -> String? {
        guard let text = item.text else { return nil }
        let isPath =
            text.text.hasPrefix("/") && text.text.utf8.count <= 1024
            && text.text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "#") }
        guard isPath else {
            var remedy =
                "write a path that begins with /, of at most 1024 characters, with all that is "
                + "special in it as %xx"
            if !words.isEmpty, !text.text.contains("/") {
                remedy = "write a path that begins with /, " + words.joined(separator: " or ")
                if let near = nearestName(to: text.text, among: words) {
                    remedy = "did you mean \"\(near)\"?"
                }
            }
            reporter.error(
                .probePath,
                item.place,
                "\(text.written.shown) is no path",
                remedy: remedy
            )
            return nil
        }
        written.remember(text.text, text)
        return text.text
    }
}

extension BalanceOptions {
    /// Reads the parameters; what the map does not have stays as it is.
    fileprivate mutating func read(_ map: RawMap) {
        if let count = map.count(BalanceKeys.choices) { choices = .sampled(count) }
        if map.word(BalanceKeys.choices) == "all" { choices = .all }
        decay = map.duration(BalanceKeys.decay)?.inNanoseconds ?? decay
        penalty = map.duration(BalanceKeys.penalty)?.inNanoseconds ?? penalty
        table = map.text(BalanceKeys.table).flatMap(HashTable.init) ?? table
        tableSize = map.count(BalanceKeys.tableSize)
        boundedLoad = map.factor(BalanceKeys.boundedLoad)
        prequal.pool = map.count(BalanceKeys.pool) ?? prequal.pool
        prequal.probes = map.factor(BalanceKeys.probes) ?? prequal.probes
        prequal.age = map.duration(BalanceKeys.age)?.inNanoseconds ?? prequal.age
        prequal.quantile = map.factor(BalanceKeys.quantile) ?? prequal.quantile
    }
}

/// Prime numbers, by trial division: for numbers of the size of tables.
enum Primes {
    /// Whether the number is a prime.
    static func isPrime(_ number: Int) -> Bool {
        guard number > 3 else { return number > 1 }
        if number % 2 == 0 { return false }
        var divisor = 3
        while divisor <= number / divisor {
            if number % divisor == 0 { return false }
            divisor += 2
        }
        return true
    }

    /// The first prime from the number on.
    static func first(from number: Int) -> Int {
        var candidate = max(2, number)
        while !isPrime(candidate) { candidate += 1 }
        return candidate
    }
}
