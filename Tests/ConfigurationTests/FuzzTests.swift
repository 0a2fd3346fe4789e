import Balancing
import Configuration
import Testing

/// Files that nobody meant: whatever they hold, loading ends in a configuration or in diagnostics.
@Suite("Mutated files")
struct FuzzTests {
    /// Good and bad files to begin with.
    static let seeds: [String] = {
        let golden = PackageFiles.names(in: GoldenTests.folder, matching: "*.yaml").map {
            PackageFiles.text(GoldenTests.folder + "/" + $0)
        }
        return golden + ExampleTests.names.map { PackageFiles.text("examples/" + $0) }
    }()

    /// More of them with `WEIR_FUZZ_SEEDS`; each is 60 files.
    static let lastSeed = UInt64(PackageFiles.setting("WEIR_FUZZ_SEEDS") ?? "") ?? 40

    static let words = [
        "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "\"", "'", "#", "&a ", "*a", "<<", "|",
        ">", "!", "%", "@", "`", "\t", "${", "$${", "${A}", "${file:x}", "{host}", "{{", "~",
        "null",
        "true", "1", "-1", "99999999999999999999", "0.5", "1s", "KiB", "%", "none", "off", "auto",
        "match", "pool", "routes:\n", "pools:\n", "include: ", "weir.yaml", "*", "*.x", "=/", "/",
        "~x", "unix:/", "[::1]:1", ":0", "é", "\u{1F600}", "\u{0}", "\u{FEFF}", "\u{2028}", "\r",
        "---\n", "...\n", "? ", "respond", "redirect", "servers", "listen: ",
        "health: ", "ejection: ", "retries: ", "fallback: ", "breaker: ", "budget: ", "srv: ",
        "servers-file: servers.yaml", "3 of 5", "5xx", "tcp", "main",
        "tls: {certificate: x, key: x}", "certificates: ", "folder: x", "http2: ", "true",
        "cleartext", "https-redirect: ", "suites: ", "min-version: 1.3",
    ]

    @Test("a mutated file ends in a configuration or in diagnostics", arguments: 1...lastSeed)
    func mutated(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for step in 0..<60 {
            let text = Self.mutation(&random)
            let found = violation(ofFile: text)
            let file = String(decoding: text, as: UTF8.self)
            #expect(found == nil, "seed \(seed), step \(step):\n\(file)")
        }
    }

    @Test("files that fuzzing found keep what every file keeps")
    func failures() {
        let folder = FolderFiles(folder: PackageFiles.root + "/Fuzz/Failures/configuration")
        for name in folder.glob("*") {
            guard case .success(let bytes) = folder.read(name) else { continue }
            #expect(violation(ofFile: bytes) == nil, "\(name)")
        }
    }

    /// A seed with a few bytes, words or lines changed.
    static func mutation(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(seeds.randomElement(using: &random)?.utf8 ?? "".utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let position = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
            case 1:
                let end = min(bytes.count, position + Int.random(in: 1...8, using: &random))
                bytes.removeSubrange(position..<end)
            case 2, 3:
                let word = words.randomElement(using: &random) ?? ""
                bytes.insert(contentsOf: Array(word.utf8), at: position)
            case 4:
                let other = Array((seeds.randomElement(using: &random) ?? "").utf8)
                let start = Int.random(in: 0...other.count, using: &random)
                let end = min(other.count, start + Int.random(in: 0...120, using: &random))
                bytes.insert(contentsOf: other[start..<end], at: position)
            default:
                bytes = Array(bytes[..<position])
            }
        }
        return bytes
    }
}
