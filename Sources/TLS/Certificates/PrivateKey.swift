import COpenSSL

/// A private key that is owned.
final class PrivateKey: @unchecked Sendable {
    // Unchecked: a key is not changed after it is made; OpenSSL locks what it caches of it.
    let pointer: OpaquePointer

    /// Why a key cannot be read.
    enum Problem: Error, Equatable {
        /// The text holds no key that could be read; why.
        case unreadable(String)
        /// The key is encrypted and no passphrase was given.
        case passphraseMissing
        /// The passphrase does not open the key.
        case passphraseWrong
    }

    private init(adopting pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// The first key in PEM text; the passphrase is the first line of what is given.
    static func read(pem: [UInt8], passphrase: [UInt8]?) -> Result<PrivateKey, Problem> {
        guard let memory = PEM.memory(pem) else { return .failure(.unreadable("no memory")) }
        defer { BIO_free(memory) }
        ERR_clear_error()
        defer { ERR_clear_error() }
        var answer = PassphraseAnswer(bytes: passphrase.map(firstLine))
        let key = withUnsafeMutablePointer(to: &answer) { answer in
            // Without a callback OpenSSL would ask on the terminal.
            PEM_read_bio_PrivateKey(memory, nil, answerPassphrase, answer)
        }
        if let key { return .success(PrivateKey(adopting: key)) }
        if answer.wasAsked {
            return .failure(passphrase == nil ? .passphraseMissing : .passphraseWrong)
        }
        return .failure(.unreadable(reason(pem)))
    }

    /// Whether the key belongs to the certificate.
    func fits(_ certificate: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(certificate.pointer, pointer) == 1
    }

    private static func reason(_ pem: [UInt8]) -> String {
        switch PEM.blocks(pem) {
        case .failure(let error): return error.text
        case .success(let blocks):
            if blocks.isEmpty { return "there is no key in PEM form (a line -----BEGIN …-----)" }
            let labels = blocks.map(\.label)
            if labels.contains(where: { $0.hasSuffix("PRIVATE KEY") }) {
                return "the key is damaged, or of a kind that OpenSSL does not know"
            }
            return "there is no private key, only: \(labels.joined(separator: ", "))"
        }
    }
}

/// What is answered to OpenSSL when it wants a passphrase.
private struct PassphraseAnswer {
    var bytes: [UInt8]?
    var wasAsked = false
}

private func answerPassphrase(
    _ target: UnsafeMutablePointer<CChar>?,
    _ room: Int32,
    _: Int32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let answer = argument?.assumingMemoryBound(to: PassphraseAnswer.self) else { return -1 }
    answer.pointee.wasAsked = true
    guard let target, let bytes = answer.pointee.bytes, bytes.count <= Int(room) else { return -1 }
    UnsafeMutableRawPointer(target).copyMemory(from: bytes, byteCount: bytes.count)
    return Int32(bytes.count)
}

private func firstLine(_ bytes: [UInt8]) -> [UInt8] {
    var line = Array(bytes.prefix { $0 != UInt8(ascii: "\n") })
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return line
}
