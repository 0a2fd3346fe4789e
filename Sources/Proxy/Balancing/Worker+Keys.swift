import HTTP

extension Worker {
    /// Notes the request's key and the endpoint to which its client sticks, if its pool asks for
    /// them.
    mutating func noteKeys(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ request: ReceivedRequest,
        host: UnsafeRawBufferPointer,
        path: UnsafeRawBufferPointer
    ) {
        let pool = pools + Int(exchange.pointee.pool)
        if !pool.pointee.keys.isEmpty {
            let keyed = KeyedRequest(
                request: request,
                client: exchange.pointee.client,
                host: host,
                path: path
            )
            if let hash = keyed.hash(pool.pointee.keys, fields) {
                exchange.pointee.key = hash
                exchange.pointee.flags.insert(.hasKey)
            }
        }
        if let tokens = pool.pointee.sticky {
            exchange.pointee.stuckTo = Int32(truncatingIfNeeded: stuckTo(tokens, request))
            let downstream = down[exchange.pointee.downstream]
            if cameByHTTPS(downstream, request) {
                exchange.pointee.flags.insert(.https)
            }
        }
    }

    /// Whether the client came by https: as X-Forwarded-Proto of a trusted proxy says, or else as
    /// its own connection does.
    mutating func cameByHTTPS(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Bool {
        guard downstream.pointee.flags.contains(.trustedPeer),
            let index = fields.first(.xForwardedProto), !fields[index].isHopByHop
        else { return downstream.pointee.flags.contains(.encrypted) }
        let value = fields[index].value
        guard value.count >= 5, value.end <= request.head.headSize else { return false }
        for (offset, letter) in "https".utf8.enumerated()
        where request.bytes.load(fromByteOffset: value.start &+ offset, as: UInt8.self) | 0x20
            != letter
        {
            return false
        }
        return true
    }

    /// The endpoint whose token the request carries, -1 without one.
    private mutating func stuckTo(_ tokens: StickyTokens, _ request: ReceivedRequest) -> Int {
        let bytes = RawSpan(_unsafeStart: request.bytes, byteCount: request.head.headSize)
        let name = RawSpan(_unsafeBytes: tokens.fieldName)
        var index = 0
        while let found = fields.first(tokens.field, named: name, in: bytes, from: index) {
            if let endpoint = tokens.endpoint(inField: fields[found].value, of: bytes) {
                return endpoint
            }
            index = found &+ 1
        }
        return -1
    }

    /// The line that tells the client to which endpoint it belongs; empty if it knows.
    mutating func stickyLine(_ exchange: UnsafeMutablePointer<Exchange>) -> UnsafeRawBufferPointer {
        let pool = pools + Int(exchange.pointee.pool)
        guard let tokens = pool.pointee.sticky else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let endpoint = Int(exchange.pointee.endpoint) &- pool.pointee.firstEndpoint
        if endpoint == Int(exchange.pointee.stuckTo) {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return tokens.fieldLine(
            for: endpoint,
            secure: exchange.pointee.flags.contains(.https)
        )
    }
}
