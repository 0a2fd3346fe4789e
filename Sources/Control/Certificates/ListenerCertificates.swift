import Configuration
import TLS

/// What a listener proves itself with, read from its files and read again when they change.
final class ListenerCertificates {
    private let config: ListenerTLSConfig
    private let http2: Bool
    private let ownKeys: TicketKeys
    private let files: FileSystem
    private var watch = ChangeWatch()

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
        watch.begin(currentStamps())
        return try makeContext()
    }

    /// Looks whether a file has changed; `nil` where there is no news.
    func look() -> FileNews<TLSServerContext>? {
        watch.look(currentStamps()) { () throws(StartError) in try makeContext() }
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
