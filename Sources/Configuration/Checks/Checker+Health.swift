import Health

extension Checker {
    /// How the pool's servers are asked whether they are well; `nil` is not at all.
    ///
    /// What the pool's own map says otherwise replaces what of `pool-defaults` goes with it: a
    /// connection alone has no path, a window no `rise`.
    func checks(_ own: RawMap, _ defaults: RawMap?) -> CheckOptions? {
        var maps = LayeredMap(
            own: own.map(PoolKeys.health),
            defaults: defaults?.map(PoolKeys.health)
        )
        for map in [maps.own, maps.defaults] { checkWindow(map) }
        if own.word(PoolKeys.health) != nil { return nil }
        if let mine = maps.own, let theirs = maps.defaults {
            maps.defaults = Self.what(of: theirs, goesWith: mine)
        }
        guard let written = maps.merged else { return nil }
        let all = written.over(HealthKeys.set.standards)
        var options = CheckOptions()
        if written.text(HealthKeys.kind) == "grpc" {
            options.question = .grpc(service: service(written))
        } else if isRequest(written) {
            options.question = .http(question(written, all))
        }
        options.port = all.count(HealthKeys.port).map(UInt16.init(clamping:))
        readTimes(written, all, &options)
        if case .window(let bad, let of) = written.item(HealthKeys.window)?.value {
            options.rule = .window(bad: bad, of: of)
        } else {
            options.rule = .consecutive(
                rise: all.count(HealthKeys.rise) ?? 2,
                fall: all.count(HealthKeys.fall) ?? 3
            )
        }
        options.isInitiallyUp = all.text(HealthKeys.initial) != "down"
        return options
    }

    private static func what(of theirs: RawMap, goesWith mine: RawMap) -> RawMap {
        var rest = theirs
        let kind = mine.text(HealthKeys.kind)
        if kind == "tcp" || kind == "grpc" {
            for key in HealthKeys.ofRequests { rest.entries[key.name] = nil }
        } else if HealthKeys.ofRequests.contains(where: mine.mentions),
            rest.text(HealthKeys.kind) != "http"
        {
            rest.entries[HealthKeys.kind.name] = nil
        }
        let isCall = (kind ?? rest.text(HealthKeys.kind)) == "grpc"
        if !isCall { rest.entries[HealthKeys.service.name] = nil }
        if mine.mentions(HealthKeys.window) {
            rest.entries[HealthKeys.rise.name] = nil
            rest.entries[HealthKeys.fall.name] = nil
        }
        if mine.mentions(HealthKeys.rise) || mine.mentions(HealthKeys.fall) {
            rest.entries[HealthKeys.window.name] = nil
        }
        return rest
    }

    private func checkWindow(_ map: RawMap?) {
        guard let map, map.mentions(HealthKeys.window) else { return }
        for key in [HealthKeys.rise, HealthKeys.fall] {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"\(key.name)\" does nothing beside window",
                remedy: "remove it, or write rise and fall in place of window"
            )
        }
    }

    /// Whether a request is sent; what says something of one has no meaning otherwise.
    private func isRequest(_ map: RawMap) -> Bool {
        let kind = map.text(HealthKeys.kind)
        if let item = map.item(HealthKeys.service) {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"service\" does nothing without kind: grpc",
                remedy: "write kind: grpc, or remove service"
            )
        }
        if kind == "http" {
            if !map.mentions(HealthKeys.path), !map.isCut {
                let item = map.item(HealthKeys.kind)
                reporter.error(
                    .missingKey,
                    item?.place ?? map.place,
                    "health of kind http has no \"path\"",
                    remedy: "write path: \(HealthKeys.path.example), or kind: tcp"
                )
            }
            return true
        }
        if kind == nil, map.mentions(HealthKeys.path) || map.mentions(HealthKeys.kind) {
            return true
        }
        for key in HealthKeys.ofRequests {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                kind == nil
                    ? "\"\(key.name)\" does nothing without path"
                    : "\"\(key.name)\" does nothing with kind: tcp",
                remedy: kind == nil
                    ? "write path: \(HealthKeys.path.example), or remove \(key.name)"
                    : "remove it, or write kind: http"
            )
        }
        return false
    }

    /// The service that a check of gRPC asks for, which has no other part of a request.
    private func service(_ map: RawMap) -> String {
        for key in HealthKeys.ofRequests {
            guard let item = map.item(key) else { continue }
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"\(key.name)\" does nothing with kind: grpc",
                remedy: "remove it; service names what is asked for"
            )
        }
        guard let item = map.item(HealthKeys.service), let text = item.text else { return "" }
        if text.text.utf8.count > 255 {
            reporter.error(
                .range,
                item.place,
                "the name has \(text.text.utf8.count) bytes",
                remedy: "write at most 255 bytes, for example \(HealthKeys.service.example)"
            )
        }
        written.remember(text.text, text)
        return text.text
    }

    private func question(_ written: RawMap, _ all: RawMap) -> HTTPQuestion {
        var question = HTTPQuestion(path: "/")
        if let item = written.item(HealthKeys.path), let path = probePath(item, or: ["tcp", "off"])
        {
            question.path = path
        }
        if let item = written.item(HealthKeys.method), let method = method(item) {
            question.method = method
        }
        if let item = written.item(HealthKeys.host) { question.host = host(item) }
        question.headers = fields(written)
        question.statuses = all.statuses(HealthKeys.status) ?? question.statuses
        if let item = written.item(HealthKeys.body), let text = item.text {
            question.body = text.text
            self.written.remember(text.text, text)
            checkBody(item, text, question.method)
        }
        return question
    }

    private func checkBody(_ item: RawItem, _ text: ScalarText, _ method: String) {
        if !(1...HealthKeys.bodySizeMax).contains(text.text.utf8.count) {
            reporter.error(
                .range,
                item.place,
                text.text.isEmpty
                    ? "every answer contains \"\""
                    : "the text has \(text.text.utf8.count) bytes",
                remedy: "write 1 to \(HealthKeys.bodySizeMax) bytes, or remove the key"
            )
        } else if method == "HEAD" {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "the answer to HEAD has no body to look at",
                remedy: "remove it, or write method: GET"
            )
        }
    }

    /// The value of `host`: a name or an address, perhaps with a port.
    private func host(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        let isHost = text.text.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            default: "-._:[]".utf8.contains(byte)
            }
        }
        guard isHost, (1...255).contains(text.text.utf8.count) else {
            reporter.error(
                .value,
                item.place,
                "\(text.written.shown) is no host",
                remedy: "write a name, perhaps with a port: \(HealthKeys.host.example)"
            )
            return nil
        }
        written.remember(text.text, text)
        return text.text
    }

    private func fields(_ map: RawMap) -> [HTTPQuestion.Field] {
        var fields: [HTTPQuestion.Field] = []
        var names: [String: Place] = [:]
        for name in map.names(HealthKeys.headers) {
            let lower = name.name.lowercased()
            guard FieldNames.isToken(name.name) else {
                reporter.error(
                    .fieldName,
                    name.place,
                    "\(name.name.shown) is no field's name",
                    remedy: "letters, digits and - make a name, for example x-check"
                )
                continue
            }
            if FieldNames.reserved.contains(lower) || lower == "host" {
                reporter.error(
                    .fieldName,
                    name.place,
                    "Weir writes \(name.name.shown) itself",
                    remedy: lower == "host" ? "write it as host: beside headers:" : "remove it"
                )
                continue
            }
            reportDuplicate(ScalarText(lower), name.place, in: &names, "field")
            reportPlainSecret(name)
            guard let text = name.item.text else { continue }
            let isLine = text.text.utf8.allSatisfy { ($0 >= 32 && $0 != 127) || $0 == 9 }
            if !isLine || text.text.utf8.count > 1024 {
                reporter.error(
                    .fieldName,
                    name.item.place,
                    "the value of \(name.name.shown) "
                        + (isLine ? "is too long" : "holds a control character"),
                    remedy: "a field's value is one line of at most 1024 bytes"
                )
            }
            written.remember(text.text, text)
            fields.append(HTTPQuestion.Field(name: name.name, value: text.text))
        }
        return fields
    }

    private func readTimes(_ written: RawMap, _ all: RawMap, _ options: inout CheckOptions) {
        options.every = all.duration(HealthKeys.every) ?? options.every
        options.everyChanging = all.duration(HealthKeys.everyChanging) ?? options.every
        options.everyDown = all.duration(HealthKeys.everyDown) ?? options.every
        let shortest = min(options.every, options.everyChanging, options.everyDown)
        options.timeout = written.duration(HealthKeys.timeout) ?? min(.seconds(1), shortest)
        for outer in [HealthKeys.every, HealthKeys.everyChanging, HealthKeys.everyDown]
        where checkOrder(HealthKeys.timeout, of: written, within: outer, of: written) {
            break
        }
    }
}

extension Checker {
    /// When requests take a server out of the pool; `nil` is never.
    func ejection(_ written: RawMap) -> EjectionOptions? {
        if written.word(PoolKeys.ejection) != nil { return nil }
        var options = EjectionOptions()
        guard let map = written.map(PoolKeys.ejection) else { return options }
        let all = map.over(EjectionKeys.set.standards)
        options.consecutiveFailures = all.count(EjectionKeys.consecutiveFailures)
        let causes = all.words(EjectionKeys.causes)
        options.onConnectFailure = causes.contains("connect-failure")
        options.onReset = causes.contains("reset")
        options.onTimeout = causes.contains("timeout")
        options.statuses = all.statuses(EjectionKeys.status) ?? StatusSet()
        if all.word(EjectionKeys.successRate) != nil {
            options.successRate = nil
        } else if let map = all.map(EjectionKeys.successRate) {
            options.successRate = EjectionOptions.SuccessRate(
                map.over(SuccessRateKeys.set.standards)
            )
        }
        if all.word(EjectionKeys.outlier) != nil {
            options.outlier = nil
        } else if let map = all.map(EjectionKeys.outlier) {
            options.outlier = EjectionOptions.Outlier(map.over(OutlierKeys.set.standards))
        }
        options.maxTime = all.duration(EjectionKeys.maxTime) ?? options.maxTime
        let base = all.duration(EjectionKeys.baseTime) ?? options.baseTime
        checkOrder(EjectionKeys.baseTime, of: map, within: EjectionKeys.maxTime, of: map)
        options.baseTime = min(base, options.maxTime)
        options.maxShare = all.shareIfAny(EjectionKeys.maxShare) ?? options.maxShare
        return options
    }

    /// Reports a written duration that is longer than the one around it, which may be a default.
    @discardableResult
    func checkOrder(_ inner: Key, of map: RawMap, within outer: Key, of other: RawMap) -> Bool {
        let written = other.item(outer)
        let standard = outer.standard.flatMap { Quantity.duration($0).number }
        guard let item = map.item(inner), let duration = map.duration(inner),
            !other.refused.contains(outer.name),
            let bound = written == nil ? standard : other.duration(outer), duration > bound
        else { return false }
        let text = Quantity.text(duration: bound)
        let place = written.map { reporter.name(of: $0.place, from: item.place) } ?? "its default"
        reporter.error(
            .timeoutOrder,
            item.place,
            "\"\(inner.name)\" of \(item.written) is longer than \"\(outer.name)\" of "
                + "\(written?.written ?? text) around it",
            remedy: "lower it, or raise \(outer.name) (\(place))"
        )
        return true
    }
}

extension EjectionOptions.SuccessRate {
    fileprivate init(_ map: RawMap) {
        self.init()
        below = map.shareIfAny(SuccessRateKeys.below) ?? below
        window = map.duration(SuccessRateKeys.window) ?? window
        minRequests = map.count(SuccessRateKeys.minRequests) ?? minRequests
    }
}

extension EjectionOptions.Outlier {
    fileprivate init(_ map: RawMap) {
        self.init()
        deviations = map.factor(OutlierKeys.deviations)
        slowFactor = map.factor(OutlierKeys.slowFactor)
        minServers = map.count(OutlierKeys.minServers) ?? minServers
        minRequests = map.count(OutlierKeys.minRequests) ?? minRequests
    }
}
