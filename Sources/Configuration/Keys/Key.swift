/// One key of the file: the parser, the JSON Schema and the reference page are made from this.
struct Key: Sendable {
    /// As written in the file.
    let name: String
    /// What its value may be.
    let type: ValueType
    /// Words taken beside the type: `none` lifts a bound, `off` turns a feature away, `auto`
    /// leaves the choice to Weir.
    let words: [String]
    /// The value that counts where the file has none, as it would be written.
    let standard: String?
    /// What the reference says of the default where `standard` cannot say it.
    let standardNote: String?
    /// Whether the key must be there.
    let isRequired: Bool
    /// What it does, in one line.
    let meaning: String
    /// A value as it would be written.
    let example: String
    /// What to write for none of it, where neither a word nor 0 says so.
    let nothing: String?

    init(
        _ name: String,
        _ type: ValueType,
        or words: [String] = [],
        standard: String? = nil,
        note: String? = nil,
        required: Bool = false,
        example: String,
        nothing: String? = nil,
        _ meaning: String
    ) {
        self.name = name
        self.type = type
        self.words = words
        self.standard = standard
        standardNote = note
        isRequired = required
        self.meaning = meaning
        self.example = example
        self.nothing = nothing
    }
}

extension Key {
    /// What people write who want none of it.
    static let refusals = ["off", "none", "no", "false", "never", "disabled", "null"]

    /// The remedy for somebody who wrote one of ``refusals``; `nil` for all others.
    func remedy(forRefusal text: String) -> String? {
        guard Self.refusals.contains(text.lowercased()) else { return nil }
        if let word = words.first(where: Self.refusals.contains) { return "write \(word)" }
        if let nothing { return "write \(nothing)" }
        return switch type {
        case .duration(let range) where range.lowerBound == .zero: "write 0s"
        case .count(let range) where range.lowerBound == 0: "write 0"
        case .size(let range) where range.lowerBound == 0: "write 0B"
        default: nil
        }
    }
}

/// What a value may be.
indirect enum ValueType: Sendable {
    case text
    case bool
    case count(ClosedRange<Int>)
    case size(ClosedRange<Int>)
    case duration(ClosedRange<Duration>)
    case share
    /// A number that may have a fraction.
    case factor(ClosedRange<Double>)
    /// Events in a time, 1 an hour to 1,000,000 a second.
    case rate
    case octal
    case word([String])
    /// A status code, 200 to 599, or a class of them as `5xx`.
    case status
    /// The same, or the name of a status of gRPC.
    case answerStatus
    /// So many of so many, `3 of 5`: 1 to 64.
    case window
    case listenAddress
    case serverAddress
    /// An IP address of a name server, with its port or without.
    case nameServer
    case network
    case file
    case logTarget
    case template
    case host
    case path
    case method
    case pool
    /// The name of a cipher suite that is safe, as OpenSSL calls it.
    case suite
    /// The name of a group for key exchange that is safe.
    case group
    /// One value or a list of them.
    case several(ValueType)
    /// A map with these keys.
    case map(KeySet)
    /// A map from names that the file chooses.
    case named(ValueType)
    /// One of these words, or a map with these keys.
    case either([String], KeySet)
}

/// The keys of one kind of map.
struct KeySet: Sendable {
    /// How a value that is no map is read.
    enum ShortForm: Sendable {
        case none
        /// Text stands for the map with this one key.
        case scalar(String)
        /// A word of the first key stands for the map with that key, other text for the map with
        /// the second.
        case wordOrScalar(String, String)
        /// A list stands for the map with this one key.
        case list(String)
        /// A value, or a list of them, stands for the map with this one key.
        case values(String)
        /// Text of a `match`: a host, a path, or a host with a path behind it.
        case match
        /// `true` stands for the map with this one key at its default.
        case truth(String)
    }

    /// The heading in the reference, for example `pools.<name>.timeouts`.
    let title: String
    /// How a diagnostic names a map of this kind, for example `timeouts`.
    let noun: String
    /// What it is for.
    let meaning: String
    /// How a value that is no map is read.
    let short: ShortForm
    /// In the order of the reference.
    let keys: [Key]

    init(
        _ title: String,
        noun: String,
        short: ShortForm = .none,
        _ meaning: String,
        keys: [Key]
    ) {
        self.title = title
        self.noun = noun
        self.short = short
        self.meaning = meaning
        self.keys = keys
    }

    /// The key of this name, if there is one.
    func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

extension ValueType {
    /// What one of several is; itself for all else.
    var single: ValueType {
        if case .several(let inner) = self { inner } else { self }
    }

    /// The map that values of this type are, whether one, several or named.
    var keySet: KeySet? {
        switch self {
        case .map(let set), .either(_, let set): set
        case .several(let inner), .named(let inner): inner.keySet
        default: nil
        }
    }
}
