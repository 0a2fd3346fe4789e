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
    }

    let source: UnsafeRawPointer
    let head: ResponseHead

    /// Writes a final head, blank line included.
    ///
    /// `connection`: the Connection field's value, empty for none.
    func write(
        fields: borrowing FieldTable,
        framing: Framing,
        connection: StaticString,
        to out: inout ByteWriter
    ) {
        writeStatusLine(to: &out)
        copyFields(fields, to: &out)
        if case .chunked = framing { out.append("Transfer-Encoding: chunked\r\n") }
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
        to out: inout ByteWriter
    ) {
        writeStatusLine(to: &out)
        copyFields(fields, to: &out)
        if isUpgrade { out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
        out.append("\r\n")
    }

    private func writeStatusLine(to out: inout ByteWriter) {
        out.append("HTTP/1.1 ")
        out.append(decimal: Int(head.status), width: 3)
        out.append(byte: 0x20)
        out.append(head.reason, of: source)
        out.append("\r\n")
    }

    private func copyFields(_ fields: borrowing FieldTable, to out: inout ByteWriter) {
        guard fields.count > 0 else { return }
        var kept = Int(fields[0].name.offset)
        var end = kept
        for index in 0..<fields.count {
            let field = fields[index]
            end = Int(field.lineEnd)
            if !field.isHopByHop { continue }
            let lineStart = field.name.start
            if lineStart > kept { out.append(source + kept, lineStart &- kept) }
            kept = end
        }
        if end > kept { out.append(source + kept, end &- kept) }
    }
}
