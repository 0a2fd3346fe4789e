import CLinux
import COpenSSL
import Synchronization

/// The secret of this process, for the one that follows it.
public enum StickySecrets {
    private static let inherited = Mutex<[UInt8]?>(nil)

    static var handedOver: [UInt8]? { inherited.withLock { $0 } }

    /// Takes the secret of the process before; to be called before anything is served.
    public static func inherit(_ secret: [UInt8]) { inherited.withLock { $0 = secret } }

    /// Its bytes.
    public static var ofThisProcess: [UInt8] { StickySecret.ofThisProcess.bytes }
}

/// What signs the tokens by which clients come back to their endpoint.
struct StickySecret: Sendable {
    /// One that only this process knows, and the one that follows it.
    static let ofThisProcess = StickySecrets.handedOver.map { StickySecret($0) } ?? .random()

    fileprivate let bytes: [UInt8]

    /// A secret of these bytes, such as a file's, taken as they are.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// 32 bytes from the kernel's random source.
    static func random() -> StickySecret {
        var bytes = [UInt8](repeating: 0, count: 32)
        bytes.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { weir_random(base, buffer.count) }
        }
        return StickySecret(bytes)
    }

    /// HMAC-SHA-256 of `message` (RFC 2104), 32 bytes.
    ///
    /// It traps where OpenSSL has no SHA-256, as Weir cannot serve then.
    func authenticate(_ message: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        let done = HMAC(
            EVP_sha256(),
            bytes,
            Int32(clamping: bytes.count),
            message,
            message.count,
            &code,
            nil
        )
        precondition(done != nil, "OpenSSL cannot make an HMAC with SHA-256")
        return code
    }
}
