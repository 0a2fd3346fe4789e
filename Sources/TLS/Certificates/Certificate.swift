import COpenSSL

/// A certificate that is owned.
final class Certificate: @unchecked Sendable {
    // Unchecked: OpenSSL's certificates are not changed after they are made, but for what they
    // remember of themselves, under a lock of their own.
    let pointer: OpaquePointer

    /// Takes a reference over.
    init(adopting pointer: OpaquePointer) { self.pointer = pointer }

    /// A certificate from DER bytes; `nil`: they are none.
    init?(der: [UInt8]) {
        let parsed: OpaquePointer? = der.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            var position: UnsafePointer<UInt8>? = base
            guard let found = d2i_X509(nil, &position, buffer.count) else { return nil }
            guard position == base + buffer.count else {
                X509_free(found)
                return nil
            }
            return found
        }
        ERR_clear_error()
        guard let parsed else { return nil }
        pointer = parsed
    }

    deinit { X509_free(pointer) }

    var view: X509View { X509View(pointer, of: self) }

    /// The certificates in PEM text, in their order; blocks of other kinds are passed over.
    static func all(inPEM text: [UInt8]) -> Result<[Certificate], PEMError> {
        let labels: Set = ["CERTIFICATE", "X509 CERTIFICATE"]
        return PEM.blocks(text).flatMap { blocks in
            var found: [Certificate] = []
            for (index, block) in blocks.enumerated() where labels.contains(block.label) {
                guard let certificate = Certificate(der: block.bytes) else {
                    let text = "block \(index + 1) is no certificate, though it is labelled so"
                    return .failure(PEMError(text: text))
                }
                found.append(certificate)
            }
            if found.isEmpty { return .failure(PEMError(text: absence(of: "certificate", blocks))) }
            return .success(found)
        }
    }

    /// Says that a kind of block is not there, and what is.
    private static func absence(of kind: String, _ blocks: [PEM.Block]) -> String {
        if blocks.isEmpty { return "there is no \(kind) in PEM form (a line -----BEGIN …-----)" }
        let labels = blocks.map(\.label).joined(separator: ", ")
        return "there is no \(kind), only: \(labels)"
    }
}

/// Several certificates as OpenSSL wants them, for the time of a call.
func withStack<T>(of certificates: [Certificate], _ body: (OpaquePointer?) -> T) -> T {
    let stack = OPENSSL_sk_new_null()
    defer { OPENSSL_sk_free(stack) }
    for certificate in certificates {
        OPENSSL_sk_push(stack, UnsafeRawPointer(certificate.pointer))
    }
    return body(stack)
}
