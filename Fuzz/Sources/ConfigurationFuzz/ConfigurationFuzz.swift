import CLibFuzzer
import Configuration
import Glibc

/// Runs libFuzzer on the configuration file: `ConfigurationFuzz [--seconds N] [--seed S]`.
///
/// It starts from the golden files and the examples.
@main
struct ConfigurationFuzz {
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
            print("usage: ConfigurationFuzz [--seconds N] [--seed S]")
            exit(64)
        }
        exit(run(seconds: seconds, seed: seed))
    }

    private static func run(seconds: Int, seed: Int) -> CInt {
        // Relative to this file, so that it does not matter where it is started.
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let package = "/" + root.split(separator: "/").dropLast().joined(separator: "/")
        let grown = "\(root)/.build/corpus/configuration"
        for folder in ["\(root)/.build", "\(root)/.build/corpus", grown] { mkdir(folder, 0o755) }
        mkdir("\(root)/Failures/configuration", 0o755)
        let words = [
            "ConfigurationFuzz", "-max_total_time=\(seconds)", "-seed=\(seed)", "-max_len=2000",
            "-timeout=10", "-print_final_stats=1", "-verbosity=1",
            "-dict=\(root)/Corpus/configuration.dict",
            "-artifact_prefix=\(root)/Failures/configuration/", grown,
            "\(package)/Tests/ConfigurationTests/Golden", "\(package)/examples",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var count = CInt(words.count)
        return arguments.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &base) { start, count in
                let bytes = Array(UnsafeBufferPointer(start: start, count: count))
                if let violation = violation(ofFile: bytes) {
                    print(violation)
                    abort()
                }
                return 0
            }
        }
    }
}
