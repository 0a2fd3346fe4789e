import Routing

/// Turns the raw model into the checked one: names are resolved, defaults filled in, and what
/// only shows between keys is judged.
struct Checker<Files: FileAccess> {
    let reporter: Reporter
    let files: Files
    let environment: (String) -> String?
    let options: LoadOptions
    let root: RawMap
    let written = WrittenRecorder()

    /// Names of pools with their places in ``Config/pools``.
    var poolIndices: [String: (index: Int, place: Place)] = [:]
    /// The raw pools with `pool-defaults` and defaults under them, by index.
    var poolMaps: [RawMap] = []
    /// Where Weir listens.
    var ownAddresses: [ListenAddress] = []
    /// The pool that serves in the place of each pool, by index; `nil` is none.
    var fallbacks: [Int?] = []

    init(
        reporter: Reporter,
        files: Files,
        environment: @escaping (String) -> String?,
        options: LoadOptions,
        root: RawMap
    ) {
        self.reporter = reporter
        self.files = files
        self.environment = environment
        self.options = options
        self.root = root
    }

    /// The whole configuration; worthless if errors were reported.
    mutating func config() -> Config {
        let all = root.over(TopLevelKeys.set.standards)
        var config = Config()
        config.workers = all.count(TopLevelKeys.workers)
        config.user = identityName(TopLevelKeys.user)
        config.group = identityName(TopLevelKeys.group)
        config.drainDelay = all.duration(TopLevelKeys.drainDelay) ?? config.drainDelay
        config.shutdownTimeout =
            all.duration(TopLevelKeys.shutdownTimeout) ?? config.shutdownTimeout
        config.limits = limits(all)
        config.timeouts = ClientTimeouts(all.map(TopLevelKeys.timeouts))
        config.forwarding = ForwardingConfig(all.map(TopLevelKeys.forwarding))
        config.log = log(all)
        config.tracing = tracing(all)
        config.trustedProxies = trustedProxies()
        config.listeners = listeners()
        ownAddresses = config.listeners.map(\.address)
        config.admin = admin(config.listeners)
        config.pools = pools()
        config.routes = routes(of: config)
        config.simulate = simulate(config)
        config.written = written.texts
        warnOfUnusedPools(config)
        warnOfUnreachableRoutes(config)
        return config
    }

    /// Where something is said that is missing from the whole file.
    var filePlace: Place {
        let text = reporter.files.first?.line(root.place.line) ?? ""
        var place = root.place
        place.length = max(1, text.unicodeScalars.count - place.column + 1)
        return place
    }

    /// A path of the file as an absolute one, as far as the caller's folder is known.
    func absolute(_ name: String, at place: Place) -> String {
        let path = FilePath.resolve(name, from: reporter.files[place.file].path)
        return FilePath.normalised(options.absolute(path))
    }

    private func limits(_ all: RawMap) -> LimitsConfig {
        var limits = LimitsConfig()
        guard let map = all.map(TopLevelKeys.limits) else { return limits }
        limits.maxConnections = map.count(LimitKeys.maxConnections)
        limits.maxConnectionsPerClient = map.count(LimitKeys.maxConnectionsPerClient)
        limits.requestsPerConnection = map.count(LimitKeys.requestsPerConnection)
        limits.headSize = map.count(LimitKeys.headSize) ?? limits.headSize
        limits.fields = map.count(LimitKeys.fields) ?? limits.fields
        limits.targetSize = map.count(LimitKeys.targetSize) ?? limits.targetSize
        limits.bodySize = map.count(LimitKeys.bodySize)
        limits.loopLag = map.duration(LimitKeys.loopLag)
        limits.memory = map.count(LimitKeys.memory)
        if let http2 = map.map(LimitKeys.http2) {
            limits.http2.streams = http2.count(HTTP2LimitKeys.streams) ?? limits.http2.streams
            limits.http2.budget = http2.factor(HTTP2LimitKeys.budget) ?? limits.http2.budget
        }
        if let all = limits.maxConnections, let one = limits.maxConnectionsPerClient, one > all,
            let item = map.item(LimitKeys.maxConnectionsPerClient)
        {
            reporter.warning(
                .limitOrder,
                item.place,
                "one client may have more connections than all together, \(all)",
                remedy: "lower it, or raise max-connections"
            )
        }
        let written = root.map(TopLevelKeys.limits)?.item(LimitKeys.targetSize)
        if limits.targetSize > limits.headSize {
            if let written {
                let head = map.item(LimitKeys.headSize)?.written ?? ""
                reporter.error(
                    .limitOrder,
                    written.place,
                    "a target of \(written.written) fits into no head of "
                        + head,
                    remedy: "raise head-size, or lower target-size"
                )
            }
            limits.targetSize = limits.headSize
        }
        return limits
    }

    private func log(_ all: RawMap) -> LogConfig {
        var log = LogConfig()
        guard let map = all.map(TopLevelKeys.log) else { return log }
        log.level = map.text(LogKeys.level).flatMap(LogConfig.Level.init) ?? log.level
        if let target = map.item(LogKeys.target), let found = logTarget(target) {
            log.destination = found
        }
        log.json = map.text(LogKeys.format) == "json"
        guard let written = map.map(LogKeys.access) else { return log }
        guard let target = written.item(LogKeys.accessTarget) else {
            reportMissing(LogKeys.accessTarget, in: written, of: LogKeys.accessSet)
            return log
        }
        let access = written.over(LogKeys.accessSet.standards)
        var config = AccessLogConfig(destination: logTarget(target) ?? .stdout)
        config.format =
            access.text(LogKeys.accessFormat).flatMap(AccessLogConfig.Format.init)
            ?? config.format
        config.masksClient = access.text(LogKeys.client) == "masked"
        config.sample = access.share(LogKeys.sample)
        config.onlyErrors = access.text(LogKeys.only) == "errors"
        log.access = config
        return log
    }

    /// `stdout`, `stderr` or a file; a bare word is most likely meant as neither.
    private func logTarget(_ item: RawItem) -> LogConfig.Destination? {
        guard let text = item.text else { return nil }
        switch text.text {
        case "stdout": return .stdout
        case "stderr": return .stderr
        default:
            if !text.text.contains("/"), !text.text.contains(".") {
                let near = nearestName(to: text.text, among: ["stdout", "stderr"])
                reporter.error(
                    .value,
                    item.place,
                    "\(text.written.shown) is neither stdout, stderr nor a file",
                    remedy: near.map { "did you mean \"\($0)\"?" }
                        ?? "write stdout, stderr, or a path: ./\(text.written)"
                )
                return nil
            }
            let path = absolute(text.text, at: item.place)
            written.remember(path, text)
            checkRights(ofLog: path, shown: text.shown(path), at: item.place)
            return .file(path: path)
        }
    }

    /// Reports a required key that is not there, unless something about it was said already.
    func reportMissing(_ key: Key, in map: RawMap, of set: KeySet) {
        if map.mentions(key) || map.isCut { return }
        reporter.error(
            .missingKey,
            map.place,
            "\(set.noun) has no \"\(key.name)\"",
            remedy: "write \(key.name): \(key.example)"
        )
    }
}

extension ClientTimeouts {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        handshake = map.duration(TimeoutKeys.handshake)
        head = map.duration(TimeoutKeys.head)
        keepAlive = map.duration(TimeoutKeys.keepAlive)
        body = map.duration(TimeoutKeys.body)
        send = map.duration(TimeoutKeys.send)
        tunnel = map.duration(TimeoutKeys.tunnel)
    }
}

extension ForwardingConfig {
    init(_ map: RawMap?) {
        self.init()
        guard let map else { return }
        xForwarded = map.bool(ForwardingKeys.xForwarded)
        via = map.bool(ForwardingKeys.via)
        requestID = map.bool(ForwardingKeys.requestID)
        forwarded = map.bool(ForwardingKeys.forwarded)
    }
}
