import HTTP

/// Where parts of a head stand that are looked at again once it was written anew.
struct TrackedRanges: BitwiseCopyable {
    var host = ByteRange.empty
    var requestID = ByteRange.empty
}

extension HeadEdits {
    /// Writes a head anew with its changes, and what stands behind its blank line as it is.
    ///
    /// `isSecure`: whether the client came by https. `lastLine`: a line with CRLF that no change
    /// touches, empty for none. Returns where the tracked ranges went.
    func rewrite(
        _ source: UnsafeRawBufferPointer,
        _ facts: HeadFacts,
        tracking ranges: TrackedRanges = TrackedRanges(),
        lastLine: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        to out: inout ByteWriter
    ) -> TrackedRanges {
        var lines = HeadText(source)
        var moved = TrackedRanges()
        var kept = 0
        while let line = lines.next() {
            guard drops(line, of: lines, isSecure: facts.isSecure) else { continue }
            moved.follow(ranges, from: kept, to: line.start, at: out.count)
            out.append(UnsafeRawBufferPointer(rebasing: source[kept..<line.start]))
            kept = line.end
        }
        let blank = lines.position
        moved.follow(ranges, from: kept, to: blank, at: out.count)
        out.append(UnsafeRawBufferPointer(rebasing: source[kept..<blank]))
        for edit in edits where edit.kind != .remove {
            if !edit.isForHTTPS || facts.isSecure { append(edit, facts, to: &out) }
        }
        out.append(lastLine)
        out.append(UnsafeRawBufferPointer(rebasing: source[blank...]))
        return moved
    }

    /// Whether a line that came goes away.
    func drops(_ line: HeadText.Line, of text: HeadText, isSecure: Bool) -> Bool {
        for edit in edits where edit.kind != .add && (!edit.isForHTTPS || isSecure) {
            if text.hasName(line, edit.name) { return true }
        }
        return false
    }

    /// Whether a trailer of this name goes away.
    func drops(name: UnsafeRawPointer, _ count: Int) -> Bool {
        let name = UnsafeRawBufferPointer(start: name, count: count)
        for edit in edits where edit.kind != .add && edit.name.isSameName(name) { return true }
        return false
    }

    private func append(_ edit: FieldEdit, _ facts: HeadFacts, to out: inout ByteWriter) {
        let lineStart = out.count
        out.append(edit.name)
        out.append(": ")
        let valueStart = out.count
        var hasValue = !edit.hasVariables
        for index in edit.firstPiece..<(edit.firstPiece &+ edit.pieceCount) {
            let before = out.count
            append(pieces[index], facts, to: &out)
            if pieces[index].kind != .text, out.count > before { hasValue = true }
        }
        guard hasValue else {
            out.shorten(to: lineStart)
            return
        }
        out.trimBlanks(from: valueStart)
        out.append("\r\n")
    }

    private func append(_ piece: EditPiece, _ facts: HeadFacts, to out: inout ByteWriter) {
        switch piece.kind {
        case .text: out.append(piece.text)
        case .clientAddress:
            if facts.client.isInternet {
                out.append(address: facts.client)
            } else {
                out.append("unix")
            }
        case .requestID:
            if facts.foreignID.isEmpty {
                out.append(facts.id)
            } else {
                out.append(visible: facts.bytes(facts.foreignID))
            }
        case .method: out.append(visible: facts.bytes(facts.method))
        case .scheme: out.append(facts.isSecure ? "https" : "http")
        case .host: out.append(visible: facts.bytes(facts.host))
        case .path: appendPath(facts, to: &out)
        case .query: out.append(visible: facts.bytes(facts.query))
        case .uri:
            appendPath(facts, to: &out)
            if facts.hasQuery {
                out.append(byte: UInt8(ascii: "?"))
                out.append(visible: facts.bytes(facts.query))
            }
        case .route: out.append(visible: facts.route)
        case .pool: out.append(visible: facts.pool)
        case .server: out.append(visible: facts.server)
        case .tlsSubject: out.append(visible: facts.identity.subject)
        case .tlsNames: out.append(visible: facts.identity.names)
        case .tlsFingerprint: out.append(visible: facts.identity.fingerprint)
        case .header: appendHeader(piece.text, facts, to: &out)
        case .cookie: appendCookie(piece.text, facts, to: &out)
        }
    }

    private func appendPath(_ facts: HeadFacts, to out: inout ByteWriter) {
        if facts.path.isEmpty {
            out.append(byte: UInt8(ascii: "/"))
        } else {
            out.append(visible: facts.bytes(facts.path))
        }
    }

    private func appendHeader(
        _ name: UnsafeRawBufferPointer,
        _ facts: HeadFacts,
        to out: inout ByteWriter
    ) {
        var lines = facts.lines
        while let line = lines.next() {
            guard lines.hasName(line, name) else { continue }
            let value = lines.value(line)
            out.append(visible: .init(rebasing: lines.bytes[value.start..<value.end]))
            return
        }
    }

    private func appendCookie(
        _ name: UnsafeRawBufferPointer,
        _ facts: HeadFacts,
        to out: inout ByteWriter
    ) {
        let field: StaticString = "cookie"
        let wanted = UnsafeRawBufferPointer(start: field.utf8Start, count: field.utf8CodeUnitCount)
        var lines = facts.lines
        while let line = lines.next() {
            guard lines.hasName(line, wanted) else { continue }
            let value = cookieValue(
                RawSpan(_unsafeBytes: name),
                in: RawSpan(_unsafeBytes: lines.bytes),
                range: lines.value(line)
            )
            guard let value else { continue }
            out.append(visible: .init(rebasing: lines.bytes[value.start..<value.end]))
            return
        }
    }
}

extension TrackedRanges {
    /// Notes what of the ranges lies in a stretch that is copied to `place`.
    fileprivate mutating func follow(_ ranges: TrackedRanges, from: Int, to: Int, at place: Int) {
        if let moved = ranges.host.moved(from, to, place) { host = moved }
        if let moved = ranges.requestID.moved(from, to, place) { requestID = moved }
    }
}

extension ByteRange {
    fileprivate func moved(_ from: Int, _ to: Int, _ place: Int) -> ByteRange? {
        guard !isEmpty, start >= from, end <= to else { return nil }
        return ByteRange(from: start &- from &+ place, to: end &- from &+ place)
    }
}

extension ByteWriter {
    /// Appends bytes without control bytes, so that no value can end its line.
    mutating func append(visible bytes: UnsafeRawBufferPointer) {
        for byte in bytes where byte >= 0x20 && byte != 0x7f { append(byte: byte) }
    }
}
