import Configuration
import Testing

/// Bad files beside what is said of them, in `Golden`.
@Suite("Golden diagnostics")
struct GoldenTests {
    static let folder = "Tests/ConfigurationTests/Golden"
    static let cases = PackageFiles.names(in: folder, matching: "*.yaml")
    static let secret = "s3cret-value"
    static let secretNumber = "7473"

    static func load(_ name: String) -> LoadResult {
        var options = LoadOptions()
        options.workingDirectory = "/etc/weir"
        options.requiresFiles = !name.hasPrefix("no-files")
        if name.hasPrefix("rights") {
            options.identity = ServingIdentity(user: "weir", group: "www", lowestPort: 1024)
        }
        options.inspectTLS = FakeCertificates.problems
        return Configuration.load(
            path: name,
            files: FolderFiles(folder: PackageFiles.root + "/" + folder),
            environment: { ["SECRET": secret, "SECRET_NUMBER": secretNumber][$0] },
            options: options
        )
    }

    @Test("a bad file is refused in these words", arguments: cases)
    func words(name: String) {
        let result = Self.load(name)
        let found = render(result.diagnostics)
        let path = Self.folder + "/" + name.dropLast("yaml".count) + "expected"
        if PackageFiles.rewrites { PackageFiles.write(found, to: path) }
        #expect(found == PackageFiles.text(path), "\(name)")
        #expect(!result.diagnostics.isEmpty, "\(name) is not bad")
        let hasErrors = result.diagnostics.contains { $0.severity == .error }
        #expect((result.config == nil) == hasErrors, "\(name)")
        #expect(
            !found.contains(Self.secret) && !found.contains(Self.secretNumber),
            "\(name) shows what the environment holds"
        )
    }

    @Test("every kind of mistake has a case")
    func completeness() {
        let found = Set(Self.cases.flatMap { Self.load($0).diagnostics.map(\.id) })
        let missing = DiagnosticID.allCases.filter { !found.contains($0) }
        #expect(missing.isEmpty)
        #expect(Self.cases.count >= 60)
    }

    @Test("diagnostics are sorted and each place has one of a kind", arguments: cases)
    func order(name: String) {
        let places = Self.load(name).diagnostics.map { ($0.file, $0.line, $0.column, $0.id) }
        for (first, second) in zip(places, places.dropFirst()) where first.0 == second.0 {
            #expect((first.1, first.2) <= (second.1, second.2))
            // A folder may hold several files that are bad.
            if first.3 == .certificate || first.3 == .file { continue }
            #expect((first.1, first.2) != (second.1, second.2) || first.3 != second.3)
        }
    }
}
