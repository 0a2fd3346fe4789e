import CLibFuzzer
import Glibc

/// Runs libFuzzer on DNS answers with SRV records: `DNSFuzz [--seconds N] [--seed S]`.
@main
struct DNSFuzz {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
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
        guard words.isEmpty else {
            print("usage: DNSFuzz [--seconds N] [--seed S]")
            exit(64)
        }
        exit(run(seconds: seconds, seed: seed))
    }

    private static func run(seconds: Int, seed: Int) -> CInt {
        // Relative to this file, so that it does not matter where it is started.
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let grown = "\(root)/.build/corpus/dns"
        for folder in ["\(root)/.build", "\(root)/.build/corpus", grown] { mkdir(folder, 0o755) }
        mkdir("\(root)/Failures/dns", 0o755)
        let words = [
            "DNSFuzz", "-max_total_time=\(seconds)", "-seed=\(seed)", "-max_len=4096",
            "-timeout=10", "-print_final_stats=1", "-verbosity=1",
            "-artifact_prefix=\(root)/Failures/dns/", grown, "\(root)/Corpus/dns",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var count = CInt(words.count)
        return arguments.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &base) { start, count in
                let bytes = Array(UnsafeBufferPointer(start: start, count: count))
                if let answer = try? ServiceAnswer(bytes), !answer.isSound {
                    print("unsound records: \(answer.records)")
                    abort()
                }
                return 0
            }
        }
    }
}
