/// Writes a host as routes compare it: lower case, without port and trailing dots.
///
/// `host` is what RFC 9112 §3.2 allows in a Host field (`[::1]:80` gives `[::1]`, brackets kept);
/// escapes (`%41`) stay as they are. `output` has room for as many bytes as `host` has and is not
/// the host's own memory. Returns the count of bytes written. What it writes it would leave as it
/// is.
public func normaliseHost(_ host: RawSpan, into output: UnsafeMutableRawBufferPointer) -> Int {
    guard output.count >= host.byteCount, let output = output.baseAddress else { return 0 }
    return unsafe host.withUnsafeBytes { host in
        guard let input = host.baseAddress, host.count > 0 else { return 0 }
        if unsafe host[0] == UInt8(ascii: "[") { return unsafe copyLiteral(host, to: output) }
        var count = unsafe copyName(input, count: host.count, to: output)
        while count > 0,
            unsafe output.load(fromByteOffset: count &- 1, as: UInt8.self) == UInt8(ascii: ".")
        {
            count &-= 1
        }
        return count
    }
}

/// Copies up to the colon, eight bytes at a time; returns how many bytes come before it.
private func copyName(
    _ input: UnsafeRawPointer,
    count: Int,
    to output: UnsafeMutableRawPointer
) -> Int {
    var position = 0
    while count &- position >= 8 {
        let word = unsafe Word(loading: input, at: position)
        unsafe output.storeBytes(of: word.lowercased, toByteOffset: position, as: UInt64.self)
        if let colon = word.first(UInt8(ascii: ":")) { return position &+ colon }
        position &+= 8
    }
    if position < count, count >= 8 {
        // The last word overlaps the one before it.
        position = count &- 8
        let word = unsafe Word(loading: input, at: position)
        unsafe output.storeBytes(of: word.lowercased, toByteOffset: position, as: UInt64.self)
        return position &+ (word.first(UInt8(ascii: ":")) ?? 8)
    }
    while position < count {
        let byte = unsafe input.load(fromByteOffset: position, as: UInt8.self)
        if byte == UInt8(ascii: ":") { return position }
        unsafe output.storeBytes(of: lowercased(byte), toByteOffset: position, as: UInt8.self)
        position &+= 1
    }
    return count
}

/// Copies up to the bracket that closes an IP literal.
private func copyLiteral(
    _ host: UnsafeRawBufferPointer,
    to output: UnsafeMutableRawPointer
) -> Int {
    for index in 0..<host.count {
        let byte = unsafe host[index]
        unsafe output.storeBytes(of: lowercased(byte), toByteOffset: index, as: UInt8.self)
        if byte == UInt8(ascii: "]") { return index &+ 1 }
    }
    return host.count
}

/// ASCII letters in lower case, all other bytes as they are.
private func lowercased(_ byte: UInt8) -> UInt8 {
    let isUpper = byte &- UInt8(ascii: "A") < 26
    return isUpper ? byte | 0x20 : byte
}
