import COpenSSL

/// A listener's TLS: certificates by name, policy, sessions.
///
/// Immutable and shared by all workers. Connections keep what they need of it, so that it can be
/// replaced at any time.
public final class TLSServerContext: Sendable {
    private let front: Context
    private let policy: ServerPolicy

    /// Contexts of these options, checked: keys fit their certificates, nothing is weak.
    public init(_ options: TLSServerOptions) throws(TLSSetupError) {
        guard !options.certificates.isEmpty else {
            throw TLSSetupError(.certificate, "there is no certificate")
        }
        var credentials: [Credential] = []
        for (number, certificate) in options.certificates.enumerated() {
            credentials.append(try Credential(certificate, number: number))
        }
        let clients = try ClientPolicy(options)
        let choice = CertificateChoice(credentials)
        var contexts: [Context] = []
        for set in choice.sets {
            let context = try Context(TLS_server_method())
            try context.set(
                minVersion: options.minVersion,
                suites: options.suites,
                groups: options.groups
            )
            for number in set { try context.add(credentials[number]) }
            try clients.install(on: context)
            weir_ssl_ctx_disable_cache(context.pointer)
            // Each costs the handshake 35 µs; a client that wants more connections at once makes
            // full handshakes for them.
            SSL_CTX_set_num_tickets(context.pointer, 1)
            contexts.append(context)
        }
        front = contexts.removeFirst()
        policy = ServerPolicy(
            options: options,
            sets: choice.setOfName,
            others: contexts,
            credentials: credentials
        )
        policy.install(on: front)
        for context in contexts { policy.install(on: context) }
        guard policy.keep(with: front) else { throw TLSSetupError(.internal, "no memory") }
    }

    /// The server's side of a new connection on `port`; `nil`: no memory.
    public func accept(_ port: TLSPort) -> TLSConnection? {
        guard let connection = TLSConnection(context: front.pointer, port: port) else {
            return nil
        }
        SSL_set_accept_state(connection.ssl)
        return connection
    }

    /// Whether one of the certificates covers this host: its name, exactly or by a wildcard, or its
    /// address.
    public func covers(_ host: String) -> Bool {
        policy.set(covering: host) != nil || policy.covers(address: host)
    }
}

/// Which certificates serve which name.
struct CertificateChoice {
    /// Sets of certificates by number, one for each kind of key; the first one is the default.
    private(set) var sets: [[Int]] = []
    /// Names in lower case, wildcards with their star, and the number of the set for each.
    private(set) var setOfName: [String: Int] = [:]

    /// A name gets the first certificate of each kind of key that bears it.
    ///
    /// The default is what the first certificate's first name gets, so that a pair of kinds
    /// serves unknown names as well.
    init(_ credentials: [Credential]) {
        var setNumbers: [[Int]: Int] = [:]
        var bearers: [String: [Int]] = [:]
        var names: [String] = []
        for credential in credentials {
            for name in credential.leaf.view.hostNames {
                if bearers[name] == nil { names.append(name) }
                bearers[name, default: []].append(credential.number)
            }
        }
        func number(of set: [Int]) -> Int {
            if let known = setNumbers[set] { return known }
            setNumbers[set] = sets.count
            sets.append(set)
            return sets.count - 1
        }
        let kinds = credentials.map(\.keyKind)
        func oneOfEachKind(_ numbers: [Int]) -> [Int] {
            var seen: Set<Int32> = []
            return numbers.filter { seen.insert(kinds[$0]).inserted }
        }
        let first = credentials.first?.leaf.view.hostNames.first.flatMap { bearers[$0] }
        _ = number(of: oneOfEachKind(first ?? [0]))
        for name in names {
            setOfName[name] = number(of: oneOfEachKind(bearers[name] ?? []))
        }
    }
}
