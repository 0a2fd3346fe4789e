import CLibFuzzer
import Glibc

/// Fuzzes one of the HTTP parsers with libFuzzer.
///
/// `HTTPFuzz NAME [--seconds N] [--seed S]`, NAME as in `ParserUnderTest`. Starts from Corpus/NAME, keeps what
/// it finds interesting in .build/corpus/NAME, and writes an input that breaks an invariant into
/// Failures/NAME, where the main package's tests find it from then on. Exits with 0 if none did.
@main
struct HTTPFuzz {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        guard let name = words.first, let parser = ParserUnderTest(rawValue: name) else {
            let names = ParserUnderTest.allCases.map(\.rawValue).joined(separator: "|")
            print("usage: HTTPFuzz \(names) [--seconds N] [--seed S]")
            exit(64)
        }
        words.removeFirst()
        var seconds = 60
        var seed = 1
        while words.count >= 2, let number = Int(words[1]) {
            switch words[0] {
            case "--seconds": seconds = number
            case "--seed": seed = number
            default: break
            }
            words.removeFirst(2)
        }
        run(parser, seconds: seconds, seed: seed)
    }

    private static func run(_ parser: ParserUnderTest, seconds: Int, seed: Int) {
        // Relative to this file, so that it does not matter where it is started.
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let name = parser.rawValue
        let grown = "/\(root)/.build/corpus/\(name)"
        mkdir("/\(root)/.build", 0o755)
        mkdir("/\(root)/.build/corpus", 0o755)
        mkdir(grown, 0o755)
        let words = [
            "HTTPFuzz", "-max_total_time=\(seconds)", "-seed=\(seed)", "-max_len=1400",
            "-timeout=10", "-print_final_stats=1", "-verbosity=1",
            "-artifact_prefix=/\(root)/Failures/\(name)/", grown, "/\(root)/Corpus/\(name)",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var count = CInt(words.count)
        let status = arguments.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &base, test(parser))
        }
        exit(status)
    }

    private typealias Test = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

    private static func test(_ parser: ParserUnderTest) -> Test {
        switch parser {
        case .request: { HTTPFuzz.check(.request, $0, $1) }
        case .response: { HTTPFuzz.check(.response, $0, $1) }
        case .body: { HTTPFuzz.check(.body, $0, $1) }
        case .http2Server: { HTTPFuzz.check(.http2Server, $0, $1) }
        case .http2Client: { HTTPFuzz.check(.http2Client, $0, $1) }
        case .proxyHeader: { HTTPFuzz.check(.proxyHeader, $0, $1) }
        }
    }

    private static func check(
        _ parser: ParserUnderTest,
        _ start: UnsafePointer<UInt8>?,
        _ count: Int
    ) -> CInt {
        let bytes = Array(UnsafeBufferPointer(start: start, count: count))
        // Cut by what the input is, so that a failure repeats.
        var random = TestRandom(seed: bytes.reduce(7) { $0 &* 31 &+ UInt64($1) })
        if let violation = parser.violation(on: bytes, cutting: &random) {
            print(violation)
            abort()
        }
        return 0
    }
}
