/// Parses a trailer section, as `BodyDecoder.Event.trailers` gives it, by the rules of fields.
///
/// `fields` holds its fields afterwards. Those that must not be passed on as trailers (RFC 9110
/// §6.5.1) are marked hop-by-hop. `limits.fields` bounds how many there are.
///
/// - Throws: why the section is refused.
public func parseTrailers(
    _ input: RawSpan,
    in range: ByteRange,
    into fields: inout FieldTable,
    limits: HeadLimits
) throws(HeadError) {
    fields.removeAll()
    let end = min(range.end, input.byteCount)
    var position = range.start
    while position < end {
        var field = try trailer(input, at: position, to: end)
        field.isHopByHop = field.id.forbiddenInTrailers
        guard fields.count < limits.fields, fields.append(field) else { throw .tooManyFields }
        position = Int(field.lineEnd)
    }
}

/// Checks a trailer section without keeping its fields.
func checkTrailers(
    _ input: RawSpan,
    in range: ByteRange,
    limits: HeadLimits
) throws(BodyError) {
    var position = range.start
    var count = 0
    while position < range.end {
        do throws(HeadError) {
            position = Int(try trailer(input, at: position, to: range.end).lineEnd)
        } catch {
            throw .invalidTrailer
        }
        count &+= 1
        if count > limits.fields { throw .tooManyTrailers }
    }
}

/// The field at `position` of a section that is all there.
private func trailer(
    _ input: RawSpan,
    at position: Int,
    to end: Int
) throws(HeadError) -> Field {
    if let field = input.plainField(from: position, to: end) { return field }
    _ = try OddLine(input, from: position, to: end)
    throw .invalidFieldLine
}
