/// Writes a host as routes compare it: lower case, without port and trailing dots.
///
/// `host` is what RFC 9112 §3.2 allows in a Host field (`[::1]:80` gives `[::1]`, brackets kept);
/// escapes (`%41`) stay as they are. `output` has room for as many bytes as `host` has.
/// Returns the count of bytes written. What it writes it would leave as it is.
public func normaliseHost(_ host: RawSpan, into output: UnsafeMutableRawBufferPointer) -> Int {
    guard output.count >= host.byteCount else { return 0 }
    var count = 0
    let isLiteral = host.byteCount > 0 && host.byte(at: 0) == UInt8(ascii: "[")
    for index in 0..<host.byteCount {
        let byte = host.byte(at: index)
        if byte == UInt8(ascii: ":"), !isLiteral { break }
        unsafe output[index] = lowercased(byte)
        count = index &+ 1
        if byte == UInt8(ascii: "]"), isLiteral { return count }
    }
    while count > 0, unsafe output[count &- 1] == UInt8(ascii: ".") { count &-= 1 }
    return count
}

/// ASCII letters in lower case, all other bytes as they are.
private func lowercased(_ byte: UInt8) -> UInt8 {
    let isUpper = byte &- UInt8(ascii: "A") < 26
    return isUpper ? byte | 0x20 : byte
}
