import HTTP

/// The file's JSON Schema (draft 2020-12), made from the description of the keys.
///
/// Editors complete and check with it. It takes what the parser takes, short forms included, and
/// leaves to the parser what lies between keys. Ends with a newline.
public func jsonSchema() -> String {
    var sets: [(String, KeySet)] = []
    collect(TopLevelKeys.set, into: &sets)
    let definitions = sets.dropFirst().map { name, set in (name, schema(of: set)) }
    let environment = JSONValue.object([
        ("description", .text("A value from the environment.")), ("type", .text("string")),
        ("pattern", .text("\\$\\{")),
    ])
    var document: [(String, JSONValue)] = [
        ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
        ("title", .text("Weir configuration")),
    ]
    document += entries(of: TopLevelKeys.set)
    document.append(("$defs", .object([("environment", environment)] + definitions)))
    return JSONValue.object(document).rendered() + "\n"
}

/// The maps that have a key of this name, as the reference calls them; those nearest to the top of
/// the file first.
func homesOfKey(_ name: String) -> [String] {
    var sets: [(String, KeySet)] = []
    collect(TopLevelKeys.set, into: &sets)
    let homes = sets.filter { _, set in set.keys.contains { $0.name == name } }.map(\.0)
    func depth(_ title: String) -> Int { title.count { $0 == "." } }
    return homes.enumerated()
        .sorted { (depth($0.element), $0.offset) < (depth($1.element), $1.offset) }
        .map(\.element)
}

/// All kinds of maps below a map, itself first, each once.
func collect(_ set: KeySet, into sets: inout [(String, KeySet)]) {
    guard !sets.contains(where: { $0.0 == set.title }) else { return }
    sets.append((set.title, set))
    // The top level's short forms come after what they are short for.
    let short = set.title == TopLevelKeys.set.title ? [TopLevelKeys.servers.name] : []
    let keys = set.keys.filter { !short.contains($0.name) }
    for key in keys {
        if let inner = key.type.keySet { collect(inner, into: &sets) }
    }
}

private func schema(of set: KeySet) -> JSONValue {
    .object([("description", .text(set.meaning))] + entries(of: set))
}

private func entries(of set: KeySet) -> [(String, JSONValue)] {
    let properties = set.keys.map { ($0.name, schema(of: $0)) }
    var entries: [(String, JSONValue)] = [
        ("type", .text("object")), ("additionalProperties", .bool(false)),
        ("properties", .object(properties)),
    ]
    // What a pool lacks may come from pool-defaults.
    let required = set.keys.filter(\.isRequired).map { JSONValue.text($0.name) }
    if !required.isEmpty, set.title != PoolKeys.set.title {
        entries.append(("required", .list(required)))
    }
    return entries
}

private func schema(of key: Key) -> JSONValue {
    var entries: [(String, JSONValue)] = [("description", .text(key.meaning))]
    if let standard = key.standard { entries.append(("default", value(standard, of: key.type))) }
    var choices = schemas(of: key.type)
    if !key.words.isEmpty {
        choices.append(.object([("enum", .list(key.words.map(word)))]))
    }
    if choices.count == 1, case .object(let only) = choices[0] {
        return .object(entries + only)
    }
    return .object(entries + [("anyOf", .list(choices))])
}

/// A word as YAML's readers take it.
private func word(_ text: String) -> JSONValue {
    ["true", "false"].contains(text) ? .bool(text == "true") : .text(text)
}

/// A default in JSON.
private func value(_ text: String, of type: ValueType) -> JSONValue {
    switch type {
    case .count: return Int(text).map { .number($0) } ?? word(text)
    case .factor: return Quantity.factor(text).number.map { .decimal($0) } ?? .text(text)
    case .bool: return .bool(text == "true")
    case .several(let inner):
        guard text.hasPrefix("[") else { return value(text, of: inner) }
        let parts = text.dropFirst().dropLast().split(separator: ",")
        return .list(parts.map { .text(String($0.drop { $0 == " " })) })
    default: return .text(text)
    }
}

private let environmentReference = JSONValue.object([("$ref", .text("#/$defs/environment"))])

private func pattern(_ pattern: String) -> JSONValue {
    .object([("type", .text("string")), ("pattern", .text(pattern))])
}

/// A status code, or a class of them.
private var statuses: [JSONValue] {
    let integer = JSONValue.object([
        ("type", .text("integer")), ("minimum", .number(200)), ("maximum", .number(599)),
    ])
    return [integer, pattern("^[2-5](xx|[0-9][0-9])$"), environmentReference]
}

/// The kinds of values that a type takes.
private func schemas(of type: ValueType) -> [JSONValue] {
    switch type {
    case .text, .template:
        let kinds: [JSONValue] = [.text("string"), .text("number"), .text("boolean")]
        return [.object([("type", .list(kinds))])]
    case .host, .path, .method, .pool, .file, .logTarget, .network, .listenAddress,
        .serverAddress, .nameServer:
        return [.object([("type", .text("string"))])]
    case .bool:
        return [.object([("type", .text("boolean"))]), environmentReference]
    case .count(let range):
        let integer = JSONValue.object([
            ("type", .text("integer")), ("minimum", .number(range.lowerBound)),
            ("maximum", .number(range.upperBound)),
        ])
        return [integer, environmentReference]
    case .size:
        return [pattern("^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|TiB)$"), environmentReference]
    case .duration:
        return [pattern("^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$"), environmentReference]
    case .rate:
        return [pattern("^[0-9]+(\\.[0-9]+)?/(s|m|h)$"), environmentReference]
    case .share:
        return [pattern("^[0-9]+(\\.[0-9]+)?%$"), environmentReference]
    case .factor(let range):
        let number = JSONValue.object([
            ("type", .text("number")), ("minimum", .decimal(range.lowerBound)),
            ("maximum", .decimal(range.upperBound)),
        ])
        return [number, environmentReference]
    case .octal:
        let integer = JSONValue.object([("type", .text("integer"))])
        return [pattern("^(0o)?[0-7]{3,4}$"), integer, environmentReference]
    case .status: return statuses
    case .answerStatus:
        let names = GRPCStatus.failures.map { JSONValue.text("\($0.name)") }
        return statuses + [.object([("enum", .list(names))])]
    case .window:
        return [pattern("^[0-9]+ of [0-9]+$"), environmentReference]
    case .word(let words):
        let numbers = words.compactMap { Quantity.factor($0).number }.map { JSONValue.decimal($0) }
        let all = words.map { JSONValue.text($0) } + numbers
        return [.object([("enum", .list(all))]), environmentReference]
    case .suite: return schemas(of: .word(TLSNames.suites))
    case .group: return schemas(of: .word(TLSNames.groups))
    case .several(let inner):
        return schemas(of: inner) + [list(of: inner)]
    case .named(let inner):
        let one = schemas(of: inner)
        let item = one.count == 1 ? one[0] : .object([("anyOf", .list(one))])
        return [.object([("type", .text("object")), ("additionalProperties", item)])]
    case .either(let words, let set):
        return [.object([("enum", .list(words.map { .text($0) }))]), environmentReference]
            + schemas(of: .map(set))
    case .map(let set):
        let reference = JSONValue.object([("$ref", .text("#/$defs/" + pointer(set.title)))])
        return shortForms(of: set) + [reference]
    }
}

private func list(of type: ValueType) -> JSONValue {
    let one = schemas(of: type)
    let item = one.count == 1 ? one[0] : .object([("anyOf", .list(one))])
    return .object([("type", .text("array")), ("minItems", .number(1)), ("items", item)])
}

private func shortForms(of set: KeySet) -> [JSONValue] {
    switch set.short {
    case .none: []
    case .scalar(let name), .wordOrScalar(_, let name):
        set.key(name).map { schemas(of: $0.type.single) } ?? []
    case .list(let name): set.key(name).map { [list(of: $0.type.single)] } ?? []
    case .values(let name): set.key(name).map { schemas(of: $0.type) } ?? []
    case .match: [.object([("type", .text("string"))])]
    case .truth: [.object([("enum", .list([.bool(true)]))])]
    }
}

/// A name inside a JSON pointer that is part of a URI (RFC 6901 §6).
private func pointer(_ name: String) -> String {
    var text = ""
    for character in name {
        switch character {
        case "<": text += "%3C"
        case ">": text += "%3E"
        case "[": text += "%5B"
        case "]": text += "%5D"
        default: text.append(character)
        }
    }
    return text
}
