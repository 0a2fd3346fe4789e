import CLinux
import Configuration
import TLS

/// What the admin API proves itself with, read again when its files change.
final class AdminSecurity {
    private static let second: Int64 = 1_000_000_000

    private let certificates: ListenerCertificates
    private let keys: TicketKeys
    private var context: TLSServerContext
    private let room = SecureRoom()

    /// Reads the files; `follows` has sessions that go on here.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    init(_ paths: CertificatePaths, following before: AdminSecurity?) throws(StartError) {
        keys = before?.keys ?? TicketKeys(now: weir_monotonic_ns() / Self.second)
        let pair = CertificateConfig(
            source: .pair(certificate: paths.certificate, key: paths.key)
        )
        certificates = ListenerCertificates(
            ListenerTLSConfig(certificates: [pair]),
            http2: false,
            ownKeys: keys,
            files: FileSystem(waitsForPipes: false)
        )
        do throws(StartError) {
            context = try certificates.read()
        } catch {
            throw StartError(description: "admin: \(error.description)")
        }
    }

    /// TLS on a socket that was accepted; `nil`: no memory.
    func accept(_ descriptor: Int32) -> SecureChannel? {
        SecureChannel.accepting(context, on: descriptor, room)
    }

    /// Takes files that have changed; `nil` where there is no news.
    func look() -> FileNews<Void>? {
        keys.rotate(now: weir_monotonic_ns() / Self.second)
        switch certificates.look() {
        case .changed(let context):
            self.context = context
            return .changed(())
        case .bad(let reason): return .bad(reason)
        case nil: return nil
        }
    }
}
