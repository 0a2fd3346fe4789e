/// What the files of one `tls` hold, for someone who knows certificates.
public struct TLSMaterial: Sendable {
    /// Which side of a connection it is for.
    public enum Role: Sendable, Equatable {
        /// A listener's.
        case server
        /// A pool's, towards its servers.
        case client
    }

    /// A file that could be read.
    public struct File: Sendable, Equatable {
        /// What a message may call it: its path, or what the file wrote for that where it came
        /// from the environment.
        public var name: String
        /// All of it.
        public var bytes: [UInt8]

        /// A file.
        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// A certificate with its key; pairs of which a file cannot be read are left out.
    public struct Pair: Sendable, Equatable {
        /// Certificates in PEM, the server's own first.
        public var certificate: File
        /// The key in PEM.
        public var key: File
        /// The file whose first line decrypts the key.
        public var passphrase: File?
        /// An OCSP answer in DER.
        public var staple: File?
    }

    /// Which side it is for.
    public var role: Role
    /// In the order of the file.
    public var pairs: [Pair] = []
    /// Certificates in PEM of those who sign the other side's.
    public var authority: File?
    /// Revocation lists in PEM.
    public var revocations: File?
}

/// What is wrong with the files of a `tls`.
public struct TLSProblem: Sendable, Equatable {
    /// Which file it is about; indices are those of ``TLSMaterial/pairs``.
    public enum Part: Sendable, Hashable {
        /// A pair's certificates.
        case certificate(Int)
        /// A pair's key.
        case key(Int)
        /// A pair's passphrase.
        case passphrase(Int)
        /// A pair's OCSP answer.
        case staple(Int)
        /// The authorities.
        case authority
        /// The revocation lists.
        case revocations
    }

    /// Which file it is about.
    public var part: Part
    /// Whether the configuration is refused for it.
    public var severity: Diagnostic.Severity
    /// What is there, with the file's name: `/etc/weir/site.pem ended on 2026-01-31`.
    public var message: String
    /// What to do, beside the caret.
    public var remedy: String

    /// A problem.
    public init(
        part: Part,
        severity: Diagnostic.Severity,
        message: String,
        remedy: String
    ) {
        self.part = part
        self.severity = severity
        self.message = message
        self.remedy = remedy
    }
}
