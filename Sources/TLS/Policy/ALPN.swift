/// Lists of protocol names as they are on the wire: each behind its length (RFC 7301 §3.1).
enum ALPN {
    /// Where `name` begins in `list`, behind its length; `nil`: it is not there.
    static func position(of name: [UInt8], in list: UnsafeBufferPointer<UInt8>) -> Int? {
        var position = 0
        while position < list.count {
            let count = Int(list[position])
            let start = position + 1
            guard start + count <= list.count else { return nil }
            if count == name.count, list[start..<(start + count)].elementsEqual(name) {
                return start
            }
            position = start + count
        }
        return nil
    }

    /// The list of these names, of 1 to 255 bytes each.
    static func list(_ names: [String]) -> [UInt8] {
        names.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }
    }
}
