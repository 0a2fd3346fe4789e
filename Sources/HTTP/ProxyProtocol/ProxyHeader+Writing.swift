extension ProxyHeader {
    /// The header's bytes.
    ///
    /// In version 1, ``local`` cannot be told from ``unknown``; a client's unix socket is never
    /// named, so ``unix`` is written as ``unknown``.
    public func bytes(_ version: Version) -> [UInt8] {
        switch version {
        case .text: return text
        case .binary: return binary
        }
    }

    private var text: [UInt8] {
        guard case .client(let source, let destination) = self else {
            return Array("PROXY UNKNOWN\r\n".utf8)
        }
        let family = source.isIPv6 ? "TCP6" : "TCP4"
        let addresses = "\(source.text) \(destination.text)"
        return Array("PROXY \(family) \(addresses) \(source.port) \(destination.port)\r\n".utf8)
    }

    private var binary: [UInt8] {
        var bytes = Self.signature
        bytes.reserveCapacity(52)
        switch self {
        case .local: bytes += [0x20, 0, 0, 0]
        case .unknown, .unix: bytes += [0x21, 0, 0, 0]
        case .client(let source, let destination):
            bytes += [0x21, source.isIPv6 ? 0x21 : 0x11, 0, source.isIPv6 ? 36 : 12]
            source.append(to: &bytes)
            destination.append(to: &bytes)
            for port in [source.port, destination.port] {
                bytes.append(UInt8(truncatingIfNeeded: port >> 8))
                bytes.append(UInt8(truncatingIfNeeded: port))
            }
        }
        return bytes
    }
}

extension ProxyAddress {
    /// The address alone: IPv4 in decimal, IPv6 in all eight groups, as no reader can mistake it.
    fileprivate var text: String {
        if !isIPv6 {
            return (0..<4).map { String(low >> UInt64(24 &- 8 &* $0) & 255) }
                .joined(separator: ".")
        }
        return (0..<8).map { place in
            let half = place < 4 ? high : low
            return String(half >> UInt64(48 &- 16 &* (place & 3)) & 0xffff, radix: 16)
        }
        .joined(separator: ":")
    }

    /// Appends the address alone, in the network's order.
    fileprivate func append(to bytes: inout [UInt8]) {
        if isIPv6 {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: high >> UInt64(shift)))
            }
        }
        for shift in stride(from: isIPv6 ? 56 : 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: low >> UInt64(shift)))
        }
    }
}
