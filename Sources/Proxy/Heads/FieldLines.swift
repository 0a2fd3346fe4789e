import HTTP

extension ByteWriter {
    /// Copies what stands between `start` and the first field line, and the field lines that go
    /// on, neighbouring ones in one stretch.
    ///
    /// A line whose value stands in unusual white space is written anew as `name: value`, so that
    /// no two readers can differ about it. Returns where the byte at `tracked` went, if it was
    /// copied.
    @inline(__always)
    mutating func appendLines(
        of fields: borrowing FieldTable,
        from source: UnsafeRawPointer,
        startingAt start: Int,
        tracking tracked: Int = -1,
        where goesOn: (Field) -> Bool
    ) -> Int {
        var kept = start
        var end = fields.count > 0 ? fields[0].name.start : start
        var found = -1
        for index in 0..<fields.count {
            let field = fields[index]
            end = Int(field.lineEnd)
            let isUsual =
                field.value.start &- field.name.end == 2 && end &- field.value.end == 2
            let goes = goesOn(field)
            if isUsual, goes { continue }
            let lineStart = field.name.start
            if tracked >= kept, tracked < lineStart { found = count &+ tracked &- kept }
            if lineStart > kept { append(source + kept, lineStart &- kept) }
            kept = end
            if goes {
                if tracked == field.value.start {
                    found = count &+ Int(field.name.count) &+ 2
                }
                append(field, of: source)
            }
        }
        if tracked >= kept, tracked < end { found = count &+ tracked &- kept }
        if end > kept { append(source + kept, end &- kept) }
        return found
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
        guard let index = first(.xRequestID), !self[index].isHopByHop else { return nil }
        let value = self[index].value
        guard !value.isEmpty, value.count <= 128 else { return nil }
        for offset in value.start..<value.end {
            let byte = source.load(fromByteOffset: offset, as: UInt8.self)
            if byte <= 0x20 || byte >= 0x7f { return nil }
        }
        return value
    }
}
