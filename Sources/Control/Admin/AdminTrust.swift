import Configuration
import TLS

/// Whom a client of the admin API speaks TLS with.
final class AdminTrust {
    private let context: TLSClientContext
    /// What the certificate has to cover; empty where just one is trusted.
    private let name: String
    /// SHA-256 of the only certificate that is trusted, and its file; `nil` where authorities
    /// decide.
    private let only: (fingerprint: String, file: String)?
    private let room = SecureRoom()

    private init(
        _ context: TLSClientContext,
        name: String,
        only: (fingerprint: String, file: String)? = nil
    ) {
        self.context = context
        self.name = name
        self.only = only
    }

    /// Trusts the first certificate of a file, whoever signed it and whomever it names.
    ///
    /// - Throws: ``AdminClient/NoAnswer`` for a file that has none.
    static func only(_ file: String) throws(AdminClient.NoAnswer) -> AdminTrust {
        do throws(TLSSetupError) {
            let certificate = try PeerCertificate(pem: try Self.bytes(file, .certificate))
            return AdminTrust(try context(.anyone), name: "", only: (certificate.fingerprint, file))
        } catch {
            throw AdminClient.NoAnswer(description: error.text)
        }
    }

    /// Trusts whom the authorities of a file vouch for as `name`, or those of the system.
    ///
    /// - Throws: ``AdminClient/NoAnswer`` if there are none.
    static func authorities(
        _ file: String?,
        for name: String
    ) throws(AdminClient.NoAnswer) -> AdminTrust {
        guard let file else {
            do throws(StartError) {
                return AdminTrust(try PoolContexts.trustingSystem(), name: name)
            } catch {
                throw AdminClient.NoAnswer(description: error.description)
            }
        }
        do throws(TLSSetupError) {
            let authorities = try TLSAuthorities(pem: try bytes(file, .authority))
            return AdminTrust(try context(.authorities(authorities)), name: name)
        } catch {
            throw AdminClient.NoAnswer(description: error.text)
        }
    }

    private static func context(
        _ trust: TLSClientOptions.Trust
    ) throws(TLSSetupError) -> TLSClientContext {
        var options = TLSClientOptions(trust: trust)
        options.protocols = ["http/1.1"]
        return try TLSClientContext(options)
    }

    private static func bytes(
        _ file: String,
        _ kind: TLSSetupError.Kind
    ) throws(TLSSetupError) -> [UInt8] {
        switch FileSystem().read(file) {
        case .success(let bytes): return bytes
        case .failure(let problem):
            throw TLSSetupError(kind, "cannot read \(file): \(problem.reason)")
        }
    }

    /// The client's side of TLS on a socket; `nil`: no memory.
    func channel(on descriptor: Int32) -> SecureChannel? {
        SecureChannel.connecting(context, to: name, on: descriptor, room)
    }

    /// Why the other side is not whom this trusts, once its handshake is done; `nil` if it is.
    func objection(to channel: SecureChannel) -> String? {
        guard let only, channel.peerFingerprint != only.fingerprint else { return nil }
        return "it shows another certificate than \(only.file) has, which a running process takes "
            + "within seconds of a change, or says in its log why not"
    }
}
