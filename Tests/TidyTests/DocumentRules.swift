import Foundation
import Testing

/// The rules of the documents that a program can hold.
@Suite("Documents are tidy")
struct DocumentRules {
    private let pages =
        ["README.md", "ARCHITECTURE.md"].compactMap { SourceTree.file($0) }
        + SourceTree.files(under: "docs", endings: ["md"])

    @Test("the documents are where this test looks for them")
    func tree() {
        for path in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs", "examples"] {
            #expect(SourceTree.exists(path), "\(path) is missing")
        }
    }

    @Test("every file in docs is linked from the README or another page")
    func linked() {
        let documents = SourceTree.paths(under: "docs")
        #expect(!documents.isEmpty)
        let orphans = documents.filter { document in
            !pages.contains { page in
                page.path != document && links(of: page).contains { $0.target == document }
            }
        }
        #expect(orphans.isEmpty, "\(orphans.joined(separator: "\n"))")
    }

    @Test("every link inside the package leads somewhere")
    func unbroken() {
        let broken = pages.flatMap { page in
            links(of: page).filter { !SourceTree.exists($0.target) }.map {
                Slip(path: page.path, line: $0.line, what: "no \($0.target)")
            }
        }
        #expect(broken.isEmpty, "\(broken.report)")
    }

    @Test("every example is named in the README or a page")
    func examples() {
        let examples = SourceTree.paths(under: "examples")
        #expect(!examples.isEmpty)
        let unnamed = examples.filter { example in
            !pages.contains { $0.text.contains(example) || linksTo(example, from: $0) }
        }
        #expect(unnamed.isEmpty, "\(unnamed.joined(separator: "\n"))")
    }

    @Test("every outcome is explained in the reference, and nothing else is")
    func outcomes() throws {
        let files = SourceTree.files(under: "Sources/Proxy", endings: ["swift"])
            .filter { $0.name.hasPrefix("Outcome") }
        let words = files.flatMap { outcomeWords($0.text) }
        #expect(words.count > 10, "no words were found in Sources/Proxy/Outcome*.swift")
        let page = try #require(
            SourceTree.file("docs/reference/outcomes.md"),
            "the page of outcomes is missing"
        )
        let explained = explainedWords(page)
        let missing = words.filter { !explained.contains($0) }
        #expect(missing.isEmpty, "not explained: \(missing.joined(separator: ", "))")
        let unknown = explained.subtracting(words)
        #expect(unknown.isEmpty, "no outcome: \(unknown.sorted().joined(separator: ", "))")
    }

    @Test("every event is explained in the reference, and nothing else is")
    func events() throws {
        let file = try #require(SourceTree.file("Sources/Health/HealthEvent.swift"))
        let words = eventWords(file.text)
        #expect(words.count > 10, "no events were found in \(file.path)")
        let page = try #require(SourceTree.file("docs/reference/events.md"))
        let fields: Set = ["time", "event", "pool", "endpoint", "reason", "until"]
        #expect(explainedWords(page).subtracting(fields) == Set(words))
    }

    private func linksTo(_ target: String, from page: SourceFile) -> Bool {
        links(of: page).contains { $0.target == target }
    }
}

/// The words in code type that a heading or a table's row begins with.
func explainedWords(_ page: SourceFile) -> Set<String> {
    Set(
        page.lines.compactMap { line in
            line.firstMatch(of: /^(?:#+|\|)\s*`([a-z-]+)`/).map { String($0.1) }
        }
    )
}
