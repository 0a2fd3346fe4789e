/// Why contexts cannot be made of what the file gives.
public struct TLSSetupError: Error, Equatable, Sendable {
    /// Which of the options is at fault; raw values are stable names.
    public enum Kind: String, CaseIterable, Sendable {
        /// The certificate cannot be read, or is refused as weak.
        case certificate
        /// The key cannot be read.
        case key
        /// The key is encrypted, and its passphrase is missing or wrong.
        case passphrase
        /// Key and certificate are no pair.
        case mismatch
        /// The OCSP answer cannot be read.
        case staple
        /// The authorities cannot be read.
        case authority
        /// The revocation lists cannot be read.
        case revocations
        /// A suite is unknown here or weak, or none is left for a version.
        case suites
        /// A group is unknown here.
        case groups
        /// The ticket keys have another form.
        case ticketKeys = "ticket-keys"
        /// OpenSSL refused, such as for want of memory.
        case `internal`
    }

    /// What is at fault.
    public let kind: Kind
    /// Which of the certificates, counted from 0; `nil`: none of them.
    public var certificate: Int?
    /// What is wrong, in plain words without an end stop.
    public let text: String

    /// An error of the setup.
    public init(_ kind: Kind, certificate: Int? = nil, _ text: String) {
        self.kind = kind
        self.certificate = certificate
        self.text = text
    }
}
