import Testing

/// The scanners see what they are meant to see.
@Suite("Tidy scanners")
struct ScannerTests {
    private func file(_ path: String, _ lines: [String]) -> SourceFile {
        SourceFile(path: path, text: lines.joined(separator: "\n") + "\n")
    }

    @Test("lines are counted without the end of the last one")
    func lines() {
        #expect(file("a.swift", ["a", "", "b"]).lines.count == 3)
        #expect(SourceFile(path: "a", text: "").lines.isEmpty)
        #expect(SourceFile(path: "a", text: "x").lines.count == 1)
    }

    @Test("a line of 100 columns passes, one of 101 does not")
    func columns() {
        let both = file(
            "a.swift",
            ["", "é" + String(repeating: "x", count: 99)] + [String(repeating: "x", count: 101)]
        )
        #expect(longLines(both, limit: 100).map(\.line) == [3])
    }

    @Test(
        "a function of 60 lines passes, one of 61 does not",
        arguments: [
            "func f() {", "    public static func f<T>(", "    init?(", "    deinit {",
            "    subscript(i: Int) -> Int {", "    @Test(\"x\") func f() {",
            "    private mutating func f() -> Int {", "    public var f: [Int] {",
            "    @inline(__always) public func f() {",
        ]
    )
    func swiftFunctions(opening: String) {
        let space = String(opening.prefix { $0 == " " })
        for (count, expected) in [(60, 0), (61, 1)] {
            var lines = ["", opening]
            if opening.hasSuffix("(") {
                lines += ["\(space)    a: Int", "\(space)) where T: Equatable {"]
            }
            while lines.count < count { lines.append("\(space)    body()") }
            lines += ["\(space)}", "\(space)func short() {", "\(space)}"]
            #expect(longFunctions(file("a.swift", lines), limit: 60).count == expected)
        }
    }

    @Test("requirements, one-line bodies and types are no long functions")
    func noFunctions() {
        let body = [String](repeating: "    let x = 1", count: 80)
        let lines = ["func f() -> Int", "func g() { 1 }", "struct S {"] + body + ["}"]
        #expect(longFunctions(file("a.swift", lines), limit: 60).isEmpty)
    }

    @Test("rows of a table do not count")
    func tables() {
        for (row, expected) in [("case .a: \"a\"", 0), ("case .a: 404", 0), ("case .a: f()", 1)] {
            let rows = [String](repeating: "        " + row, count: 70)
            let lines = ["    var word: String {"] + rows + ["    }"]
            #expect(longFunctions(file("a.swift", lines), limit: 60).count == expected)
        }
    }

    @Test("Python functions end where the indentation does")
    func pythonFunctions() {
        for (count, expected) in [(59, 0), (60, 1)] {
            let body = [String](repeating: "        pass", count: count)
            let lines =
                ["class A:", "    async def f(", "    ):"] + body.dropLast() + ["", "x = 1"]
            #expect(longFunctions(file("a.py", lines), limit: 60).count == expected)
        }
    }

    @Test("code is without comments and literals")
    func codeOnly() {
        let text = file(
            "a.swift",
            [
                "let a = \"try! \\\" //\" // as!", "/* fatalError(", "x */ let b = 1",
                "\"\"\"", "as!", "\"\"\"", "c /* d */ e",
            ]
        )
        #expect(text.code == ["let a = \"\" ", "", " let b = 1", "", "", "", "c  e"])
    }

    @Test("imports are found in every form")
    func allImports() {
        let lines = [
            "import A", "@testable import B", "public import C", "import struct D.E",
            "@preconcurrency import F", "// import G", "let x = 1  // import H",
            "@_spi(X) import I",
        ]
        #expect(
            imports(of: file("a.swift", lines)).map(\.module) == ["A", "B", "C", "D", "F", "I"]
        )
    }

    @Test("calls of free functions are told from methods and declarations")
    func calls() {
        let lines = [
            "socket(1)", "weir_socket(1)", "x.socket(1)", "func bind(", "let x = time(nil) + y(",
            "// send(", "Glibc.recv(", "case accept(Int)",
        ]
        let found = freeCalls(file("a.swift", lines))
        #expect(
            found.filter { !$0.isDeclaration }.map(\.name) == [
                "socket", "weir_socket", "time", "y",
            ]
        )
        #expect(found.filter(\.isDeclaration).map(\.name) == ["bind", "accept"])
        #expect(found.map(\.line) == [1, 2, 4, 5, 5, 8])
    }

    @Test("banned words are found as whole words only")
    func wholeWords() {
        let lines = ["try! f()", "entry! x", "has!", "x as! Y", "fatalError()", "isfatalError("]
        let banned = ["try!", "as!", "fatalError("]
        #expect(occurrences(of: banned, in: lines, path: "a").map(\.line) == [1, 4, 5])
        let notes = ["HACK", "HACKS", "// HACK: x", "A_HACK"]
        #expect(occurrences(of: ["HACK"], in: notes, path: "a").map(\.line) == [1, 3])
    }

    @Test("links are resolved from their page")
    func allLinks() {
        let page = file(
            "docs/how-to/a.md",
            [
                "[x](../b.md#c) and [y](d.md), ![z](./e.svg \"t\")", "[w](https://e.com/f.md)",
                "[q](#here) [r](<g.md>)",
            ]
        )
        #expect(
            links(of: page).map(\.target)
                == ["docs/b.md", "docs/how-to/d.md", "docs/how-to/e.svg", "docs/how-to/g.md"]
        )
    }

    @Test("pure targets are read from the manifest")
    func manifest() {
        let text = """
            .target(name: "A", swiftSettings: common), .target(name: "B", swiftSettings: pure),
            .target(
                name: "C", dependencies: ["A"],
                swiftSettings: pure), .testTarget(name: "D", swiftSettings: common)
            """
        #expect(pureTargets(manifest: text) == ["B", "C"])
    }

    @Test("outcomes are read from the property, explained ones from headings and rows")
    func outcomes() {
        let text = """
                public var word: StaticString {
                    switch self {
                    case .ok: "ok"
                    case .badRequest, .other: "bad-request"
                    }
                }

                var other: String { case .x: "not-this" }
            """
        #expect(outcomeWords(text) == ["ok", "bad-request"])
        let page = file(
            "p.md",
            ["## `ok`", "| `bad-request` | 400 |", "text `no` `x`", "| word |"]
        )
        #expect(explainedWords(page) == ["ok", "bad-request"])
    }
}
