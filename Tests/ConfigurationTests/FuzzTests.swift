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
    ]

    @Test("a mutated file ends in a configuration or in diagnostics", arguments: 1...lastSeed)
    func mutated(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for step in 0..<60 {
            let text = Self.mutation(&random)
            let files = MemoryFiles(files: ["weir.yaml": "", "x": "y"])
            let result = Self.load(text, files)
            let name = "seed \(seed), step \(step):\n\(String(decoding: text, as: UTF8.self))"
            let hasErrors = result.diagnostics.contains { $0.severity == .error }
            #expect((result.config == nil) == hasErrors, "\(name)")
            for diagnostic in result.diagnostics {
                #expect(diagnostic.line >= 1 && diagnostic.column >= 1, "\(name)")
                #expect(diagnostic.caretLength >= 1 && !diagnostic.message.isEmpty, "\(name)")
            }
            #expect(render(result.diagnostics).isEmpty == result.diagnostics.isEmpty, "\(name)")
            #expect(!renderJSON(result.diagnostics).isEmpty)
            guard let config = result.config else { continue }
            let printed = effectiveYAML(of: config)
            let again = Self.load(Array(printed.utf8), files)
            #expect(again.config == config, "\(name)\n\(printed)\n\(render(again.diagnostics))")
        }
    }

    static func load(_ text: [UInt8], _ files: MemoryFiles) -> LoadResult {
        Configuration.load(
            path: "weir.yaml",
            files: ByteFiles(bytes: text, others: files),
            environment: { ["A": "a", "E": ""][$0] },
            options: LoadOptions()
        )
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

/// A file of any bytes beside others.
private struct ByteFiles: FileAccess {
    var bytes: [UInt8]
    var others: MemoryFiles

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        path == "weir.yaml" ? .success(bytes) : others.read(path)
    }

    func glob(_ pattern: String) -> [String] { others.glob(pattern) }
}
