import Configuration
import TLS

/// What a listener proves itself with, read from its files and read again when they change.
final class ListenerCertificates {
    /// What a look has brought.
    enum News {
        /// The files have changed, and what they hold is good.
        case changed(TLSServerContext)
        /// The files cannot be used, and why; what was read last stays.
        case bad(String)
    }

    /// Looks at changed files that do not fit each other before it is said: a certificate and its
    /// key are mostly replaced one after the other.
    private static let patience = 2

    private let config: ListenerTLSConfig
    private let http2: Bool
    private let ownKeys: TicketKeys
    private let files: FileSystem
    private var stamps: [String: FileStamp] = [:]
    private var problem: String?
    private var failures = 0
    private var isPending = false

    /// Certificates that were not read yet; `ownKeys` seal session tickets where the file names
    /// none.
    init(_ config: ListenerTLSConfig, http2: Bool, ownKeys: TicketKeys, files: FileSystem) {
        self.config = config
        self.http2 = http2
        self.ownKeys = ownKeys
        self.files = files
    }

    /// Reads everything for the first time.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    func read() throws(StartError) -> TLSServerContext {
        stamps = currentStamps()
        return try makeContext()
    }

    /// Looks whether a file has changed; `nil` where there is no news.
    func look() -> News? {
        // Before reading: what is written meanwhile is read at the next look.
        let current = currentStamps()
        guard current != stamps || isPending else { return nil }
        stamps = current
        do throws(StartError) {
            let context = try makeContext()
            isPending = false
            failures = 0
            problem = nil
            return .changed(context)
        } catch {
            isPending = true
            failures += 1
            guard failures >= Self.patience, problem != error.description else { return nil }
            problem = error.description
            return .bad(error.description)
        }
    }

    private var paths: [CertificatePaths] { config.certificates.flatMap { $0.paths(in: files) } }

    private func currentStamps() -> [String: FileStamp] {
        var stamps: [String: FileStamp] = [:]
        for entry in paths {
            for path in [entry.certificate, entry.key, entry.passphraseFile, entry.stapleFile] {
                if let path { stamps[path] = FileStamp(of: path) }
            }
        }
        for path in [config.clients?.file, config.clients?.revocations, config.ticketKeys] {
            if let path { stamps[path] = FileStamp(of: path) }
        }
        return stamps
    }

    private func makeContext() throws(StartError) -> TLSServerContext {
        let paths = paths
        var certificates: [TLSServerOptions.Certificate] = []
        for entry in paths { certificates.append(try certificate(entry)) }
        var keys = ownKeys
        do throws(TLSSetupError) {
            if let path = config.ticketKeys { keys = try TicketKeys(file: try bytes(path)) }
            var options = TLSServerOptions(certificates: certificates, ticketKeys: keys)
            options.http2 = http2
            options.unknownName = config.unknownName == .refuse ? .refuse : .useDefault
            options.minVersion = config.minVersion == .tls13 ? .tls13 : .tls12
            options.suites = config.suites.compactMap { TLSSuite(named: $0) }
            options.groups = config.groups.compactMap { TLSGroup(named: $0) }
            if let clients = config.clients {
                options.clientAuthority = try bytes(clients.file)
                options.clientCertificate = clients.isRequired ? .required : .optional
                if let path = clients.revocations { options.revocations = try bytes(path) }
            }
            return try TLSServerContext(options)
        } catch {
            guard let number = error.certificate, number < paths.count else {
                throw StartError(description: error.text)
            }
            throw StartError(description: "\(paths[number].certificate): \(error.text)")
        }
    }

    private func certificate(
        _ entry: CertificatePaths
    ) throws(StartError) -> TLSServerOptions.Certificate {
        do throws(TLSSetupError) {
            return TLSServerOptions.Certificate(
                chain: try bytes(entry.certificate),
                key: try bytes(entry.key),
                passphrase: try entry.passphraseFile.map { path throws(TLSSetupError) in
                    try bytes(path)
                },
                staple: try entry.stapleFile.map { path throws(TLSSetupError) in try bytes(path) }
            )
        } catch { throw StartError(description: error.text) }
    }

    private func bytes(_ path: String) throws(TLSSetupError) -> [UInt8] {
        switch files.read(path) {
        case .success(let bytes): return bytes
        case .failure(let problem):
            throw TLSSetupError(.certificate, "cannot read \(path): \(problem.reason)")
        }
    }
}
