import Configuration
import Routing

/// Who may ask the admin API for what; pure.
struct AdminAccess {
    /// Bytes that requests have to bear; `nil` asks for none.
    let token: [UInt8]?
    /// What is answered without the token.
    let isPublic: Set<AdminConfig.Public>
    /// Whether it listens at a unix socket, whose file's rights say who may connect.
    let isUnix: Bool
    /// Whether it is spoken to by TLS, so that its pages are those of https.
    var isSecure = false

    /// Paths that say whether the process is well.
    static let healthPaths: Set<String> = ["/livez", "/healthz", "/readyz"]

    /// - Throws: ``AdminProblem`` if the request may not be answered.
    func check(_ request: AdminRequest) throws(AdminProblem) {
        guard let token else {
            try checkLocal(request)
            return
        }
        let isOpen =
            // The page holds nothing but itself, and asks for the token.
            request.path == "/"
            || (isPublic.contains(.health) && Self.healthPaths.contains(request.path))
            || (isPublic.contains(.metrics) && request.path == "/metrics")
        if isOpen, request.isSafe { return }
        let given = request.field("authorization").flatMap(Self.bearer) ?? []
        if !Self.areEqual(given, token) {
            throw AdminProblem(
                401,
                "a token is needed",
                "Send the bytes of token-file as Authorization: Bearer TOKEN.",
                fields: ["www-authenticate": "Bearer realm=\"weir admin\""]
            )
        }
    }

    /// Without a token: a page from elsewhere must not reach it through somebody's browser, be it
    /// under a name that leads here (DNS rebinding).
    private func checkLocal(_ request: AdminRequest) throws(AdminProblem) {
        if !isUnix, !Self.isLocal(request.host) {
            throw AdminProblem(
                403,
                "the host is not this machine",
                "Without token-file only localhost and loopback addresses are answered as Host, "
                    + "not \"\(request.host)\"."
            )
        }
        if request.isSafe { return }
        let site = request.field("sec-fetch-site") ?? "none"
        let isOwnSite = site == "none" || site == "same-origin"
        if !isOwnSite || !isOwn(request.field("origin"), host: request.host) {
            throw AdminProblem(
                403,
                "another site's page may not do this",
                "Without token-file only pages of this address may change something."
            )
        }
    }

    private func isOwn(_ origin: String?, host: String) -> Bool {
        guard let origin else { return true }
        let scheme = isSecure ? "https://" : "http://"
        return !host.isEmpty && origin.lowercased() == scheme + host.lowercased()
    }

    /// Whether a Host field's value is localhost or a loopback address, whatever its port.
    static func isLocal(_ host: String) -> Bool {
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            name = name[name.index(after: name.startIndex)..<end]
        } else if let colon = name.lastIndex(of: ":") {
            name = name[..<colon]
        }
        if name == "localhost" || name == "localhost." { return true }
        switch IPAddress(String(name)) {
        case .v4(let bits): return bits >> 24 == 127
        case .v6(let high, let low): return high == 0 && low == 1
        case nil: return false
        }
    }

    /// The token of an Authorization field (RFC 6750 §2.1).
    private static func bearer(_ value: String) -> [UInt8]? {
        let parts = value.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return Array(parts[1].utf8)
    }

    /// Whether both are the same, in a time that says nothing of where they differ.
    static func areEqual(_ given: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = given.count ^ token.count
        for (index, byte) in token.enumerated() {
            let other = given.isEmpty ? 0 : given[index % given.count]
            difference |= Int(byte ^ other)
        }
        return difference == 0
    }
}
