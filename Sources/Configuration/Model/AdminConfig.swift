import Routing

/// `admin`.
public struct AdminConfig: Sendable, Equatable {
    /// What may be answered without the token.
    public enum Public: String, Sendable, Equatable, CaseIterable {
        case health
        case metrics
    }

    /// Where it listens.
    public var address: ListenAddress
    /// The absolute path of the file with the token; `nil` asks for none.
    public var tokenFile: String?
    /// What it proves itself with; `nil` speaks plain HTTP.
    public var tls: CertificatePaths?
    /// What is answered without the token.
    public var isPublic: Set<Public> = [.health]
    /// Whether what operators change of servers outlives a reload.
    public var keepsChanges = true
    /// Rights of a unix socket.
    public var socketMode: UInt32 = 0o660

    /// An admin API without a token.
    public init(address: ListenAddress) { self.address = address }

    /// A file's bytes as a token: without the blanks around it; `nil` if it has too few or too
    /// many, or others than a field can hold.
    public static func token(_ bytes: [UInt8]) -> [UInt8]? {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
        let start = bytes.firstIndex { !isBlank($0) } ?? bytes.count
        let end = (bytes.lastIndex { !isBlank($0) } ?? start - 1) + 1
        let token = Array(bytes[start..<max(start, end)])
        guard AdminKeys.tokenSize.contains(token.count),
            token.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return token
    }
}

extension ListenAddress {
    /// Whether only this machine can connect to it.
    public var isLocal: Bool {
        switch self {
        case .unix, .ip(.v6(high: 0, low: 1), _): true
        case .ip(.v4(let bits), _): bits >> 24 == 127
        case .any, .ip: false
        }
    }
}
