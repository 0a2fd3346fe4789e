extension ValueType {
    /// What a diagnostic says that the key takes.
    var phrase: String {
        switch self {
        case .text, .template: "text"
        case .bool: "true or false"
        case .count: "a whole number"
        case .size: "a size"
        case .duration: "a duration"
        case .share: "a share"
        case .factor: "a number"
        case .rate: "a rate"
        case .octal: "octal digits"
        case .word(let words): words.count > 4 ? "a word" : words.joined(separator: " or ")
        case .status, .answerStatus: "a status"
        case .window: "a window"
        case .listenAddress, .serverAddress, .nameServer: "an address"
        case .network: "an address, a CIDR block or a name of networks"
        case .file: "a file's name"
        case .logTarget: "stdout, stderr or a file's name"
        case .host: "a host"
        case .path: "a path"
        case .method: "a method"
        case .pool: "a pool's name"
        case .suite: "a suite's name"
        case .group: "a group's name"
        case .several(let inner): inner.phrase
        case .either(let words, _): words.joined(separator: ", ") + " or a map"
        case .map, .named: "a map"
        }
    }
}
