/// What can be said of a certificate and its key before they serve.
public struct CertificateReport: Equatable, Sendable {
    /// How many seconds before its end a certificate is warned of.
    public static let warningTime: Int64 = 14 * 86_400

    /// Which file a finding is about.
    public enum Part: Sendable {
        case certificate
        case key
        case passphrase
        case staple
    }

    /// What was found; raw values are stable names.
    public enum Kind: String, CaseIterable, Sendable {
        /// A file cannot be read as what it should be.
        case unreadable
        /// The key is encrypted and no passphrase was given.
        case passphraseMissing = "passphrase-missing"
        /// The passphrase does not open the key.
        case passphraseWrong = "passphrase-wrong"
        /// The key does not belong to the certificate.
        case mismatch
        /// The certificate is no longer valid.
        case expired
        /// The certificate ends soon.
        case endsSoon = "ends-soon"
        /// The certificate is not valid yet.
        case notYetValid = "not-yet-valid"
        /// One certificate of the chain did not sign the one before it.
        case chainOrder = "chain-order"
        /// The certificates between this one and the root are not there.
        case chainIncomplete = "chain-incomplete"
        /// No host name is covered.
        case noNames = "no-names"
        /// OpenSSL refuses it, such as for a weak key.
        case unfit
    }

    /// One thing found.
    public struct Finding: Equatable, Sendable {
        /// What was found.
        public let kind: Kind
        /// Which file it is about.
        public let part: Part
        /// Whether it cannot serve so; else it is a warning.
        public let isError: Bool
        /// What is there, in plain words without an end stop.
        public let text: String
        /// What to do about it; empty: that is clear.
        public let remedy: String
    }

    /// The subject, as in RFC 2253; empty: the certificate cannot be read.
    public private(set) var subject = ""
    /// Host names and wildcards that it serves, in lower case.
    public private(set) var names: [String] = []
    /// When it ends, in seconds since 1970; `nil`: it cannot be read.
    public private(set) var notAfter: Int64?
    /// What was found, errors and warnings.
    public private(set) var findings: [Finding] = []

    /// Whether it can serve.
    public var isGood: Bool { !findings.contains { $0.isError } }

    /// Looks at the bytes of the files; `now` in seconds since 1970.
    public init(_ files: TLSServerOptions.Certificate, now: Int64) {
        let key = readKey(files)
        let chain = readChain(files, now: now)
        guard let leaf = chain.first else { return }
        if let key, !key.fits(leaf) {
            let text = "the key does not belong to the certificate of \(leaf.view.subject)"
            add(.mismatch, .key, text, "give the key that the certificate was requested with")
        }
        if let staple = files.staple {
            if case .failure(let error) = Staple.read(der: staple, for: leaf) {
                add(.unreadable, .staple, error.text, "")
            }
        }
        guard isGood, key != nil else { return }
        do throws(TLSSetupError) {
            let credential = try Credential(files, number: 0)
            try Context.check(credential)
        } catch {
            add(.unfit, error.kind == .key ? .key : .certificate, error.text, "")
        }
    }

    private mutating func readKey(_ files: TLSServerOptions.Certificate) -> PrivateKey? {
        switch PrivateKey.read(pem: files.key, passphrase: files.passphrase) {
        case .success(let key): return key
        case .failure(let problem):
            switch problem {
            case .unreadable: add(.unreadable, .key, problem.text, "")
            case .passphraseMissing:
                add(.passphraseMissing, .key, problem.text, "name its file in passphrase-file")
            case .passphraseWrong: add(.passphraseWrong, .passphrase, problem.text, "")
            }
            return nil
        }
    }

    private mutating func readChain(
        _ files: TLSServerOptions.Certificate,
        now: Int64
    ) -> [Certificate] {
        let chain: [Certificate]
        switch Certificate.all(inPEM: files.chain) {
        case .success(let found): chain = found
        case .failure(let error):
            add(.unreadable, .certificate, error.text, "")
            return []
        }
        guard let leaf = chain.first?.view else { return [] }
        subject = leaf.subject
        names = leaf.hostNames
        notAfter = leaf.notAfter
        if names.isEmpty {
            let text = "the certificate covers no host name"
            add(.noNames, .certificate, text, "request one with alternative names", isError: false)
        }
        // Roots are not sent, so theirs does not matter.
        for (index, certificate) in chain.enumerated()
        where index == 0 || !certificate.view.isSelfIssued {
            checkTime(of: certificate.view, index: index, now: now)
        }
        checkOrder(of: chain)
        return chain
    }

    private mutating func checkTime(of certificate: X509View, index: Int, now: Int64) {
        let what =
            index == 0
            ? "the certificate" : "certificate \(index + 1) of the chain, \(certificate.subject),"
        let left = certificate.notAfter - now
        if left < 0 {
            let days = -left / 86_400
            add(.expired, .certificate, "\(what) ended \(daysText(days)) ago", "renew it")
        } else if left < Self.warningTime {
            let text = "\(what) ends in \(daysText(left / 86_400))"
            add(.endsSoon, .certificate, text, "renew it", isError: false)
        }
        if certificate.notBefore > now {
            let days = (certificate.notBefore - now) / 86_400
            let text = "\(what) becomes valid in \(daysText(days)) only"
            add(.notYetValid, .certificate, text, "check the clock of this machine")
        }
    }

    private mutating func checkOrder(of chain: [Certificate]) {
        for (index, pair) in zip(chain, chain.dropFirst()).enumerated() {
            guard !pair.0.view.isIssued(by: pair.1.view) else { continue }
            let text =
                "certificate \(index + 2) of the chain, \(pair.1.view.subject), "
                + "did not sign the one before it; \(pair.0.view.issuer) did"
            let remedy = "put the certificates in order, the server's own one first"
            add(.chainOrder, .certificate, text, remedy, isError: false)
            return
        }
        guard chain.count == 1, let leaf = chain.first?.view, !leaf.isSelfIssued else { return }
        let text =
            "the certificate comes alone: clients that do not know its authority, "
            + "\(leaf.issuer), refuse it"
        let remedy = "add the certificates between it and the root behind it, unless there are none"
        add(.chainIncomplete, .certificate, text, remedy, isError: false)
    }

    private mutating func add(
        _ kind: Kind,
        _ part: Part,
        _ text: String,
        _ remedy: String,
        isError: Bool = true
    ) {
        findings.append(
            Finding(kind: kind, part: part, isError: isError, text: text, remedy: remedy)
        )
    }
}

private func daysText(_ days: Int64) -> String {
    switch days {
    case 0: "less than a day"
    case 1: "a day"
    default: "\(days) days"
    }
}
