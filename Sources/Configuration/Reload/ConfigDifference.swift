/// What a changed file changes, key by key, as an operator would tell it.
public struct ConfigDifference: Sendable, Equatable {
    /// One change.
    public struct Change: Sendable, Equatable, CustomStringConvertible {
        /// The key, as `pools.main.servers[10.0.0.7:80]` or `timeouts.keep-alive`.
        public var key: String
        /// Its value before; `nil` where it came.
        public var before: String?
        /// Its value now; `nil` where it went.
        public var after: String?

        /// As `+ key`, `- key` or `~ key: before -> after`.
        public var description: String {
            switch (before, after) {
            case (nil, let after?): after.isEmpty ? "+ \(key)" : "+ \(key): \(after)"
            case (_?, nil): "- \(key)"
            case (let before?, let after?): "~ \(key): \(before) -> \(after)"
            case (nil, nil): key
            }
        }
    }

    /// The changes, in the order of the effective configuration.
    public let changes: [Change]

    /// The difference of two configurations.
    public init(from before: Config, to after: Config) {
        let old = FlatConfig(before)
        let new = FlatConfig(after)
        var changes: [Change] = []
        var told: Set<String> = []
        /// Tells of the outermost thing that is only on one side, once.
        func tell(_ entry: FlatConfig.Entry, missingIn other: FlatConfig, isNew: Bool) {
            let outermost = entry.parents.first { !other.sections.contains($0) } ?? entry.key
            guard told.insert(outermost).inserted else { return }
            let value = outermost == entry.key ? entry.shown : ""
            // A value that is a section on the other side, or the other way round.
            let counterpart =
                other.values[outermost]?.shown
                ?? other.sections.first { $0 == outermost }
                .map { _ in "{…}" }
            let shown = counterpart != nil && value.isEmpty ? "{…}" : value
            changes.append(
                Change(
                    key: outermost,
                    before: isNew ? counterpart : shown,
                    after: isNew ? shown : counterpart
                )
            )
        }
        for entry in old.entries {
            guard let now = new.values[entry.key] else {
                tell(entry, missingIn: new, isNew: false)
                continue
            }
            if now.value != entry.value {
                changes.append(Change(key: entry.key, before: entry.shown, after: now.shown))
            }
        }
        for entry in new.entries where old.values[entry.key] == nil {
            tell(entry, missingIn: old, isNew: true)
        }
        if Self.isReordered(before, after) {
            changes.append(Change(key: "routes", before: "in one order", after: "in another"))
        }
        self.changes = changes
    }

    /// Whether routes that both have come in another order, on which it depends who is first.
    private static func isReordered(_ before: Config, _ after: Config) -> Bool {
        let (old, new) = (before.routes.map(\.name), after.routes.map(\.name))
        return old.filter(Set(new).contains) != new.filter(Set(old).contains)
    }
}

/// The lines of an effective configuration with the whole key of each.
private struct FlatConfig {
    struct Entry {
        var key: String
        var value: String
        /// What is told of the value.
        var shown: String
        /// The keys that it stands under, the outermost first.
        var parents: [String]
    }

    private(set) var entries: [Entry] = []
    /// By key.
    private(set) var values: [String: Entry] = [:]
    /// The keys of sections and list items.
    private(set) var sections: Set<String> = []

    /// Reads what ``EffectivePrinter`` prints, and nothing else: two blanks a level, list items
    /// that begin with their name.
    init(_ config: Config) {
        let whole = EffectivePrinter(config: config, showsSecrets: true).printed()
        // The same lines, with less in some of them.
        let shown = EffectivePrinter(config: config).printed()
        var open: [(indent: Int, key: String)] = []
        for (line, told) in zip(whole.split(separator: "\n"), shown.split(separator: "\n")) {
            var indent = line.prefix { $0 == " " }.count
            var rest = line.dropFirst(indent)
            while let last = open.last, last.indent >= indent { open.removeLast() }
            if rest.hasPrefix("- ") {
                rest = rest.dropFirst(2)
                let (_, value) = Self.parted(rest)
                let item = unique("\(open.last?.key ?? "")[\(value ?? String(rest))]")
                open.append((indent, item))
                sections.insert(item)
                indent += 2
            }
            let (name, value) = Self.parted(rest)
            let key = open.last.map { "\($0.key).\(name)" } ?? name
            if let value {
                let entry = Entry(
                    key: key,
                    value: value,
                    shown: Self.parted(told).value ?? value,
                    parents: open.map(\.key)
                )
                entries.append(entry)
                values[key] = entry
            } else {
                sections.insert(key)
                open.append((indent, key))
            }
        }
    }

    /// Several items of a list may have one name.
    private func unique(_ key: String) -> String {
        guard sections.contains(key) else { return key }
        var number = 2
        while sections.contains("\(key)#\(number)") { number += 1 }
        return "\(key)#\(number)"
    }

    /// `name: value`, without the quotes of a single text; no value where a section begins.
    private static func parted(_ line: Substring) -> (name: String, value: String?) {
        guard let colon = line.firstRange(of: ": ") else {
            return (String(line.hasSuffix(":") ? line.dropLast() : line), nil)
        }
        var value = line[colon.upperBound...]
        if value.count >= 2, value.first == "\"", value.last == "\"" {
            value = value.dropFirst().dropLast()
        }
        return (String(line[..<colon.lowerBound]), String(value))
    }
}
