/// Holds a tree against the description of the keys: unknown keys, kinds, units, ranges.
///
/// Each node is judged by itself, so that one mistake never hides another.
struct Validator {
    let reporter: Reporter

    /// The map that a node is for this set of keys, short forms expanded; `nil` if it is none.
    ///
    /// `words` may stand in the map's place too.
    func map(
        of node: Node,
        for set: KeySet,
        called name: String,
        or words: [String] = []
    ) -> RawMap? {
        guard let (node, implied) = expand(node, for: set, called: name, or: words) else {
            return nil
        }
        guard case .map(let entries) = node.content else { return nil }
        var map = RawMap(place: node.place)
        map.isCut = node.isCut
        for entry in entries {
            guard let key = set.key(entry.name) else {
                reportUnknown(entry, in: set, called: name)
                map.isCut = true
                continue
            }
            let keyPlace = implied ? nil : entry.keyPlace
            let item = value(of: entry.value, for: key, in: name)
            if entry.isRepeated { continue }
            guard var item else {
                map.refused.insert(key.name)
                map.isCut = true
                continue
            }
            item.keyPlace = keyPlace ?? item.keyPlace
            map.entries[key.name] = item
        }
        return map
    }

    /// The key's value, if the node is one.
    func value(of node: Node, for key: Key, in parent: String = "") -> RawItem? {
        if let text = node.scalar {
            if text.isUnknown { return nil }
            if key.words.contains(text.text) {
                return RawItem(value: .lifted(text.text), place: node.place)
            }
            if text.isNull, !text.isQuoted {
                reporter.error(
                    .type,
                    node.place,
                    "\"\(key.name)\" has no value",
                    remedy: "write \(key.name): \(key.example)"
                )
                return nil
            }
        }
        return value(of: node, as: key.type, for: key, called: name(of: key, in: parent))
    }

    /// How a diagnostic names the map behind a key.
    private func name(of key: Key, in parent: String) -> String {
        key.type.keySet?.noun ?? key.name
    }

    func value(of node: Node, as type: ValueType, for key: Key, called name: String) -> RawItem? {
        switch type {
        case .several(let inner):
            return list(of: node, as: inner, for: key, called: name)
        case .map(let set):
            guard let map = map(of: node, for: set, called: name, or: key.words) else { return nil }
            return RawItem(value: .map(map), place: node.place, isCut: map.isCut)
        case .named(let inner):
            return names(of: node, as: inner, for: key, called: name)
        case .either(let words, let set):
            return either(of: node, words, set, for: key, called: name)
        default:
            guard let text = node.scalar else {
                reportNoScalar(node, key)
                return nil
            }
            if text.isUnknown { return nil }
            guard let value = scalar(text, as: type, for: key, at: node.place) else { return nil }
            return RawItem(value: value, place: node.place, written: text.written)
        }
    }

    /// A word, or a map; `{word}`, which YAML takes for a map, is told apart.
    private func either(
        of node: Node,
        _ words: [String],
        _ set: KeySet,
        for key: Key,
        called name: String
    ) -> RawItem? {
        if let text = node.scalar {
            if text.isUnknown { return nil }
            guard let value = scalar(text, as: .word(words), for: key, at: node.place) else {
                return nil
            }
            return RawItem(value: value, place: node.place, written: text.written)
        }
        if case .map(let entries) = node.content, entries.count == 1, let entry = entries.first,
            words.contains(entry.name), entry.value.scalar?.isNull == true
        {
            reporter.error(
                .yamlBrace,
                node.place,
                "{\(entry.name)} is a map for YAML",
                remedy: "write it without braces: \(entry.name)"
            )
            return nil
        }
        guard let map = map(of: node, for: set, called: name) else { return nil }
        return RawItem(value: .map(map), place: node.place, isCut: map.isCut)
    }

    private func list(
        of node: Node,
        as inner: ValueType,
        for key: Key,
        called name: String
    ) -> RawItem? {
        guard case .list(let nodes) = node.content, !takesList(inner) else {
            guard let item = value(of: node, as: inner, for: key, called: name) else { return nil }
            return RawItem(value: .list([item]), place: node.place, isCut: item.isCut)
        }
        var items: [RawItem] = []
        var isCut = node.isCut
        for node in nodes {
            if let item = value(of: node, as: inner, for: key, called: name) {
                items.append(item)
                isCut = isCut || item.isCut
            } else {
                isCut = true
            }
        }
        if nodes.isEmpty, !node.isCut {
            reporter.error(
                .type,
                node.place,
                "\"\(key.name)\" is an empty list",
                remedy: "write \(key.name): \(key.example), or remove the key"
            )
            return nil
        }
        return RawItem(value: .list(items), place: node.place, isCut: isCut)
    }

    private func takesList(_ type: ValueType) -> Bool {
        if case .map(let set) = type, case .list = set.short { true } else { false }
    }

    private func names(
        of node: Node,
        as inner: ValueType,
        for key: Key,
        called name: String
    ) -> RawItem? {
        guard case .map(let entries) = node.content else {
            reporter.error(
                .type,
                node.place,
                "\"\(key.name)\" takes a map of names, not \(kind(node))",
                remedy: "write \(key.name): \(key.example)"
            )
            return nil
        }
        var names: [RawName] = []
        var isCut = node.isCut
        for entry in entries {
            let noun = inner.keySet.map { "\($0.noun) \"\(entry.name)\"" } ?? entry.name
            checkName(ScalarText(entry.name), at: entry.keyPlace)
            if let scalar = entry.value.scalar, scalar.isNull {
                reporter.error(
                    .type,
                    entry.value.place,
                    "\"\(entry.name)\" has no value",
                    remedy: "write \(key.name): \(key.example)"
                )
                isCut = true
            }
            let item = value(of: entry.value, as: inner, for: key, called: noun)
            if entry.isRepeated { continue }
            let empty = RawItem(value: .lifted(""), place: entry.value.place, isCut: true)
            names.append(
                RawName(name: entry.name, place: entry.keyPlace, item: item ?? empty)
            )
            isCut = isCut || item == nil
        }
        return RawItem(value: .names(names), place: node.place, isCut: isCut)
    }

    /// Names stand in logs and metrics.
    func checkName(_ text: ScalarText, at place: Place) {
        let name = text.text
        let isHarmless = name.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
        if name.isEmpty || name.utf8.count > 128 || !isHarmless {
            reporter.error(
                .name,
                place,
                "\(text.written.shown) cannot be a name",
                remedy: "a name has 1 to 128 bytes and no control characters"
            )
        }
    }

    private func reportUnknown(_ entry: Entry, in set: KeySet, called name: String) {
        let place = set.noun == "the file" ? "" : " in \(name)"
        reporter.error(
            .unknownKey,
            entry.keyPlace,
            "unknown key \(entry.name.shown)\(place)",
            remedy: UnknownKey(name: entry.name, set: set).remedy
        )
    }

    private func reportNoScalar(_ node: Node, _ key: Key) {
        if node.isCut { return }
        if case .map(let entries) = node.content, node.isFlow, entries.count == 1,
            let entry = entries.first
        {
            if entry.value.scalar?.isNull == true {
                reporter.error(
                    .yamlBrace,
                    node.place,
                    "{\(entry.name)} without quotes is a map for YAML",
                    remedy: "quote it: \"{\(entry.name)}\""
                )
                return
            }
            if entry.name.isEmpty, let text = entry.value.scalar {
                reporter.error(
                    .yamlColon,
                    node.place,
                    ":\(text.written) without quotes begins with a colon inside brackets",
                    remedy: "quote it: \":\(text.written)\""
                )
                return
            }
        }
        reporter.error(
            .type,
            node.place,
            "\"\(key.name)\" takes \(key.type.phrase), not \(kind(node))",
            remedy: "write \(key.name): \(key.example)"
        )
    }

    /// How a diagnostic names what stands there.
    func kind(_ node: Node) -> String {
        switch node.content {
        case .scalar(let text): text.written.shown
        case .list: "a list"
        case .map: "a map"
        }
    }
}
