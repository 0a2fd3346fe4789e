/// What a listener's TLS is made of; files are given as their bytes.
public struct TLSServerOptions: Sendable {
    /// A certificate with its key.
    public struct Certificate: Sendable {
        /// The certificate and those between it and the root, PEM.
        public var chain: [UInt8]
        /// The private key, PEM.
        public var key: [UInt8]
        /// What opens an encrypted key: the first line of these bytes.
        public var passphrase: [UInt8]?
        /// An OCSP answer for it, DER.
        public var staple: [UInt8]?

        /// A certificate with its key, from the bytes of their files.
        public init(
            chain: [UInt8],
            key: [UInt8],
            passphrase: [UInt8]? = nil,
            staple: [UInt8]? = nil
        ) {
            self.chain = chain
            self.key = key
            self.passphrase = passphrase
            self.staple = staple
        }
    }

    /// What becomes of clients that ask for a name that no certificate covers, or for none.
    public enum UnknownName: Sendable {
        /// They are shown the first certificate.
        case useDefault
        /// They get the alert `unrecognized_name`.
        case refuse
    }

    /// How much is asked of clients where there is a `clientAuthority`.
    public enum ClientCertificate: Sendable {
        /// A client without a certificate is refused.
        case required
        /// A client may come without one; one that it shows must be good.
        case optional
    }

    /// The certificates; the first one is the default.
    public var certificates: [Certificate]
    /// The keys of session tickets, shared by all that resume each other's sessions.
    public var ticketKeys: TicketKeys
    /// What becomes of clients that ask for an unknown name.
    public var unknownName: UnknownName = .useDefault
    /// Whether HTTP/2 is offered beside HTTP/1.
    public var http2 = true
    /// Who signs clients' certificates, PEM; `nil`: clients are asked for none.
    public var clientAuthority: [UInt8]?
    /// Revocation lists of the authorities, PEM; `nil`: revocation is not looked at.
    public var revocations: [UInt8]?
    /// How much is asked of clients where there is a `clientAuthority`.
    public var clientCertificate: ClientCertificate = .required
    /// The oldest version spoken.
    public var minVersion: TLSVersion = .tls12
    /// The suites, preferred ones first; empty: all that Weir has.
    public var suites: [TLSSuite] = []
    /// The groups, preferred ones first; empty: the standard ones.
    public var groups: [TLSGroup] = []

    /// Options for these certificates, with the defaults of the file for the rest.
    public init(certificates: [Certificate], ticketKeys: TicketKeys) {
        self.certificates = certificates
        self.ticketKeys = ticketKeys
    }
}
