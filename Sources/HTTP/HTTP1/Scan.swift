import CBytes

/// Scans over a span: each returns the offset it stops at, `to` if nowhere before.
///
/// `from` and `to` are clamped into the span, so that no caller's mistake reads outside it.
extension RawSpan {
    /// The byte at `offset`, which must be inside the span.
    func byte(at offset: Int) -> UInt8 {
        // Bounds are checked by the load itself; "unsafe" in its name is about types.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Whether a whole CRLF stands at `offset`.
    func holdsLineEnd(at offset: Int, to end: Int) -> Bool {
        guard offset >= 0, offset &+ 1 < min(end, byteCount) else { return false }
        return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self).littleEndian
            == 0x0a0d
    }

    /// Whether `text` stands at `offset`.
    func holds(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset >= 0, count <= byteCount &- offset else { return false }
        return unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return count == 0 }
            return unsafe cbytes_equal(Self.bytes(base) + offset, text.utf8Start, count) != 0
        }
    }

    /// The first control byte except HTAB.
    func valueEnd(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_value_end(Self.bytes(base), from, to)
        }
    }

    /// The first colon or byte that is no visible ASCII character.
    func nameEnd(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_name_end(Self.bytes(base), from, to)
        }
    }

    /// The first byte that no request target holds.
    func targetEnd(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_target_end(Self.bytes(base), from, to)
        }
    }

    /// The first byte that no token holds.
    func tokenEnd(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_token_end(Self.bytes(base), from, to)
        }
    }

    /// The first byte that no host name holds.
    func hostEnd(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_host_end(Self.bytes(base), from, to)
        }
    }

    /// The first `wanted`.
    func first(_ wanted: UInt8, from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return to }
            return unsafe cbytes_find_byte(Self.bytes(base), from, to, wanted)
        }
    }

    /// Which known field name stands there.
    func fieldName(from: Int, to: Int) -> FieldName {
        let code: UInt8 = unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return 0 }
            return unsafe cbytes_classify_field(Self.bytes(base) + from, to &- from)
        }
        return FieldName(code: code)
    }

    /// Which connection option stands there, as one of CBytes's constants.
    func connectionOption(from: Int, to: Int) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count,
                let base = bytes.baseAddress
            else { return 0 }
            return Int(unsafe cbytes_classify_option(Self.bytes(base) + from, to &- from))
        }
    }

    /// The field line at `from`, if it is complete and nothing is odd about it.
    func plainField(from: Int, to: Int) -> Field? {
        unsafe withUnsafeBytes { bytes in
            guard from >= 0, from < to, to <= bytes.count, let base = bytes.baseAddress
            else { return nil }
            var line = cbytes_field()
            guard unsafe cbytes_read_field(Self.bytes(base), from, to, &line) != CBYTES_LINE_ODD
            else { return nil }
            return Field(line)
        }
    }

    /// Reads plain field lines into `table`, which has room for one more than `capacity`; returns
    /// why it ended, one of CBytes's constants.
    func readFields(
        to end: Int,
        into table: UnsafeMutablePointer<cbytes_field>,
        capacity: Int,
        wanted: UInt64,
        run: inout cbytes_field_run
    ) -> Int {
        unsafe withUnsafeBytes { bytes in
            guard run.position < end, end <= bytes.count, let base = bytes.baseAddress
            else { return CBYTES_RUN_ODD }
            return Int(
                unsafe cbytes_read_fields(
                    Self.bytes(base),
                    end,
                    table,
                    capacity,
                    FieldNameSet.hopByHopBits,
                    wanted,
                    &run
                )
            )
        }
    }

    /// Whether two stretches hold the same letters, whatever their case.
    func equalIgnoringCase(_ left: ByteRange, _ right: ByteRange) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe withUnsafeBytes { bytes in
            guard left.end <= bytes.count, right.end <= bytes.count,
                let base = bytes.baseAddress
            else { return left.isEmpty }
            return unsafe cbytes_equal_ignoring_case(
                Self.bytes(base) + left.start,
                Self.bytes(base) + right.start,
                Int(left.count)
            )
                != 0
        }
    }

    /// Whether a stretch holds the letters of `other`, whatever the case of either.
    func equalIgnoringCase(_ range: ByteRange, _ other: RawSpan) -> Bool {
        guard Int(range.count) == other.byteCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            unsafe other.withUnsafeBytes { others in
                guard range.end <= bytes.count, let base = bytes.baseAddress,
                    let otherBase = others.baseAddress
                else { return range.isEmpty }
                return unsafe cbytes_equal_ignoring_case(
                    Self.bytes(base) + range.start,
                    Self.bytes(otherBase),
                    others.count
                ) != 0
            }
        }
    }

    /// Whether a stretch holds `text`, whatever the case of either.
    func equalIgnoringCase(_ range: ByteRange, _ text: StaticString) -> Bool {
        guard Int(range.count) == text.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            guard range.end <= bytes.count, let base = bytes.baseAddress
            else { return range.isEmpty }
            return unsafe cbytes_equal_ignoring_case(
                Self.bytes(base) + range.start,
                text.utf8Start,
                Int(range.count)
            ) != 0
        }
    }

    private static func bytes(_ base: UnsafeRawPointer) -> UnsafePointer<UInt8> {
        unsafe base.assumingMemoryBound(to: UInt8.self)
    }
}

/// Bytes that the grammar names.
enum Byte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let ampersand: UInt8 = 0x26
    static let asterisk: UInt8 = 0x2a
    static let comma: UInt8 = 0x2c
    static let dot: UInt8 = 0x2e
    static let slash: UInt8 = 0x2f
    static let zero: UInt8 = 0x30
    static let colon: UInt8 = 0x3a
    static let semicolon: UInt8 = 0x3b
    static let equals: UInt8 = 0x3d
    static let question: UInt8 = 0x3f
    static let openBracket: UInt8 = 0x5b
    static let backslash: UInt8 = 0x5c
    static let closeBracket: UInt8 = 0x5d
}

/// Whether the bytes are one or more token characters (RFC 9110 §5.6.2).
public func isToken(_ bytes: RawSpan) -> Bool {
    bytes.byteCount > 0 && bytes.tokenEnd(from: 0, to: bytes.byteCount) == bytes.byteCount
}
