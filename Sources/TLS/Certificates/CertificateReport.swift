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
                let remedy = "give the answer of the authority's responder, in DER"
                add(.unreadable, .staple, error.text, remedy)
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

    /// What is wrong with a file of authorities, PEM; `nil`: nothing.
    public static func problem(ofAuthorities pem: [UInt8]) -> String? {
        do throws(TLSSetupError) {
            _ = try TLSAuthorities(pem: pem)
            return nil
        } catch { return error.text }
    }

    /// What is wrong with a file of revocation lists, PEM, and whether it cannot serve so.
    ///
    /// `nil`: nothing; `now` in seconds since 1970.
    public static func problem(
        ofRevocations pem: [UInt8],
        now: Int64
    ) -> (text: String, isError: Bool)? {
        do throws(TLSSetupError) {
            guard let end = try TrustStore([], revocations: pem).listsEnd, end <= now else {
                return nil
            }
            let text = "a list ended on \(dateText(end)), and no client is let in since"
            return (text, false)
        } catch { return (error.text, true) }
    }

    private mutating func readKey(_ files: TLSServerOptions.Certificate) -> PrivateKey? {
        switch PrivateKey.read(pem: files.key, passphrase: files.passphrase) {
        case .success(let key): return key
        case .failure(let problem):
            switch problem {
            case .unreadable:
                let remedy =
                    Self.holds("CERTIFICATE-----", files.key)
                    ? "certificate and key seem to have changed places"
                    : "give the private key in PEM"
                add(.unreadable, .key, problem.text, remedy)
            case .passphraseMissing:
                add(.passphraseMissing, .key, problem.text, "name its file in passphrase-file")
            case .passphraseWrong:
                let remedy = "give the one that the key was encrypted with"
                add(.passphraseWrong, .passphrase, problem.text, remedy)
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
            let remedy =
                Self.holds("PRIVATE KEY-----", files.chain)
                ? "certificate and key seem to have changed places"
                : "give certificates in PEM, the server's own one first"
            add(.unreadable, .certificate, error.text, remedy)
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
            let text = "\(what) ended on \(dateText(certificate.notAfter))"
            add(.expired, .certificate, text, "renew it")
        } else if left < Self.warningTime {
            let text = "\(what) ends on \(dateText(certificate.notAfter))"
            add(.endsSoon, .certificate, text, "renew it", isError: false)
        }
        if certificate.notBefore > now {
            let text = "\(what) becomes valid on \(dateText(certificate.notBefore)) only"
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

    /// Whether a file has a label of PEM that ends so.
    private static func holds(_ label: String, _ pem: [UInt8]) -> Bool {
        String(decoding: pem, as: UTF8.self).contains(label)
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

/// The day in UTC, such as `2026-01-31`, of seconds since 1970 (Hinnant, "chrono-compatible
/// low-level date algorithms").
func dateText(_ seconds: Int64) -> String {
    // Days since 0000-03-01, so that leap days are the last of their years.
    let days = (seconds - (seconds < 0 ? 86_399 : 0)) / 86_400 + 719_468
    let era = (days < 0 ? days - 146_096 : days) / 146_097
    let day = days - era * 146_097
    let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(padded(month))-\(padded(dayOfMonth))"
}
