import Configuration
import TLS

/// How TLS to a pool's servers is begun, read from the pool's files.
enum PoolContexts {
    /// By pool; `nil` where its servers are spoken to in the clear.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    static func read(_ config: Config, _ files: FileSystem) throws(StartError) -> [TLSClientContext?] {
        var contexts: [TLSClientContext?] = []
        for pool in config.pools {
            guard let tls = pool.tls else {
                contexts.append(nil)
                continue
            }
            do throws(TLSSetupError) {
                contexts.append(try context(tls, files))
            } catch {
                throw StartError(description: "pool \(pool.name): \(error.text)")
            }
        }
        return contexts
    }

    private static func context(
        _ config: PoolTLSConfig,
        _ files: FileSystem
    ) throws(TLSSetupError) -> TLSClientContext {
        var options = TLSClientOptions(trust: .anyone)
        if config.verifies {
            options.trust = .authorities(try authorities(config.authority, files))
        }
        options.protocols = ["http/1.1"]
        if let paths = config.certificate {
            var passphrase: [UInt8]?
            if let path = paths.passphraseFile { passphrase = try bytes(path, files, .passphrase) }
            options.certificate = TLSServerOptions.Certificate(
                chain: try bytes(paths.certificate, files, .certificate),
                key: try bytes(paths.key, files, .key),
                passphrase: passphrase
            )
        }
        return try TLSClientContext(options)
    }

    private static func authorities(
        _ file: String?,
        _ files: FileSystem
    ) throws(TLSSetupError) -> TLSAuthorities {
        if let file { return try TLSAuthorities(pem: try bytes(file, files, .authority)) }
        for path in TLSAuthorities.systemFiles {
            if case .success(let pem) = files.read(path) { return try TLSAuthorities(pem: pem) }
        }
        throw TLSSetupError(
            .authority,
            "the system has no list of authorities (Debian package ca-certificates); name one in "
                + "tls.authority"
        )
    }

    private static func bytes(
        _ path: String,
        _ files: FileSystem,
        _ kind: TLSSetupError.Kind
    ) throws(TLSSetupError) -> [UInt8] {
        switch files.read(path) {
        case .success(let bytes): return bytes
        case .failure(let problem):
            throw TLSSetupError(kind, "cannot read \(path): \(problem.reason)")
        }
    }
}
