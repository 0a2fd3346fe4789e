import Routing

/// Where HTTP is spoken: `http://HOST:PORT` or `https://HOST:PORT`.
public struct WebOrigin: Sendable, Equatable {
    /// Whether it is reached by https.
    public var isSecure: Bool
    /// An address or a name, with its port.
    public var address: ServerAddress
    /// The host as a certificate names it, in lower case.
    public var host: String

    /// The origin in `text`; `nil` if it is none, or says more.
    ///
    /// Without a port it is the scheme's own.
    public init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        isSecure = scheme == "https"
        let authority = text[mark.upperBound...]
        let colon = authority.lastIndex(of: ":") ?? authority.endIndex
        let isBracketed = authority.hasSuffix("]")
        let hasPort = !isBracketed && colon != authority.endIndex
        var port: UInt16 = isSecure ? 443 : 80
        if hasPort {
            let digits = authority[authority.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = UInt16(digits), number > 0
            else { return nil }
            port = number
        }
        var name = String(hasPort ? authority[..<colon] : authority).lowercased()
        if name.hasPrefix("["), name.hasSuffix("]") {
            name = String(name.dropFirst().dropLast())
            guard name.contains(":") else { return nil }
        }
        host = name
        if let ip = IPAddress(name) {
            address = .ip(ip, port: port)
        } else if HostNames.isName(name) {
            address = .name(name, port: port)
        } else {
            return nil
        }
    }

    /// Host and port, as `Host` of requests has them.
    public var authority: String {
        switch address {
        case .ip(let ip, let port): ip.text(port: port)
        case .name(let name, let port): "\(name):\(port)"
        case .unix, .service: host
        }
    }

    /// As it would be typed.
    public var description: String { (isSecure ? "https://" : "http://") + authority }
}
