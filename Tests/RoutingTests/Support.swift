import Routing

/// `normalisePath` on text: the normal form, or the error.
func normalised(_ path: String) -> Result<String, PathError> {
    let input = Array(path.utf8)
    var output = [UInt8](repeating: 0, count: max(1, input.count))
    let result = output.withUnsafeMutableBytes { normalisePath(input.span.bytes, into: $0) }
    switch result {
    case .unchanged: return .success(path)
    case .written(let count): return .success(String(decoding: output[..<count], as: UTF8.self))
    case .refused(let error): return .failure(error)
    }
}

/// `normaliseHost` on text.
func normalised(host: String) -> String {
    let input = Array(host.utf8)
    var output = [UInt8](repeating: 0, count: input.count)
    let count = output.withUnsafeMutableBytes { normaliseHost(input.span.bytes, into: $0) }
    return String(decoding: output[..<count], as: UTF8.self)
}

extension RouteTable {
    /// `match` on text.
    func match(_ host: String, _ path: String, _ method: String = "GET") -> Int? {
        let (host, path, method) = (Array(host.utf8), Array(path.utf8), Array(method.utf8))
        return withExtendedLifetime(self) {
            matcher.match(host: host.span.bytes, path: path.span.bytes, method: method.span.bytes)
        }
    }
}

/// splitmix64, so that these tests repeat.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 33) % bound }

    mutating func one<T>(of choices: [T]) -> T { choices[below(choices.count)] }
}
