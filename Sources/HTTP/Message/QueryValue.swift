/// Where the value of a parameter stands in a raw query, `a=1&b=2` without its question mark.
///
/// `range` of `query` is the query; what of it lies outside the span is not looked at. The first
/// parameter of that name counts; one without `=` has an empty value. Nothing is decoded: names are
/// compared as they were sent, so that `%61` is not `a`, and the value is as it was sent. What has
/// no name is passed over. Linear in the query's length; nothing is allocated.
public func queryValue(_ name: RawSpan, in query: RawSpan, range: ByteRange) -> ByteRange? {
    guard name.byteCount > 0 else { return nil }
    let end = min(range.end, query.byteCount)
    var position = range.start
    while position < end {
        let next = query.first(Byte.ampersand, from: position, to: end)
        let equals = query.first(Byte.equals, from: position, to: next)
        if query.isEqual(ByteRange(from: position, to: equals), to: name) {
            return ByteRange(from: min(equals &+ 1, next), to: next)
        }
        position = next &+ 1
    }
    return nil
}
