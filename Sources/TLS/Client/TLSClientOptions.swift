/// What TLS to servers is made of.
public struct TLSClientOptions: Sendable {
    /// Who is trusted to name servers.
    public enum Trust: Sendable {
        /// Certificates must be signed by one of these and cover the server's name.
        case authorities(TLSAuthorities)
        /// Anyone is believed: the connection is secret, but who is at its other end is unknown.
        case anyone
    }

    /// Who is trusted to name servers.
    public var trust: Trust
    /// The certificate that is shown to servers that ask for one.
    public var certificate: TLSServerOptions.Certificate?
    /// The protocols offered (ALPN), preferred ones first, such as `h2` and `http/1.1`.
    ///
    /// Empty: nothing is offered. Names have 1 to 255 bytes.
    public var protocols: [String] = []
    /// The oldest version spoken.
    public var minVersion: TLSVersion = .tls12

    /// Options with this trust and the defaults of the file for the rest.
    public init(trust: Trust) {
        self.trust = trust
    }
}
