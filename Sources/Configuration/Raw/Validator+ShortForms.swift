extension Validator {
    /// The node as a map; short forms become the long form that they stand for.
    ///
    /// `implied` tells that the keys stand in the short form only.
    func expand(
        _ node: Node,
        for set: KeySet,
        called name: String,
        or words: [String]
    ) -> (Node, implied: Bool)? {
        switch (node.content, set.short) {
        case (.map(let entries), _):
            // In brackets, YAML reads `:8080` as a map without a name.
            if case .scalar = set.short, isColonTrap(node, entries) { return nil }
            return (node, false)
        case (.scalar(let text), .wordOrScalar(let word, let other)) where !text.isNull:
            if text.isUnknown { return nil }
            guard case .word(let words) = set.key(word)?.type else { return nil }
            return (Self.wrap(node, words.contains(text.text) ? word : other), true)
        case (.scalar(let text), .scalar(let key)) where !text.isNull,
            (.scalar(let text), .values(let key)) where !text.isNull:
            if text.isUnknown { return nil }
            return (Self.wrap(node, key), true)
        case (.scalar(let text), .truth(let key)) where text.text == "true":
            guard let standard = set.key(key)?.standard else { return nil }
            return (Self.wrap(Node(standard: standard, place: node.place), key), true)
        case (.list, .list(let key)), (.list, .values(let key)):
            return (Self.wrap(node, key), true)
        case (.scalar(let text), .match) where !text.isNull:
            if text.isUnknown { return nil }
            return (expandMatch(node, text), true)
        default:
            if node.isCut { return nil }
            reportNoMap(node, set, name, words)
            return nil
        }
    }

    private func reportNoMap(_ node: Node, _ set: KeySet, _ name: String, _ words: [String]) {
        var phrase = "is a map"
        var remedy = "write its keys: " + set.keys.map(\.name).joined(separator: ", ")
        if case .scalar(let short) = set.short, let key = set.key(short) {
            phrase = "is one value or a map"
            remedy = "write \(key.example), or {\(key.name): \(key.example)}"
        } else if case .list(let short) = set.short, let key = set.key(short) {
            phrase = "is a list or a map"
            remedy = "write \(key.example)"
        }
        if case .wordOrScalar(_, let short) = set.short, let key = set.key(short) {
            phrase = "is one value or a map"
            remedy = "write \(key.example), or {\(key.name): \(key.example)}"
        }
        if !words.isEmpty { remedy += ", or " + words.joined(separator: " or ") }
        if case .truth = set.short {
            phrase = "is true, off or a map"
            let isFalse = ["false", "no"].contains(node.scalar?.text ?? "")
            remedy =
                isFalse
                ? "write off"
                : "write true, off, or its keys: "
                    + set.keys.map(\.name).joined(separator: ", ")
        }
        if case .none = set.short, words.isEmpty,
            Key.refusals.contains(node.scalar?.text ?? "")
        {
            remedy = "leave it out to have its defaults, or " + remedy
        }
        reporter.error(.type, node.place, "\(name) \(phrase), not \(kind(node))", remedy: remedy)
    }

    private static func wrap(_ node: Node, _ key: String) -> Node {
        let entry = Entry(name: key, keyPlace: node.place, value: node)
        return Node(content: .map([entry]), place: node.place, isCut: node.isCut)
    }

    private func isColonTrap(_ node: Node, _ entries: [Entry]) -> Bool {
        guard node.isFlow, entries.count == 1, let entry = entries.first, entry.name.isEmpty,
            let text = entry.value.scalar
        else { return false }
        reporter.error(
            .yamlColon,
            node.place,
            ":\(text.written) without quotes begins with a colon inside brackets",
            remedy: "quote it: \":\(text.written)\""
        )
        return true
    }

    /// `/p`, `=/p` and `~re` are paths; anything else is a host with what follows its first slash.
    private func expandMatch(_ node: Node, _ text: ScalarText) -> Node {
        let value = text.text
        if value.hasPrefix("/") || value.hasPrefix("=") || value.hasPrefix("~") {
            return Self.wrap(node, MatchKeys.path.name)
        }
        guard let slash = value.firstIndex(of: "/") else {
            return Self.wrap(node, MatchKeys.host.name)
        }
        let host = Node(
            content: .scalar(text.part(String(value[..<slash]))),
            place: node.place
        )
        let path = Node(
            content: .scalar(text.part(String(value[slash...]))),
            place: node.place
        )
        return Node(
            content: .map([
                Entry(name: MatchKeys.host.name, keyPlace: node.place, value: host),
                Entry(name: MatchKeys.path.name, keyPlace: node.place, value: path),
            ]),
            place: node.place,
            isCut: node.isCut
        )
    }
}
