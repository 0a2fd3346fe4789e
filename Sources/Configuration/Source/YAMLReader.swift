import CYaml

/// Bounds on a file, so that none can exhaust memory or stack.
enum SourceLimits {
    /// Bytes of one file.
    static let fileSizeMax = 4 << 20
    /// Maps and lists inside one another.
    static let depthMax = 32
    /// Nodes of one file, those that aliases repeat included.
    static let nodeCountMax = 1_000_000
    /// Syntax errors that reading resumes after.
    static let syntaxErrorMax = 20
    /// Files that includes may bring.
    static let fileCountMax = 1000
    /// Files inside one another, the first one counted.
    static let includeDepthMax = 8
}

/// Reads a file's text into a tree.
struct YAMLReader {
    let file: Int
    let source: SourceFile
    let reporter: Reporter

    /// The top level's entries; `nil` where the file holds something else than a map.
    func read() -> Node {
        var root = Node(
            content: .map([]),
            place: Place(file: file, line: 1, column: 1, length: 1)
        )
        guard isReadable() else {
            root.isCut = true
            return root
        }
        var entries: [Entry] = []
        var line = 1
        var errors = 0
        while line <= source.lineStarts.count {
            let part = readPart(fromLine: line)
            if part.resumeLine != nil { root.isCut = true }
            if case .map(let found) = part.node?.content {
                appendEntries(found, to: &entries)
                root.isCut = root.isCut || part.node?.isCut == true
            } else if let node = part.node, node.scalar?.isNull != true {
                reportNoMap(node)
                root.isCut = true
            }
            errors += 1
            guard let next = part.resumeLine, errors < SourceLimits.syntaxErrorMax else { break }
            line = next
        }
        root.content = .map(entries)
        return root
    }

    /// The list that the whole file is; `nil`, and a report, where it holds something else.
    func readList() -> Node? {
        guard isReadable() else { return nil }
        let part = readPart(fromLine: 1)
        if let node = part.node, case .list = node.content { return node }
        if part.resumeLine == nil, !reporter.has(.tooLarge) { reportNoList(part.node) }
        return nil
    }

    private func reportNoList(_ node: Node?) {
        let first = node.flatMap { $0.scalar?.isNull == true ? nil : $0 }
        reporter.error(
            .type,
            first?.place ?? Place(file: file, line: 1, column: 1, length: 1),
            first == nil ? "the file is empty" : "the file holds no list of servers",
            remedy: "write a server a line, each behind a dash: - 10.0.0.1:8080"
        )
    }

    /// Adds what a later part of the file has, and reports keys that are there already.
    private func appendEntries(_ found: [Entry], to entries: inout [Entry]) {
        for var entry in found {
            if !entry.isRepeated, let first = entries.first(where: { $0.name == entry.name }) {
                reportRepeated(entry.name, at: entry.keyPlace, first: first.keyPlace, reporter)
                entry.isRepeated = true
            }
            entries.append(entry)
        }
    }

    private func reportNoMap(_ node: Node) {
        reporter.error(
            .type,
            node.place,
            "the file holds no keys",
            remedy: "begin with a key at the start of a line, for example listen: \":8080\""
        )
    }

    /// Whether size and encoding let the parser at the text.
    private func isReadable() -> Bool {
        let bytes = source.bytes
        if bytes.count > SourceLimits.fileSizeMax {
            reporter.error(
                .tooLarge,
                Place(file: file, line: 1, column: 1, length: 1),
                "the file has \(bytes.count) bytes",
                remedy: "at most \(SourceLimits.fileSizeMax) are read: split it with include"
            )
            return false
        }
        guard let fault = firstFault(in: bytes) else { return true }
        let position = source.position(ofByte: fault.offset)
        reporter.error(
            .encoding,
            Place(file: file, line: position.line, column: position.column, length: 1),
            fault.message,
            remedy: "save the file as UTF-8 text"
        )
        return false
    }

    private func firstFault(in bytes: [UInt8]) -> (offset: Int, message: String)? {
        for (offset, byte) in bytes.enumerated() {
            let isControl = byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D
            if isControl || byte == 0x7F {
                return (offset, "byte \(byte) is a control character")
            }
        }
        if bytes.allSatisfy({ $0 < 0x80 }) { return nil }
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput: return nil
            case .error: return (offset, "this is no UTF-8")
            case .valid(let encoded):
                let value = Unicode.UTF8.decode(encoded).value
                if Self.isRefused(value) {
                    return (offset, "U+\(String(value, radix: 16, uppercase: true)) is no text")
                }
                offset += encoded.count
            }
        }
    }

    /// Characters that YAML does not take (YAML 1.2 §5.1), beyond ASCII.
    private static func isRefused(_ value: UInt32) -> Bool {
        switch value {
        case 0x80..<0x85, 0x86..<0xA0, 0xFEFF, 0xFFFE, 0xFFFF: true
        default: false
        }
    }

    /// What the text from a line on holds, and where to go on after a syntax error.
    private struct Part {
        var node: Node?
        var resumeLine: Int?
    }

    private func readPart(fromLine first: Int) -> Part {
        var builder = TreeBuilder(file: file, lineOffset: first - 1, reporter: reporter)
        let start = source.lineStarts[first - 1]
        var failure: YAMLFailure?
        unsafe source.bytes.withUnsafeBufferPointer { whole in
            let text = unsafe UnsafeBufferPointer(rebasing: whole[start...])
            failure = unsafe parse(text, into: &builder)
        }
        guard let failure else {
            return Part(node: builder.finish(isCut: builder.isStopped), resumeLine: nil)
        }
        reporter.hasSyntaxErrors = true
        let trap = YAMLTrap(failure, lineOffset: first - 1, source: source)
        builder.dropLastScalar { place in
            trap.touches(place, source: source)
        }
        let place = Place(file: file, line: trap.line, column: trap.column, length: trap.length)
        reporter.error(trap.id, place, trap.message, remedy: trap.remedy)
        builder.refused = place
        var next = max(trap.resumeAfter + 1, first + 1)
        while next <= source.lineStarts.count, !source.startsTopLevelKey(next) { next += 1 }
        return Part(node: builder.finish(isCut: true), resumeLine: next)
    }

    /// Feeds libyaml's events to the builder until the text ends, breaks, or is refused.
    private func parse(
        _ text: UnsafeBufferPointer<UInt8>,
        into builder: inout TreeBuilder
    ) -> YAMLFailure? {
        // libyaml keeps a pointer to the parser inside itself: it may not move.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { unsafe parser.deallocate() }
        guard unsafe yaml_parser_initialize(parser) != 0 else {
            return YAMLFailure(problem: "out of memory")
        }
        defer { unsafe yaml_parser_delete(parser) }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(parser, &event) != 0 else {
                return unsafe YAMLFailure(parser.pointee)
            }
            let isLast = unsafe event.type == YAML_STREAM_END_EVENT
            unsafe builder.add(event)
            unsafe yaml_event_delete(&event)
            if isLast || builder.isStopped { return nil }
        }
    }
}

/// Reports a key that its map has already.
func reportRepeated(_ name: String, at place: Place, first: Place, _ reporter: Reporter) {
    reporter.error(
        .repeatedKey,
        place,
        "\"\(name)\" is here a second time, first in \(reporter.name(of: first, from: place))",
        remedy: "a key stands once in a map: join the two"
    )
}

/// Where and why libyaml stopped.
struct YAMLFailure {
    /// What libyaml says is wrong.
    var problem = ""
    /// What it was reading.
    var context = ""
    /// From 0, in the text it was given.
    var line = 0
    /// From 0.
    var column = 0
    /// Where what it was reading began.
    var contextLine: Int?
    /// From 0.
    var contextColumn = 0

    init(problem: String) { self.problem = problem }

    init(_ parser: yaml_parser_t) {
        if let text = unsafe parser.problem { problem = unsafe String(cString: text) }
        line = unsafe parser.problem_mark.line
        column = unsafe parser.problem_mark.column
        if let text = unsafe parser.context {
            context = unsafe String(cString: text)
            contextLine = unsafe parser.context_mark.line
            contextColumn = unsafe parser.context_mark.column
        }
    }
}
