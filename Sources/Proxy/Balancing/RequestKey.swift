import Balancing
import CLinux
import HTTP
import Routing

/// A key choice of the file in the form in which workers use it.
struct CompiledKey {
    /// Where the key is.
    enum Source: UInt8 {
        case client
        case host
        case path
        case header
        case cookie
        case query
    }

    let source: Source
    /// The name of the field, cookie or parameter, in memory that the snapshot keeps.
    let name: UnsafeRawBufferPointer
    /// Which known field it is.
    let field: FieldName

    /// A compiled choice; `keep` keeps a text as long as the snapshot lives.
    init(_ choice: KeyChoice, keep: (String) -> UnsafeRawBufferPointer) {
        var text = ""
        switch choice {
        case .client: source = .client
        case .host: source = .host
        case .path: source = .path
        case .header(let name):
            source = .header
            text = name
        case .cookie(let name):
            source = .cookie
            text = name
        case .query(let name):
            source = .query
            text = name
        }
        name = keep(text)
        field = source == .header ? FieldName(name: RawSpan(_unsafeBytes: name)) : .other
    }
}

/// What a request's key is read from.
struct KeyedRequest {
    let request: ReceivedRequest
    let client: weir_address
    /// The normalised host.
    let host: UnsafeRawBufferPointer
    /// The normalised path.
    let path: UnsafeRawBufferPointer

    /// The hash of the first of these keys that the request has; `nil` if it has none.
    func hash(_ keys: [CompiledKey], _ fields: borrowing FieldTable) -> UInt64? {
        for key in keys {
            if let hash = hash(key, fields) { return hash }
        }
        return nil
    }

    private func hash(_ key: CompiledKey, _ fields: borrowing FieldTable) -> UInt64? {
        let head = request.head
        let name = RawSpan(_unsafeBytes: key.name)
        let bytes = RawSpan(_unsafeStart: request.bytes, byteCount: head.headSize)
        switch key.source {
        case .client: return clientHash()
        case .host:
            return host.isEmpty ? nil : KeyHash.hash(RawSpan(_unsafeBytes: host))
        case .path:
            return KeyHash.hash(RawSpan(_unsafeBytes: path))
        case .header:
            guard let index = fields.first(key.field, named: name, in: bytes) else { return nil }
            return hash(fields[index].value)
        case .cookie:
            guard fields.contains(.cookie) else { return nil }
            for index in 0..<fields.count where fields[index].id == .cookie {
                if let value = cookieValue(name, in: bytes, range: fields[index].value) {
                    return hash(value)
                }
            }
            return nil
        case .query:
            guard let value = queryValue(name, in: bytes, range: head.query) else { return nil }
            return hash(value)
        }
    }

    /// The hash of a stretch; an empty one is no key.
    private func hash(_ range: ByteRange) -> UInt64? {
        guard !range.isEmpty, range.end <= request.head.headSize else { return nil }
        let start = request.bytes + range.start
        return KeyHash.hash(RawSpan(_unsafeStart: start, byteCount: Int(range.count)))
    }

    /// The hash of the client's address in network order; `nil` on a unix socket.
    private func clientHash() -> UInt64? {
        switch client.family {
        case 4:
            let bits = UInt32(truncatingIfNeeded: client.low).bigEndian
            return withUnsafeBytes(of: bits) { KeyHash.hash(RawSpan(_unsafeBytes: $0)) }
        case 6:
            let bits = (client.high.bigEndian, client.low.bigEndian)
            return withUnsafeBytes(of: bits) { KeyHash.hash(RawSpan(_unsafeBytes: $0)) }
        default: return nil
        }
    }
}
