import COpenSSL

/// A certificate with what is needed to show it: its chain, its key, and perhaps an OCSP answer.
struct Credential: Sendable {
    /// Its place in the options, from 0.
    let number: Int
    let leaf: Certificate
    /// What is sent behind the leaf.
    let chain: [Certificate]
    let key: PrivateKey
    let staple: Staple?

    /// The sum of the certificates' sizes that a handshake can carry within a port's output.
    static let chainLimit = 64 << 10

    /// Reads the PEM and DER bytes of the options.
    init(_ options: TLSServerOptions.Certificate, number: Int) throws(TLSSetupError) {
        try self.init(
            chain: options.chain,
            key: options.key,
            passphrase: options.passphrase,
            staple: options.staple,
            number: number
        )
    }

    init(
        chain: [UInt8],
        key: [UInt8],
        passphrase: [UInt8]?,
        staple: [UInt8]? = nil,
        number: Int
    ) throws(TLSSetupError) {
        self.number = number
        let certificates: [Certificate]
        switch Certificate.all(inPEM: chain) {
        case .success(let found): certificates = found
        case .failure(let error):
            throw TLSSetupError(.certificate, certificate: number, error.text)
        }
        let size = certificates.reduce(0) { $0 + Int(max(0, i2d_X509($1.pointer, nil))) }
        guard let leaf = certificates.first, size <= Self.chainLimit else {
            let text = "the chain has \(size) bytes, more than \(Self.chainLimit)"
            throw TLSSetupError(.certificate, certificate: number, text)
        }
        self.leaf = leaf
        // Clients have the root already, and what they do not trust they need not see.
        self.chain = certificates.dropFirst().filter { !$0.view.isSelfIssued }
        switch PrivateKey.read(pem: key, passphrase: passphrase) {
        case .success(let found): self.key = found
        case .failure(let problem):
            throw TLSSetupError(problem.kind, certificate: number, problem.text)
        }
        guard self.key.fits(leaf) else {
            let text = "the key does not belong to the certificate of \(leaf.view.subject)"
            throw TLSSetupError(.mismatch, certificate: number, text)
        }
        guard let staple else {
            self.staple = nil
            return
        }
        switch Staple.read(der: staple, for: leaf) {
        case .success(let found): self.staple = found
        case .failure(let error): throw TLSSetupError(.staple, certificate: number, error.text)
        }
    }

    /// The kind of key; OpenSSL holds one certificate of each kind in a context.
    var keyKind: Int32 { EVP_PKEY_get_base_id(key.pointer) }
}

extension PrivateKey.Problem {
    var kind: TLSSetupError.Kind {
        switch self {
        case .unreadable: .key
        case .passphraseMissing, .passphraseWrong: .passphrase
        }
    }

    /// What is wrong, in plain words.
    var text: String {
        switch self {
        case .unreadable(let why): why
        case .passphraseMissing: "the key is encrypted and needs a passphrase"
        case .passphraseWrong: "the passphrase does not open the key"
        }
    }
}
