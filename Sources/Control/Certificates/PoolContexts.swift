import Configuration
import TLS

/// How TLS to pools' servers is begun, read from the pools' files and read again when they change.
///
/// Workers, checks and load probes use the same contexts.
final class PoolContexts {
    private let placed: PlacedConfig
    private let files: FileSystem
    /// By place of a pool; `nil` where its servers are spoken to in the clear.
    private(set) var contexts: [TLSClientContext?]
    private var watches: [ChangeWatch]

    /// Nothing is read yet.
    init(_ placed: PlacedConfig, files: FileSystem) {
        self.placed = placed
        self.files = files
        contexts = placed.config.pools.map { _ in nil }
        watches = placed.config.pools.map { _ in ChangeWatch() }
    }

    /// How TLS is begun with those whom the system's authorities vouch for.
    ///
    /// - Throws: ``StartError`` if the system has none.
    static func trustingSystem() throws(StartError) -> TLSClientContext {
        var known: [String: TLSAuthorities] = [:]
        return try PoolContexts(PlacedConfig(Config()), files: FileSystem()).context(
            PoolTLSConfig(),
            http2: false,
            &known
        )
    }

    /// Reads everything for the first time.
    ///
    /// - Throws: ``StartError`` for files that cannot be used.
    func read() throws(StartError) {
        var known: [String: TLSAuthorities] = [:]
        for index in placed.pools {
            let pool = placed.config.pools[index]
            guard let tls = pool.tls else { continue }
            watches[index].begin(Self.stamps(tls))
            do throws(StartError) {
                contexts[index] = try context(tls, http2: pool.http2 != .off, &known)
            } catch {
                throw StartError(description: "pool \(pool.name): \(error.description)")
            }
        }
    }

    /// Looks whether files have changed; `tell` is called with the pools for which there is news.
    func look(_ tell: (Int, FileNews<TLSClientContext>) -> Void) {
        var known: [String: TLSAuthorities] = [:]
        for index in placed.pools {
            let pool = placed.config.pools[index]
            guard let tls = pool.tls else { continue }
            let news = watches[index].look(Self.stamps(tls)) { () throws(StartError) in
                try context(tls, http2: pool.http2 != .off, &known)
            }
            guard let news else { continue }
            if case .changed(let context) = news { contexts[index] = context }
            tell(index, news)
        }
    }

    private static func stamps(_ tls: PoolTLSConfig) -> [String: FileStamp] {
        var paths: [String] = []
        if let pair = tls.certificate {
            paths += [pair.certificate, pair.key] + (pair.passphraseFile.map { [$0] } ?? [])
        }
        if tls.verifies { paths += tls.authority.map { [$0] } ?? TLSAuthorities.systemFiles }
        var stamps: [String: FileStamp] = [:]
        for path in paths { stamps[path] = FileStamp(of: path) }
        return stamps
    }

    // MARK: Reading

    /// `known`: the authorities that were read for other pools just now, by file.
    private func context(
        _ config: PoolTLSConfig,
        http2: Bool,
        _ known: inout [String: TLSAuthorities]
    ) throws(StartError) -> TLSClientContext {
        do throws(TLSSetupError) {
            var options = TLSClientOptions(trust: .anyone)
            if config.verifies {
                options.trust = .authorities(try authorities(config.authority, &known))
            }
            options.protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"]
            if let paths = config.certificate {
                var passphrase: [UInt8]?
                if let path = paths.passphraseFile { passphrase = try bytes(path, .passphrase) }
                options.certificate = TLSServerOptions.Certificate(
                    chain: try bytes(paths.certificate, .certificate),
                    key: try bytes(paths.key, .key),
                    passphrase: passphrase
                )
            }
            return try TLSClientContext(options)
        } catch {
            throw StartError(description: error.text)
        }
    }

    private func authorities(
        _ file: String?,
        _ known: inout [String: TLSAuthorities]
    ) throws(TLSSetupError) -> TLSAuthorities {
        let key = file ?? ""
        if let found = known[key] { return found }
        let authorities = try read(file)
        known[key] = authorities
        return authorities
    }

    private func read(_ file: String?) throws(TLSSetupError) -> TLSAuthorities {
        if let file { return try TLSAuthorities(pem: try bytes(file, .authority)) }
        for path in TLSAuthorities.systemFiles {
            if case .success(let pem) = files.read(path) { return try TLSAuthorities(pem: pem) }
        }
        throw TLSSetupError(
            .authority,
            "the system has no list of authorities (Debian package ca-certificates); name one in "
                + "tls.authority"
        )
    }

    private func bytes(
        _ path: String,
        _ kind: TLSSetupError.Kind
    ) throws(TLSSetupError) -> [UInt8] {
        switch files.read(path) {
        case .success(let bytes): return bytes
        case .failure(let problem):
            throw TLSSetupError(kind, "cannot read \(path): \(problem.reason)")
        }
    }
}
