/// A version of TLS.
public enum TLSVersion: String, Sendable, CaseIterable {
    /// TLS 1.2 (RFC 5246).
    case tls12 = "1.2"
    /// TLS 1.3 (RFC 8446).
    case tls13 = "1.3"
}

/// Whether HTTP/2 is spoken, and how it begins.
public enum HTTP2Use: Sendable, Hashable {
    /// HTTP/1 only.
    case off
    /// Offered by ALPN, over TLS.
    case overTLS
    /// Without TLS, with prior knowledge; a listener takes HTTP/1 on the same port.
    case cleartext
}

/// `tls` of a listener.
public struct ListenerTLSConfig: Sendable, Equatable {
    /// What happens to names that no certificate covers.
    public enum UnknownName: String, Sendable, CaseIterable {
        /// The first certificate serves them.
        case useDefault = "default"
        /// The handshake is refused.
        case refuse
    }

    /// In the order of the file, never empty; the first one serves unknown names.
    public var certificates: [CertificateConfig]
    /// What happens to names that no certificate covers.
    public var unknownName = UnknownName.useDefault
    /// Whose certificates clients need; `nil` asks them for none.
    public var clients: ClientAuthorityConfig?
    /// The oldest version that is spoken.
    public var minVersion = TLSVersion.tls12
    /// OpenSSL's names in the order of preference, at least one for each version that is spoken.
    public var suites = TLSNames.suites
    /// OpenSSL's names in the order of preference.
    public var groups = TLSNames.defaultGroups
    /// Absolute path of a file with keys of session tickets, 80 bytes each; `nil` makes own ones.
    public var ticketKeys: String?
    /// Handshakes under way at once in each worker.
    public var maxHandshakes = 1000
    /// Handshakes admitted in a second; `nil` is without bound.
    public var handshakeRate: Double?

    /// TLS with these certificates and the defaults.
    public init(certificates: [CertificateConfig]) { self.certificates = certificates }
}

/// One entry of `certificates`.
public struct CertificateConfig: Sendable, Equatable {
    /// Where certificate and key are.
    public enum Source: Sendable, Equatable {
        /// Absolute paths of two PEM files.
        case pair(certificate: String, key: String)
        /// Absolute path of a folder with pairs `x.pem` and `x.key`.
        case folder(String)
    }

    /// Where certificate and key are.
    public var source: Source
    /// Absolute path of the file whose first line decrypts the key.
    public var passphraseFile: String?
    /// Absolute path of an OCSP answer in DER; of a pair only.
    public var stapleFile: String?

    /// A certificate without passphrase and staple.
    public init(source: Source) { self.source = source }
}

/// `client-authority` of `tls` with what goes with it.
public struct ClientAuthorityConfig: Sendable, Equatable {
    /// Absolute path of the authorities' certificates in PEM.
    public var file: String
    /// Whether clients without a certificate are refused.
    public var isRequired = true
    /// Absolute path of revocation lists in PEM.
    public var revocations: String?

    /// Every client needs a certificate of these authorities.
    public init(file: String) { self.file = file }
}

/// `tls` of a pool.
public struct PoolTLSConfig: Sendable, Hashable {
    /// Whether a server must prove who it is.
    public var verifies = true
    /// The name that servers are asked for and that their certificates must cover, in lower case;
    /// `nil` is each server's host name, or the name that its SRV record gives.
    public var serverName: String?
    /// Absolute path of authorities in PEM; `nil` is the system's.
    public var authority: String?
    /// Weir's own certificate; `nil` is none.
    public var certificate: CertificatePaths?

    /// The defaults.
    public init() {}

    /// Whether a server without a host name could not be verified.
    public var needsNames: Bool { verifies && serverName == nil }

    /// What the certificate of one of the servers has to cover: a host name, or an address in
    /// digits; empty for a unix socket without a name, which cannot be verified.
    public func name(of server: ServerConfig) -> String {
        if let name = serverName ?? server.hostName { return name }
        if case .ip(let address, _) = server.address { return address.description }
        return ""
    }
}

/// The files of one certificate.
public struct CertificatePaths: Sendable, Hashable {
    /// The PEM file that begins with the certificate.
    public var certificate: String
    /// The PEM file of its key.
    public var key: String
    /// The file whose first line decrypts the key.
    public var passphraseFile: String?
    /// An OCSP answer in DER.
    public var stapleFile: String?

    /// A certificate without passphrase and staple.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

extension CertificateConfig {
    /// The most pairs that are taken of a folder.
    public static var folderCountMax: Int { 4096 }

    /// The files of its pairs as they are now, a folder's sorted by name; empty for a folder that
    /// has none, one more than ``folderCountMax`` for one that has too many.
    ///
    /// Whether they can be read is another matter.
    public func paths(in files: some FileAccess) -> [CertificatePaths] {
        switch source {
        case .pair(let certificate, let key):
            var paths = CertificatePaths(certificate: certificate, key: key)
            paths.passphraseFile = passphraseFile
            paths.stapleFile = stapleFile
            return [paths]
        case .folder(let folder):
            let found = files.glob(FilePath.literalPattern(folder) + "/*.pem")
            return found.prefix(Self.folderCountMax + 1).map { path in
                var paths = CertificatePaths(
                    certificate: path,
                    key: path.dropLast("pem".count) + "key"
                )
                paths.passphraseFile = passphraseFile
                return paths
            }
        }
    }
}
