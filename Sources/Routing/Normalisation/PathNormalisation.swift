// How a path is brought into the one form that routes compare (RFC 3986 §6.2.2):
//
// 1. Escapes of unreserved characters are decoded, the others get upper-case digits.
// 2. Runs of slashes become one slash. This comes before dot segments, as in nginx, Go and Tomcat,
//    so that `/a//../b` is `/b`.
// 3. Dot segments are resolved; `..` above the root stays at the root.
//
// The upstream gets the path as sent, so whatever it could read differently is refused: an escaped
// NUL, which ends a C string; an escaped slash, an escaped backslash or a bare backslash that would
// make a dot segment where this function sees none, or in a segment that `..` takes away (in
// `/a%2fb/../c` that is `/a` to one reader and `/` to another); an invalid escape, since `%%32f`
// would decode to one that was not there before.

/// What ``normalisePath(_:into:)`` made of a path.
public enum PathNormalisation: Equatable, BitwiseCopyable, Sendable {
    /// The path is in normal form already: use its own bytes.
    case unchanged
    /// The first `count` bytes of the output are the path.
    case written(count: Int)
    /// The request is to be answered with 400.
    case refused(PathError)
}

/// Why a path has no normal form.
public enum PathError: UInt8, Error, Equatable, CaseIterable, BitwiseCopyable, Sendable {
    /// `%00` is in it.
    case escapedNUL
    /// With `%2f`, `%5c` or a backslash read as slashes, one of its segments is `.` or `..`, or
    /// a `..` takes another segment away.
    case hiddenDotSegment
    /// A `%` without two hexadecimal digits behind it.
    case invalidEscape
    /// It begins with something else than a slash, and is not `*`.
    case notAbsolute

    /// A sentence for the client.
    public var explanation: StaticString {
        switch self {
        case .escapedNUL: "The path contains an escaped NUL (%00)."
        case .hiddenDotSegment:
            "The path hides a dot segment behind an escaped slash or a backslash."
        case .invalidEscape: "The path contains a % that two hexadecimal digits do not follow."
        case .notAbsolute: "The path does not begin with a slash."
        }
    }
}

/// Brings a path without its query into normal form, in one pass if nothing is to be done.
///
/// An empty path (absolute form without one) is `/`, and `*` stays as it is. `output` has room for
/// as many bytes as `path` has, one at least. A normal form's normal form is itself.
public func normalisePath(
    _ path: RawSpan,
    into output: UnsafeMutableRawBufferPointer
) -> PathNormalisation {
    guard path.byteCount > 0 else {
        unsafe output[0] = slash
        return .written(count: 1)
    }
    guard path.byte(at: 0) == slash else {
        return path.byteCount == 1 && path.byte(at: 0) == UInt8(ascii: "*")
            ? .unchanged : .refused(.notAbsolute)
    }
    if isNormal(path) { return .unchanged }
    return unsafe rewrite(path, into: output)
}

private let slash = UInt8(ascii: "/")
private let backslash = UInt8(ascii: "\\")
private let percent = UInt8(ascii: "%")
private let dot = UInt8(ascii: ".")

/// Whether there is no escape, backslash, doubled slash or dot segment in a path.
///
/// The path begins with a slash. Eight bytes at a time; where a slash has a dot or slash behind it,
/// byte by byte.
private func isNormal(_ path: RawSpan) -> Bool {
    let count = path.byteCount
    return unsafe path.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return true }
        guard count >= 8 else {
            let word = unsafe Word(loading: base, count: count)
            if word.mask(percent) | word.mask(backslash) != 0 { return false }
            let isOdd = word.mask(slash) << 8 & word.evened.mask(dot) != 0
            return !isOdd || isNormalBytewise(path)
        }
        var carry: UInt64 = 0
        var position = 0
        while position < count {
            // The last word overlaps the one before it.
            let start = min(position, count &- 8)
            let word = unsafe Word(loading: base, at: start)
            if word.mask(percent) | word.mask(backslash) != 0 { return false }
            let slashes = word.mask(slash)
            // A dot is one less than a slash, and even.
            let both = word.evened.mask(dot)
            if (slashes << 8 | (start == position ? carry : 0)) & both != 0 {
                return isNormalBytewise(path)
            }
            carry = slashes >> 56
            position = start &+ 8
        }
        return true
    }
}

private func isNormalBytewise(_ path: RawSpan) -> Bool {
    var afterSlash = false
    for index in 0..<path.byteCount {
        let byte = path.byte(at: index)
        if byte == percent || byte == backslash { return false }
        if afterSlash {
            if byte == slash { return false }
            if byte == dot, isDotSegment(path, from: index) { return false }
        }
        afterSlash = byte == slash
    }
    return true
}

/// Whether the segment that begins with the dot at `start` is `.` or `..`.
private func isDotSegment(_ path: RawSpan, from start: Int) -> Bool {
    var end = start &+ 1
    if end < path.byteCount, path.byte(at: end) == dot { end &+= 1 }
    return end == path.byteCount || path.byte(at: end) == slash
}

/// The slow way: segment by segment into `output`.
private func rewrite(
    _ path: RawSpan,
    into output: UnsafeMutableRawBufferPointer
) -> PathNormalisation {
    guard output.count >= path.byteCount else {
        assertionFailure("no room for the path")
        return .refused(.notAbsolute)
    }
    var written = 0
    var position = 0
    while position < path.byteCount {
        // At a slash: skip it and its neighbours, then take one segment.
        while position < path.byteCount, path.byte(at: position) == slash { position &+= 1 }
        unsafe output[written] = slash
        let segment = written &+ 1
        switch unsafe takeSegment(path, at: &position, into: output, at: segment) {
        case .failure(let error):
            return .refused(error)
        case .success(let end):
            let isLast = position == path.byteCount
            switch unsafe dots(output, from: segment, to: end) {
            case 0:
                written = end
            case 1:
                // A dot segment at the end leaves its slash; `written` is then one further.
                written = isLast ? segment : segment &- 1
            default:
                let parent = unsafe lastSlash(output, before: segment &- 1)
                if unsafe hasSeparator(output, from: parent, to: segment &- 1) {
                    return .refused(.hiddenDotSegment)
                }
                written = isLast ? parent &+ 1 : parent
            }
        }
    }
    return .written(count: written)
}

/// Copies one segment up to the next slash, escapes decoded; returns where it ends in `output`.
private func takeSegment(
    _ path: RawSpan,
    at position: inout Int,
    into output: UnsafeMutableRawBufferPointer,
    at start: Int
) -> Result<Int, PathError> {
    var end = start
    // Where the piece between hidden separators began, and whether there was one.
    var piece = start
    var isSplit = false
    while position < path.byteCount, path.byte(at: position) != slash {
        var byte = path.byte(at: position)
        var isEscape = false
        if byte == percent {
            guard position &+ 2 < path.byteCount,
                let high = hexadecimalValue(path.byte(at: position &+ 1)),
                let low = hexadecimalValue(path.byte(at: position &+ 2))
            else { return .failure(.invalidEscape) }
            byte = UInt8(truncatingIfNeeded: high << 4 | low)
            guard byte != 0 else { return .failure(.escapedNUL) }
            isEscape = !isUnreserved(byte)
            position &+= 3
        } else {
            position &+= 1
        }
        let separates = byte == backslash || (byte == slash && isEscape)
        if separates {
            isSplit = true
            if unsafe dots(output, from: piece, to: end) > 0 { return .failure(.hiddenDotSegment) }
        }
        if isEscape {
            unsafe output[end] = percent
            unsafe output[end &+ 1] = upperHexadecimal(byte >> 4)
            unsafe output[end &+ 2] = upperHexadecimal(byte & 0xf)
            end &+= 3
        } else {
            unsafe output[end] = byte
            end &+= 1
        }
        if separates { piece = end }
    }
    if isSplit, unsafe dots(output, from: piece, to: end) > 0 {
        return .failure(.hiddenDotSegment)
    }
    return .success(end)
}

/// 1 or 2 if these bytes are `.` or `..`, else 0.
private func dots(_ bytes: UnsafeMutableRawBufferPointer, from start: Int, to end: Int) -> Int {
    switch end &- start {
    case 1: unsafe bytes[start] == dot ? 1 : 0
    case 2: unsafe bytes[start] == dot && bytes[start &+ 1] == dot ? 2 : 0
    default: 0
    }
}

/// Where the last slash before `end` is, 0 if there is none: the root's own.
private func lastSlash(_ bytes: UnsafeMutableRawBufferPointer, before end: Int) -> Int {
    var index = end
    while index > 0 {
        index &-= 1
        if unsafe bytes[index] == slash { return index }
    }
    return 0
}

/// Whether a backslash, `%2F` or `%5C` (escapes in normal form) is among these bytes.
private func hasSeparator(
    _ bytes: UnsafeMutableRawBufferPointer,
    from start: Int,
    to end: Int
) -> Bool {
    for index in start..<max(start, end) {
        if unsafe bytes[index] == backslash { return true }
        // An escape is whole, so two more bytes follow.
        guard unsafe bytes[index] == percent, index &+ 2 < end else { continue }
        let digits = unsafe (bytes[index &+ 1], bytes[index &+ 2])
        if digits == (UInt8(ascii: "2"), UInt8(ascii: "F")) { return true }
        if digits == (UInt8(ascii: "5"), UInt8(ascii: "C")) { return true }
    }
    return false
}

/// RFC 3986 §2.3: letters, digits, `-._~`.
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        true
    default:
        false
    }
}

/// The digit for 0 to 15.
private func upperHexadecimal(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "A") &+ value &- 10
}
