import Configuration
import Testing

@Suite("Examples")
struct ExampleTests {
    static let names =
        PackageFiles.names(in: "examples", matching: "*.yaml")
        + ["cloud", "simulate"].flatMap { folder in
            PackageFiles.names(in: "examples/" + folder, matching: "*.yaml").map {
                folder + "/" + $0
            }
        }

    static func load(_ name: String, as text: String? = nil) -> LoadResult {
        var files = ExampleFiles(folder: FolderFiles(folder: PackageFiles.root + "/examples"))
        if let text { files.replaced = [name: text] }
        return Configuration.load(
            path: name,
            files: files,
            environment: { _ in nil },
            options: LoadOptions()
        )
    }

    @Test("an example loads without a word", arguments: names)
    func loads(name: String) {
        let result = Self.load(name)
        #expect(render(result.diagnostics) == "")
        #expect(result.config != nil)
        #expect(PackageFiles.text("examples/" + name).hasPrefix("# "), "no word what it is for")
    }

    @Test("an example printed in full loads to the same", arguments: names)
    func roundTrip(name: String) throws {
        let config = try #require(Self.load(name).config)
        let printed = effectiveYAML(of: config)
        let again = Self.load(name, as: printed)
        #expect(render(again.diagnostics) == "", "\(printed)")
        #expect(again.config == config, "\(printed)")
        let last = try #require(again.config)
        #expect(effectiveYAML(of: last) == printed)
    }

    @Test("there are examples")
    func count() {
        #expect(Self.names.count >= 8)
    }
}

/// The examples' folder with some files replaced.
private struct ExampleFiles: FileAccess {
    var folder: FolderFiles
    var replaced: [String: String] = [:]

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        if let text = replaced[path] { return .success(Array(text.utf8)) }
        // Nobody looks into certificates here; the end-to-end test makes some.
        if path.hasPrefix("/etc/weir/") {
            return .success(path.hasSuffix(".secret") ? Array("0123456789abcdef".utf8) : [])
        }
        return folder.read(path)
    }

    func glob(_ pattern: String) -> [String] { folder.glob(pattern) }
}
