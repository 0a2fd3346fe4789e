/// Where the value of a cookie stands in the value of one Cookie field (RFC 6265 §4.2.1).
///
/// `range` of `field` is the field's value; what of it lies outside the span is not looked at. The
/// first cookie of that name counts, since clients send the most specific one first (§5.4). Names
/// are compared byte by byte. Blanks around a name and a value belong to neither; double quotes
/// belong to the value and protect nothing, as the grammar has no `;` inside them. What has no `=`
/// or no name is passed over. Linear in the field's length; nothing is allocated.
public func cookieValue(_ name: RawSpan, in field: RawSpan, range: ByteRange) -> ByteRange? {
    guard name.byteCount > 0 else { return nil }
    let end = min(range.end, field.byteCount)
    var position = range.start
    while position < end {
        let next = field.first(Byte.semicolon, from: position, to: end)
        let equals = field.first(Byte.equals, from: position, to: next)
        if equals < next,
            field.isEqual(field.withoutBlanks(from: position, to: equals), to: name)
        {
            return field.withoutBlanks(from: equals &+ 1, to: next)
        }
        position = next &+ 1
    }
    return nil
}

extension RawSpan {
    /// Whether a stretch inside the span holds these bytes.
    func isEqual(_ range: ByteRange, to other: RawSpan) -> Bool {
        guard Int(range.count) == other.byteCount, range.end <= byteCount else { return false }
        var index = 0
        while index < other.byteCount {
            if byte(at: range.start &+ index) != other.byte(at: index) { return false }
            index &+= 1
        }
        return true
    }

    /// The stretch without spaces and tabs at its ends; both offsets are inside the span.
    fileprivate func withoutBlanks(from: Int, to: Int) -> ByteRange {
        var from = from
        var to = to
        while from < to, isBlank(byte(at: from)) { from &+= 1 }
        while to > from, isBlank(byte(at: to &- 1)) { to &-= 1 }
        return ByteRange(from: from, to: to)
    }
}
