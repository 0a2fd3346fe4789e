/// What a syntax error most likely comes from, in words for someone who does not know YAML's
/// grammar by heart.
struct YAMLTrap {
    var id = DiagnosticID.yamlSyntax
    /// From 1.
    var line: Int
    /// From 1.
    var column: Int
    var length = 1
    var message: String
    var remedy: String
    /// Reading resumes behind this line, from 1.
    var resumeAfter: Int

    private var errorLine: Int
    private var errorColumn: Int

    init(_ failure: YAMLFailure, lineOffset: Int, source: SourceFile) {
        errorLine = failure.line + 1 + lineOffset
        errorColumn = failure.column + 1
        line = errorLine
        column = errorColumn
        message = failure.problem
        remedy = "see the line above as well"
        resumeAfter = errorLine
        explain(failure, lineOffset: lineOffset, source: source)
        let width = source.line(line).unicodeScalars.count
        column = min(column, width + 1)
    }

    /// Whether a scalar that ended at `end` (line and column from 0, in the part that was read)
    /// reaches to the error without a comma between.
    func touches(_ end: (line: Int, column: Int), source: SourceFile) -> Bool {
        let scalars = Array(source.line(errorLine).unicodeScalars)
        guard end.column <= scalars.count, end.column <= errorColumn - 1 else { return true }
        let upper = min(errorColumn - 1, scalars.count)
        return !scalars[end.column..<max(end.column, upper)].contains(",")
    }

    private mutating func explain(_ failure: YAMLFailure, lineOffset: Int, source: SourceFile) {
        let text = Array(source.line(errorLine).unicodeScalars)
        let isStart =
            failure.problem.contains("cannot start any token")
            || failure.problem.contains("tab")
        if isStart, explainScalarStart(text) { return }
        if let start = failure.contextLine.map({ $0 + 1 + lineOffset }) {
            let isQuote = failure.context.contains("quoted scalar")
            let isFlow = failure.context.contains("flow")
            if isQuote, start < errorLine {
                unclosed(start, failure.contextColumn + 1, "quote", source)
                return
            }
            if isFlow, start < errorLine, isOutside(start, source: source) {
                unclosed(start, failure.contextColumn + 1, "bracket", source)
                return
            }
        }
        if let trap = flowTrap(in: text) {
            self.column = trap.column
            length = trap.length
            id = trap.id
            message = trap.message
            remedy = trap.remedy
            return
        }
        if let start = failure.contextLine.map({ $0 + 1 + lineOffset }),
            failure.problem.contains("could not find expected ':'")
        {
            explainMissingColon(start, failure.contextColumn + 1, source)
            return
        }
        if explainIndentation(failure.problem, text) { return }
        explainPlainly(failure.problem, failure.context)
    }

    /// Whether the line of the error is no part of the brackets that began in `start`.
    private func isOutside(_ start: Int, source: SourceFile) -> Bool {
        let indentation = source.line(start).prefix { $0 == " " }.count
        let text = source.line(errorLine)
        return text.allSatisfy { $0 == " " } || text.prefix { $0 == " " }.count <= indentation
    }

    private mutating func unclosed(
        _ start: Int,
        _ startColumn: Int,
        _ what: String,
        _ source: SourceFile
    ) {
        line = start
        column = startColumn
        message = "the \(what) that opens here is never closed"
        remedy = "close it in this line"
        resumeAfter = min(errorLine - 1, source.lineStarts.count)
        if what == "quote" { resumeAfter = start }
    }

    /// The characters that may not begin a value.
    private mutating func explainScalarStart(_ text: [Unicode.Scalar]) -> Bool {
        guard text.indices.contains(errorColumn - 1) else { return false }
        let scalar = text[errorColumn - 1]
        let blanks = text.prefix(while: { $0 == " " || $0 == "\t" })
        if let tab = blanks.firstIndex(of: "\t"), errorColumn - 1 <= blanks.count {
            id = .yamlTab
            column = tab + 1
            message = "a tab indents this line"
            remedy = "YAML takes blanks only: indent with two blanks"
            return true
        }
        if scalar == "\t" {
            id = .yamlTab
            message = "a tab stands here"
            remedy = "YAML takes blanks only"
            return true
        }
        if ["%", "@", "`"].contains(scalar) {
            message = "a value cannot begin with \(scalar) unless it is quoted"
            remedy = "quote it: \"\(scalar)…\""
            return true
        }
        return false
    }

    private mutating func explainMissingColon(_ start: Int, _ from: Int, _ source: SourceFile) {
        let text = source.line(start).unicodeScalars.dropFirst(from - 1)
        line = start
        column = from
        length = max(1, text.prefix { $0 != " " }.count)
        resumeAfter = start
        message = "a key without a colon"
        remedy = "write key: value"
        if text.contains(":") {
            message = "a key without a blank after its colon"
            remedy = "write key: value, with a blank"
        }
    }

    /// A key that is indented further than the one above, which has its value already.
    private mutating func explainIndentation(_ problem: String, _ text: [Unicode.Scalar]) -> Bool {
        guard problem.contains("mapping values are not allowed"), errorColumn <= text.count else {
            return false
        }
        let before = text[..<(errorColumn - 1)]
        let indentation = before.prefix { $0 == " " }.count
        let key = before.dropFirst(indentation)
        guard indentation > 0, !key.isEmpty, !key.contains(" "), !key.contains(":") else {
            return false
        }
        column = indentation + 1
        length = key.count
        message = "this line is indented further than the one above, which has a value already"
        remedy = "indent the keys of one map equally"
        return true
    }

    private mutating func explainPlainly(_ problem: String, _ context: String) {
        if problem.contains("mapping values are not allowed") {
            message = "a second colon in one value"
            remedy = "quote the value, or begin a new line that is indented further"
        } else if problem.contains("block sequence entries") || problem.contains("'-' indicator") {
            message = "a list begins in the line of its key"
            remedy = "begin the list in a line of its own, or write it as [a, b]"
        } else if problem.contains("expected key") || problem.contains("<block end>") {
            message = "this line's indentation fits no line above"
            remedy = "indent the keys of one map, and the entries of one list, equally"
        } else if context.contains("flow") {
            message = "a comma or the closing bracket is missing before this"
            remedy = "write [a, b] or {key: value, key: value}, and quote text with brackets"
        } else if problem.contains("escape") {
            message = "an unknown escape in double quotes"
            remedy = "write \\\\ for a backslash, or use single quotes"
        } else {
            message = "YAML cannot read this: \(problem)"
            remedy = "see the line above as well"
        }
    }
}
