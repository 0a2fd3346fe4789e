/// What a peer says first on a connection by the PROXY protocol: for whom it makes the connection.
///
/// The protocol is HAProxy's (proxy-protocol.txt): version 1 is one line of text, version 2 binary.
/// Both end at a known place, behind which the connection goes on as if nothing had been said.
public enum ProxyHeader: Equatable, Sendable {
    /// The peer speaks for itself, as in a health check (`LOCAL`).
    case local
    /// Somebody is behind it who has no address that could be said (`UNKNOWN`, `UNSPEC`).
    case unknown
    /// Somebody is behind it who came through a unix socket.
    case unix
    /// Whose connection it is, and where it was taken; both addresses are of one family.
    case client(ProxyAddress, at: ProxyAddress)

    /// Which of the two forms a header has.
    public enum Version: Sendable {
        /// A line of text.
        case text
        /// Binary.
        case binary
    }

    /// What a connection's first bytes amount to.
    public enum Reading: Equatable, Sendable {
        /// Too few to tell, or a part of a header.
        case needMore
        /// No header: these bytes belong to what follows one.
        case absent
        /// A header that takes the first `size` bytes.
        case header(ProxyHeader, size: Int)
    }

    /// The most bytes of a header of version 1, its line end included.
    public static let mostText = 107
    /// The most bytes of a header of version 2 that are accepted, extensions included.
    public static let mostBinary = 4096
    /// What each header of version 2 begins with.
    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
}

/// An address with a port, as a PROXY header names it.
public struct ProxyAddress: Equatable, Sendable {
    /// Whether it is one of IPv6.
    public var isIPv6: Bool
    /// The first 64 bits of an address of IPv6; 0 for IPv4.
    public var high: UInt64
    /// The rest of the address, or all 32 bits of one of IPv4.
    public var low: UInt64
    /// The port.
    public var port: UInt16

    /// An address of IPv6.
    public init(high: UInt64, low: UInt64, port: UInt16) {
        isIPv6 = true
        self.high = high
        self.low = low
        self.port = port
    }

    /// An address of IPv4.
    public init(bits: UInt32, port: UInt16) {
        isIPv6 = false
        high = 0
        low = UInt64(bits)
        self.port = port
    }
}

/// Why bytes that begin as a PROXY header are none.
public enum ProxyHeaderError: Error, Equatable, Sendable {
    /// The line of version 1 does not end within 107 bytes, or version 2 is beyond 4 KiB.
    case tooLong
    /// The line of version 1 is not as it has to be.
    case malformedLine
    /// The command is neither LOCAL nor PROXY, or the version is not 2.
    case unknownCommand
    /// The address family or the transport protocol does not exist.
    case unknownFamily
    /// The addresses are longer than the header.
    case tooShort

    /// The fault in words.
    public var explanation: StaticString {
        switch self {
        case .tooLong: "the PROXY header is too long"
        case .malformedLine: "the PROXY header's line is malformed"
        case .unknownCommand: "the PROXY header has an unknown version or command"
        case .unknownFamily: "the PROXY header has an unknown address family or protocol"
        case .tooShort: "the PROXY header is too short for its addresses"
        }
    }
}
