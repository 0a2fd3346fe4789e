import EventLoop
import HTTP

/// Writes the head of an answer for the client.
struct AnswerHeadWriter {
    /// How the body that follows is framed for the client.
    enum Framing {
        /// As the answer's own fields say: a length, or nothing at all.
        case asReceived
        /// In chunks of Weir's own.
        case chunked
        /// By the connection's end.
        case close

        var isChunked: Bool {
            if case .chunked = self { return true }
            return false
        }
    }

    let source: UnsafeRawPointer
    let head: ResponseHead

    /// Writes a final head, blank line included.
    ///
    /// `connection`: the Connection field's value, empty for none. `stickyLine`: the line, with
    /// CRLF, that tells the client its endpoint, empty for none. `dates` has the Date of a head
    /// that came without one (RFC 9110 §6.6.1).
    func write(
        fields: borrowing FieldTable,
        framing: Framing,
        connection: StaticString,
        stickyLine: UnsafeRawBufferPointer,
        received now: Instant,
        dates: inout DateText,
        to out: inout ByteWriter
    ) {
        let isDated = isDated(fields)
        let isPlain =
            connection.utf8CodeUnitCount == 0 && !framing.isChunked && stickyLine.isEmpty
            && isDated
        if isPlain, 1...64 ~= fields.count, fields.odd == 0, isUsual(fields[0].name.start) {
            // Everything goes on as it came, the blank line too.
            out.append(source, head.headSize)
            return
        }
        copyHead(fields, to: &out)
        if !isDated {
            out.append("Date: ")
            dates.appendHTTPDate(now, to: &out)
            out.append("\r\n")
        }
        if let line = stickyLine.baseAddress { out.append(line, stickyLine.count) }
        if framing.isChunked { out.append("Transfer-Encoding: chunked\r\n") }
        if connection.utf8CodeUnitCount > 0 {
            out.append("Connection: ")
            out.append(connection)
            out.append("\r\n")
        }
        out.append("\r\n")
    }

    /// Writes an interim head (1xx) or the 101 that opens a tunnel.
    func writeInterim(
        fields: borrowing FieldTable,
        isUpgrade: Bool,
        stickyLine: UnsafeRawBufferPointer,
        to out: inout ByteWriter
    ) {
        copyHead(fields, to: &out)
        if let line = stickyLine.baseAddress { out.append(line, stickyLine.count) }
        if isUpgrade { out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
        out.append("\r\n")
    }

    /// Whether a Date goes on: there is one, and Connection does not name it.
    private func isDated(_ fields: borrowing FieldTable) -> Bool {
        guard fields.contains(.date) else { return false }
        if fields.odd == 0 { return true }
        return fields.first(.date).map { !fields[$0].isHopByHop } ?? false
    }

    /// Whether the status line, behind which the fields begin at `first`, can go on as it came.
    private func isUsual(_ first: Int) -> Bool {
        head.reason.end &+ 2 == first && head.reason.start == 13
            && source.load(fromByteOffset: 7, as: UInt8.self) == 0x31
    }

    /// The status line and the fields that go on, mostly in one stretch.
    private func copyHead(_ fields: borrowing FieldTable, to out: inout ByteWriter) {
        let first = fields.count > 0 ? fields[0].name.start : head.headSize &- 2
        var start = first
        if isUsual(first) {
            start = 0
        } else {
            out.append("HTTP/1.1 ")
            out.append(decimal: Int(head.status), width: 3)
            out.append(byte: 0x20)
            out.append(head.reason, of: source)
            out.append("\r\n")
        }
        _ = out.appendLines(
            of: fields,
            from: source,
            startingAt: start,
            looksAtAll: false
        ) { !$0.isHopByHop }
        if fields.count == 0, start == 0 { out.append(source, first) }
    }
}
