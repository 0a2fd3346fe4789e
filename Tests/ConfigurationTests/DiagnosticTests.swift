import Configuration
import Testing

@Suite("Diagnostics")
struct DiagnosticTests {
    static func diagnostic(_ line: String, column: Int, length: Int, number: Int = 9) -> Diagnostic
    {
        var all = load("\(String(repeating: "\n", count: number - 1))x: 1\n").diagnostics
        all[0].sourceLine = line
        all[0].line = number
        all[0].column = column
        all[0].caretLength = length
        all[0].remedy = "do this"
        return all[0]
    }

    @Test("the caret stands under the fault, whatever the line holds")
    func caret() {
        let cases = [
            (
                Self.diagnostic("ab: c", column: 5, length: 1), "   9 | ab: c",
                "     |     ^ do this"
            ),
            (Self.diagnostic("\tab", column: 2, length: 2), "   9 | \tab", "     | \t^^ do this"),
            (
                Self.diagnostic("a\u{1B}[31mb", column: 1, length: 1), "   9 | a\u{FFFD}[31mb",
                "     | ^ do this"
            ),
            (Self.diagnostic("", column: 1, length: 5), "   9 | ", "     | ^ do this"),
            (Self.diagnostic("ab", column: 9, length: 9), "   9 | ab", "     |   ^ do this"),
            (
                Self.diagnostic("ab", column: 1, length: 1, number: 12345), "12345 | ab",
                "      | ^ do this"
            ),
        ]
        for (diagnostic, source, caret) in cases {
            let lines = diagnostic.rendered().split(
                separator: "\n",
                omittingEmptySubsequences: false
            )
            #expect(lines.count == 4 && lines[1] == source && lines[2] == caret)
        }
    }

    @Test("the last line counts")
    func counts() {
        let error = Self.diagnostic("a", column: 1, length: 1)
        var warning = error
        warning.severity = .warning
        #expect(summary(of: [error]) == "1 error")
        #expect(summary(of: [error, warning, error]) == "2 errors, 1 warning")
        #expect(summary(of: [warning, warning]) == "2 warnings")
        #expect(render([]) == "")
        #expect(render([error, warning]).hasSuffix("\n1 error, 1 warning\n"))
    }

    @Test("JSON says the same")
    func json() {
        var error = Self.diagnostic("a", column: 1, length: 1)
        error.message = "a \"b\" \n"
        #expect(
            renderJSON([error]) == """
                {
                  "errors": 1,
                  "warnings": 0,
                  "diagnostics": [
                    {
                      "file": "weir.yaml",
                      "line": 9,
                      "column": 1,
                      "severity": "error",
                      "id": "unknown-key",
                      "message": "a \\"b\\" \\n",
                      "remedy": "do this"
                    }
                  ]
                }

                """
        )
        #expect(renderJSON([]).contains("\"diagnostics\": []"))
    }
}
