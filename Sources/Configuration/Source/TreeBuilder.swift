import CYaml

/// Puts libyaml's events together to a tree, with positions and within bounds.
struct TreeBuilder {
    /// A map or list that is still open.
    private struct Frame {
        var node: Node
        var isMap: Bool
        var items: [Node] = []
        var entries: [Entry] = []
        var places: [String: Place] = [:]
        var key: (name: String, place: Place, isUsable: Bool)?
        var anchor: String?
        /// Nodes in it, itself included.
        var weight = 1
    }

    private struct Anchored {
        var node: Node
        var weight: Int
    }

    let file: Int
    let lineOffset: Int
    let reporter: Reporter
    /// What a syntax error showed to be misread: what begins in it is left out.
    var refused: Place?
    /// Whether the file is refused as too large; nothing more is taken.
    private(set) var isStopped = false

    private var frames: [Frame] = []
    private var anchors: [String: Anchored] = [:]
    private var root: Node?
    private var weight = 0
    private var documents = 0
    /// Where the last scalar ended, line and column from 0, if nothing came after it.
    private var lastScalarEnd: (line: Int, column: Int)?

    init(file: Int, lineOffset: Int, reporter: Reporter) {
        self.file = file
        self.lineOffset = lineOffset
        self.reporter = reporter
    }

    /// Takes the next event.
    mutating func add(_ event: yaml_event_t) {
        if isStopped { return }
        let place = unsafe self.place(from: event.start_mark, to: event.end_mark)
        lastScalarEnd = nil
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT:
            documents += 1
            if documents > 1 {
                reporter.error(
                    .yamlSyntax,
                    place,
                    "a second document begins here",
                    remedy: "a file is one document: remove the line, or use include"
                )
                isStopped = true
            }
        case YAML_SCALAR_EVENT:
            unsafe addScalar(event, place)
        case YAML_SEQUENCE_START_EVENT:
            let data = unsafe event.data.sequence_start
            unsafe reportTag(data.tag, place)
            var node = Node(content: .list([]), place: place)
            node.isFlow = unsafe data.style == YAML_FLOW_SEQUENCE_STYLE
            unsafe open(Frame(node: node, isMap: false, anchor: text(data.anchor)))
        case YAML_MAPPING_START_EVENT:
            let data = unsafe event.data.mapping_start
            unsafe reportTag(data.tag, place)
            var node = Node(content: .map([]), place: place)
            node.isFlow = unsafe data.style == YAML_FLOW_MAPPING_STYLE
            unsafe open(Frame(node: node, isMap: true, anchor: text(data.anchor)))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            close(isCut: false, end: place)
        case YAML_ALIAS_EVENT:
            unsafe addAlias(text(event.data.alias.anchor) ?? "", place)
        default:
            break
        }
    }

    /// The tree so far; what is still open is closed as cut off.
    mutating func finish(isCut: Bool) -> Node? {
        while !frames.isEmpty { close(isCut: true, end: nil) }
        if isCut { root?.isCut = true }
        return root
    }

    /// Forgets the last scalar where a syntax error right behind it shows that it is a piece of
    /// something that YAML did not understand.
    mutating func dropLastScalar(if touches: ((line: Int, column: Int)) -> Bool) {
        guard let end = lastScalarEnd, touches(end), let last = frames.indices.last else { return }
        if frames[last].key != nil {
            frames[last].key = nil
        } else if frames[last].isMap {
            _ = frames[last].entries.popLast()
        } else {
            _ = frames[last].items.popLast()
        }
    }

    private func place(from start: yaml_mark_t, to end: yaml_mark_t) -> Place {
        let length = start.line == end.line ? end.column - start.column : 1
        return Place(
            file: file,
            line: start.line + 1 + lineOffset,
            column: start.column + 1,
            length: max(1, length)
        )
    }

    private func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    private func reportTag(_ tag: UnsafeMutablePointer<UInt8>?, _ place: Place) {
        guard let tag = unsafe text(tag), tag != "!" else { return }
        reporter.error(
            .yamlAlias,
            place,
            "\"\(tag)\" is a YAML tag, which means nothing here",
            remedy: "remove it, or quote the value if it begins with !"
        )
    }

    private mutating func addScalar(_ event: yaml_event_t, _ place: Place) {
        let data = unsafe event.data.scalar
        let bytes = unsafe UnsafeBufferPointer(start: data.value, count: data.length)
        let isQuoted = unsafe data.style != YAML_PLAIN_SCALAR_STYLE
        unsafe reportTag(data.tag, place)
        let text = unsafe ScalarText(String(decoding: bytes, as: UTF8.self), isQuoted: isQuoted)
        let node = Node(content: .scalar(text), place: place)
        unsafe insert(node, weight: 1, anchor: self.text(data.anchor))
        lastScalarEnd = unsafe (event.end_mark.line, event.end_mark.column)
    }

    private mutating func addAlias(_ name: String, _ place: Place) {
        if let anchored = anchors[name] {
            var node = anchored.node
            node.place = place
            insert(node, weight: anchored.weight, anchor: nil)
            return
        }
        if frames.last?.key?.name != "<<" {
            reporter.error(
                .yamlStar,
                place,
                "*\(name) without quotes is an alias for YAML",
                remedy: "quote it: \"*\(name)\""
            )
        }
        var text = ScalarText("*\(name)")
        text.isUnknown = true
        insert(Node(content: .scalar(text), place: place), weight: 1, anchor: nil)
    }

    private mutating func open(_ frame: Frame) {
        if let last = frames.indices.last, frames[last].isMap, frames[last].key == nil {
            reportKey(frame.node.place, isFlow: frame.node.isFlow, isMap: frame.isMap)
        }
        if frames.count >= SourceLimits.depthMax {
            stop(frame.node.place, "maps and lists are nested deeper than here")
            return
        }
        count(1, frame.node.place)
        frames.append(frame)
    }

    private func reportKey(_ place: Place, isFlow: Bool, isMap: Bool) {
        reporter.error(
            !isFlow ? .yamlSyntax : isMap ? .yamlBrace : .yamlBracket,
            place,
            "a map or list stands where a key belongs",
            remedy: isFlow ? "quote it: brackets and braces are YAML's own" : "write a name"
        )
    }

    private mutating func close(isCut: Bool, end: Place?) {
        guard let frame = frames.popLast() else { return }
        var node = frame.node
        let entries = frame.entries.filter { entry in
            !entry.value.place.isIn(refused) && !entry.keyPlace.isIn(refused)
        }
        let items = frame.items.filter { !$0.place.isIn(refused) }
        node.content = frame.isMap ? .map(entries) : .list(items)
        node.isCut = isCut
        if node.isFlow, let end, end.line == node.place.line {
            node.place.length = max(1, end.column + end.length - node.place.column)
        }
        insert(node, weight: frame.weight, anchor: frame.anchor, isCounted: true)
    }

    /// Puts a finished node where it belongs.
    private mutating func insert(
        _ node: Node,
        weight: Int,
        anchor: String?,
        isCounted: Bool = false
    ) {
        if !isCounted { count(weight, node.place) }
        if let anchor { anchors[anchor] = Anchored(node: node, weight: weight) }
        guard let last = frames.indices.last else {
            root = node
            return
        }
        frames[last].weight += weight
        if node.place.isIn(refused) || frames[last].key?.place.isIn(refused) == true {
            frames[last].key = nil
            return
        }
        guard frames[last].isMap else {
            frames[last].items.append(node)
            return
        }
        guard let key = frames[last].key else {
            frames[last].key = usableKey(node)
            return
        }
        frames[last].key = nil
        guard key.isUsable else { return }
        var entry = Entry(name: key.name, keyPlace: key.place, value: node)
        if let first = frames[last].places[key.name] {
            reportRepeated(key.name, at: key.place, first: first, reporter)
            entry.isRepeated = true
        } else {
            frames[last].places[key.name] = key.place
        }
        frames[last].entries.append(entry)
    }

    private func usableKey(_ node: Node) -> (name: String, place: Place, isUsable: Bool) {
        guard let scalar = node.scalar, !scalar.isUnknown else { return ("", node.place, false) }
        if scalar.written == "<<" {
            reporter.error(
                .yamlMerge,
                node.place,
                "\"<<\" merges maps behind the reader's back",
                remedy: "use pool-defaults for what pools share, or write the keys out"
            )
            return ("<<", node.place, false)
        }
        return (scalar.written, node.place, true)
    }

    private mutating func count(_ nodes: Int, _ place: Place) {
        weight += nodes
        if weight > SourceLimits.nodeCountMax {
            stop(place, "the file has more than \(SourceLimits.nodeCountMax) values")
        }
    }

    private mutating func stop(_ place: Place, _ message: String) {
        guard !isStopped else { return }
        isStopped = true
        reporter.hasSyntaxErrors = true
        reporter.error(
            .tooLarge,
            place,
            message,
            remedy: "at most \(SourceLimits.depthMax) levels and "
                + "\(SourceLimits.nodeCountMax) values are read"
        )
    }
}
