import HTTP
import Health

/// A value whose kind was checked, before names are resolved.
indirect enum RawValue: Sendable {
    /// Text that the checks read further: an address, a pattern, a name.
    case text(ScalarText)
    case bool(Bool)
    case count(Int)
    case duration(Duration)
    case share(Double)
    case factor(Double)
    /// One status code, or a class of them.
    case codes(ClosedRange<Int>)
    /// `bad` of the last `of`.
    case window(bad: Int, of: Int)
    /// One of the words that the key takes beside its type.
    case lifted(String)
    case list([RawItem])
    case map(RawMap)
    case names([RawName])
}

/// A value with its place.
struct RawItem: Sendable {
    var value: RawValue
    var place: Place
    /// The key it stands behind, if it stands behind one.
    var keyPlace: Place?
    /// Whether something in it was reported, so that nothing can be said of what is missing.
    var isCut = false
    /// The scalar as the file has it; empty for all else.
    var written = ""

    /// Whether a scalar in it came from outside.
    var isFilled: Bool {
        switch value {
        case .text(let text): text.isFilled
        case .list(let items): items.contains(where: \.isFilled)
        case .map(let map): map.entries.values.contains(where: \.isFilled)
        case .names(let names): names.contains(where: \.item.isFilled)
        case .bool, .count, .duration, .share, .factor, .codes, .window, .lifted: false
        }
    }

    /// The text, if it is text.
    var text: ScalarText? {
        if case .text(let text) = value { text } else { nil }
    }

    /// The map, if it is one.
    var map: RawMap? {
        if case .map(let map) = value { map } else { nil }
    }

    /// The list's items; the value itself where it is no list.
    var items: [RawItem] {
        if case .list(let items) = value { items } else { [self] }
    }
}

/// A value under a name that the file chose.
struct RawName: Sendable {
    var name: String
    var place: Place
    var item: RawItem
}

/// A map whose keys are known and whose values have the right kind.
struct RawMap: Sendable {
    var entries: [String: RawItem] = [:]
    var place: Place
    /// Keys that stood there but whose values were refused.
    var refused: Set<String> = []
    /// Whether a part of it was refused or cut off.
    var isCut = false

    /// What the file has for the key.
    func item(_ key: Key) -> RawItem? { entries[key.name] }

    /// Whether the key stood there, well or not.
    func mentions(_ key: Key) -> Bool {
        entries[key.name] != nil || refused.contains(key.name)
    }

    /// The map under the key.
    func map(_ key: Key) -> RawMap? { entries[key.name]?.map }

    /// The items under the key, none if it is absent.
    func items(_ key: Key) -> [RawItem] { entries[key.name]?.items ?? [] }

    /// The names under the key, none if it is absent.
    func names(_ key: Key) -> [RawName] {
        if case .names(let names) = entries[key.name]?.value { names } else { [] }
    }

    /// The text under the key.
    func text(_ key: Key) -> String? { entries[key.name]?.text?.text }

    /// The number under the key; `nil` where the bound is lifted.
    func count(_ key: Key) -> Int? {
        if case .count(let count) = entries[key.name]?.value { count } else { nil }
    }

    /// The duration under the key; `nil` where the bound is lifted.
    func duration(_ key: Key) -> Duration? {
        if case .duration(let duration) = entries[key.name]?.value { duration } else { nil }
    }

    /// The truth value under the key.
    func bool(_ key: Key) -> Bool {
        if case .bool(let flag) = entries[key.name]?.value { flag } else { false }
    }

    /// The share under the key, 0 to 1.
    func share(_ key: Key) -> Double {
        if case .share(let share) = entries[key.name]?.value { share } else { 1 }
    }

    /// The share under the key, 0 to 1; `nil` where it is absent.
    func shareIfAny(_ key: Key) -> Double? {
        if case .share(let share) = entries[key.name]?.value { share } else { nil }
    }

    /// The number with a fraction under the key; `nil` where it is absent or turned away.
    func factor(_ key: Key) -> Double? {
        if case .factor(let factor) = entries[key.name]?.value { factor } else { nil }
    }

    /// The status codes under the key; `nil` where it is absent or turned away.
    func statuses(_ key: Key) -> StatusSet? {
        guard let item = entries[key.name], word(key) == nil else { return nil }
        var statuses = StatusSet()
        for item in item.items {
            guard case .codes(let codes) = item.value else { continue }
            statuses = statuses.union(StatusSet(codes))
            for call in GRPCStatus.failures where codes.contains(Int(call.rawValue)) {
                statuses.insert(call)
            }
        }
        return statuses
    }

    /// The words under the key, none where it is turned away.
    func words(_ key: Key) -> [String] { items(key).compactMap { $0.text?.text } }

    /// The word under the key that it takes beside its type.
    func word(_ key: Key) -> String? {
        if case .lifted(let word) = entries[key.name]?.value { word } else { nil }
    }

    /// This map where it says something, else the other: maps merge, all else is replaced.
    func over(_ other: RawMap) -> RawMap {
        var merged = self
        for (name, item) in other.entries where !refused.contains(name) {
            guard let own = entries[name] else {
                merged.entries[name] = item
                continue
            }
            if let ownMap = own.map, let otherMap = item.map {
                merged.entries[name]?.value = .map(ownMap.over(otherMap))
            }
        }
        merged.refused.formUnion(other.refused.filter { entries[$0] == nil })
        merged.isCut = isCut || other.isCut
        return merged
    }
}

extension KeySet {
    /// What counts where the file says nothing: the defaults of the keys as if they were written.
    var standards: RawMap {
        let reporter = Reporter()
        let place = Place(file: 0, line: 1, column: 1, length: 1)
        let validator = Validator(reporter: reporter)
        var map = RawMap(place: place)
        for key in keys {
            if let standard = key.standard {
                map.entries[key.name] = validator.value(
                    of: Node(standard: standard, place: place),
                    for: key
                )
            } else if case .map(let inner) = key.type, !key.words.contains("off") {
                map.entries[key.name] = RawItem(value: .map(inner.standards), place: place)
            }
        }
        return map
    }
}

extension Node {
    /// A default as the key's description writes it: text, or a list in brackets.
    init(standard: String, place: Place) {
        guard standard.hasPrefix("["), standard.hasSuffix("]") else {
            self.init(content: .scalar(ScalarText(standard)), place: place)
            return
        }
        var items: [Node] = []
        for part in standard.dropFirst().dropLast().split(separator: ",") {
            let text = String(part.drop { $0 == " " })
            items.append(Node(content: .scalar(ScalarText(text)), place: place))
        }
        self.init(content: .list(items), place: place)
    }
}
