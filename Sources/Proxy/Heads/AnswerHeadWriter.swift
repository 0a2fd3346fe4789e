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
        out.appendLines(of: fields, from: source) { !$0.isHopByHop }
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
        out.appendLines(of: fields, from: source) { !$0.isHopByHop }
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
}
