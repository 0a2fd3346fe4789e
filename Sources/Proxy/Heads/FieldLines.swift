import HTTP

extension ByteWriter {
    /// Copies what stands between `start` and the first field line, and the field lines that go
    /// on, neighbouring ones in one stretch.
    ///
    /// A line whose value stands in unusual white space is written anew as `name: value`, so that
    /// no two readers can differ about it. Returns where the byte at `tracked` went, if it was
    /// copied.
    ///
    /// `looksAtAll` says whether `goesOn` has to decide on each line; else it is asked only about
    /// those that the parser found odd.
    @inline(__always)
    mutating func appendLines(
        of fields: borrowing FieldTable,
        from source: UnsafeRawPointer,
        startingAt start: Int,
        tracking tracked: Int = -1,
        looksAtAll: Bool,
        where goesOn: (Field) -> Bool
    ) -> Int {
        guard fields.count > 0 else { return -1 }
        let end = Int(fields[fields.count &- 1].lineEnd)
        let isShort = fields.count <= 64 && !looksAtAll
        var kept = start
        var found = -1
        var odd = fields.odd
        var index = 0
        while true {
            if isShort {
                if odd == 0 { break }
                index = odd.trailingZeroBitCount
                odd &= odd &- 1
            } else if index == fields.count {
                break
            }
            let field = fields[index]
            index &+= 1
            let goes = goesOn(field)
            if goes, field.isUsual { continue }
            let lineStart = field.name.start
            if tracked >= kept, tracked < lineStart { found = count &+ tracked &- kept }
            if lineStart > kept { append(source + kept, lineStart &- kept) }
            kept = Int(field.lineEnd)
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
