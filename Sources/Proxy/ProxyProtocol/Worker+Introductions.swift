import CLinux
import Configuration
import EventLoop
import HTTP

/// PROXY headers on connections to endpoints.
extension Worker {
    /// Says on a new connection, before anything else, for which client it was opened.
    ///
    /// False if it cannot be said.
    mutating func introduce(_ slot: Int32, _ version: ProxyHeader.Version) -> Bool {
        let upstream = up[slot]
        let exchange = exchanges[upstream.pointee.exchange]
        let count = send(header(for: exchange), version, upstream.pointee.descriptor)
        guard count > 0 else { return false }
        // None of it is the request's.
        upstream.pointee.sent &+= UInt64(count)
        upstream.pointee.sentBefore = upstream.pointee.sent
        return true
    }

    /// What is said of a request's client.
    private mutating func header(for exchange: UnsafeMutablePointer<Exchange>) -> ProxyHeader {
        let client = exchange.pointee.client
        guard client.isInternet else { return .unknown }
        var downstream = down[exchange.pointee.downstream]
        if downstream.isOfStream {
            downstream = down[downstream.pointee.streams.carrier]
        }
        var place = weir_address()
        if weir_local_address(downstream.pointee.descriptor, &place) < 0 { return .unknown }
        // Both have to be of one family: one that a trusted proxy named may be of the other.
        if place.family != client.family {
            place.high = 0
            place.low = 0
            place.family = client.family
        }
        return .client(ProxyAddress(client), at: ProxyAddress(place))
    }

    /// Says on a new connection for probes that Weir speaks for itself; false if it cannot be said.
    mutating func introduceProbe(_ endpoint: Int) -> Bool {
        guard let version = pools[Int(endpoints[endpoint].pool)].proxyProtocol else { return true }
        return send(.local, version, probes[endpoint].pointee.descriptor) > 0
    }

    /// Sends a header, which always fits into what a new connection takes.
    ///
    /// Returns how many bytes it has, -1 if it could not be sent.
    private mutating func send(
        _ header: ProxyHeader,
        _ version: ProxyHeader.Version,
        _ descriptor: Int32
    ) -> Int {
        header.bytes(version).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return weir_send(descriptor, base, bytes.count) == bytes.count ? bytes.count : -1
        }
    }
}

extension ProxyAddress {
    /// An internet address, as a PROXY header names it.
    init(_ address: weir_address) {
        if address.family == 6 {
            self.init(high: address.high, low: address.low, port: address.port)
        } else {
            self.init(bits: UInt32(truncatingIfNeeded: address.low), port: address.port)
        }
    }
}

extension ProxyProtocolVersion {
    /// The form of the headers.
    public var header: ProxyHeader.Version {
        switch self {
        case .v1: .text
        case .v2: .binary
        }
    }
}
