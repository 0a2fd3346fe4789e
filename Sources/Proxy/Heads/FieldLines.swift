import HTTP

extension ByteWriter {
    /// Copies the field lines that go on, neighbouring ones in one stretch.
    ///
    /// A line whose value stands in unusual white space is written anew as `name: value`, so that
    /// no two readers can differ about it.
    @inline(__always)
    mutating func appendLines(
        of fields: borrowing FieldTable,
        from source: UnsafeRawPointer,
        where goesOn: (Field) -> Bool
    ) {
        guard fields.count > 0 else { return }
        var kept = fields[0].name.start
        var end = kept
        for index in 0..<fields.count {
            let field = fields[index]
            end = Int(field.lineEnd)
            let isUsual =
                field.value.start &- field.name.end == 2 && end &- field.value.end == 2
            let goes = goesOn(field)
            if isUsual, goes { continue }
            let lineStart = field.name.start
            if lineStart > kept { append(source + kept, lineStart &- kept) }
            kept = end
            if goes { append(field, of: source) }
        }
        if end > kept { append(source + kept, end &- kept) }
    }

    private mutating func append(_ field: Field, of source: UnsafeRawPointer) {
        append(field.name, of: source)
        append(": ")
        append(field.value, of: source)
        append("\r\n")
    }
}

extension FieldTable {
    /// The request id that a head brings, if it is one of at most 128 visible characters.
    func requestID(in source: UnsafeRawPointer) -> ByteRange? {
        guard let index = first(.xRequestID) else { return nil }
        let value = self[index].value
        guard !value.isEmpty, value.count <= 128 else { return nil }
        for offset in value.start..<value.end {
            let byte = source.load(fromByteOffset: offset, as: UInt8.self)
            if byte <= 0x20 || byte >= 0x7f { return nil }
        }
        return value
    }
}
