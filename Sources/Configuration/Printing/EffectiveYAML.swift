import Health
import Routing

/// The configuration with every shorthand expanded and every default filled in.
///
/// Loads again to an equal configuration, but for ``SecretFields``, which are not shown. Texts that
/// came from the environment are printed as they were written, so that it stays hidden.
public func effectiveYAML(of config: Config) -> String {
    EffectivePrinter(config: config).printed()
}

/// Prints a configuration, section by section.
struct EffectivePrinter {
    let config: Config
    /// Whether ``SecretFields`` are printed as they are: for comparing, never for showing.
    var showsSecrets = false

    func printed() -> String {
        var yaml = YAMLText()
        yaml.line(TopLevelKeys.workers.name, config.workers.map(String.init) ?? "auto")
        if let user = config.user { yaml.line(TopLevelKeys.user.name, text(user)) }
        if let group = config.group { yaml.line(TopLevelKeys.group.name, text(group)) }
        yaml.line(TopLevelKeys.drainDelay.name, time(config.drainDelay))
        yaml.line(TopLevelKeys.shutdownTimeout.name, time(config.shutdownTimeout))
        yaml.section(TopLevelKeys.listeners.name, listeners)
        yaml.section(TopLevelKeys.routes.name) { yaml in
            for route in config.routes { yaml.item { self.route(route, &$0) } }
        }
        if !config.pools.isEmpty {
            yaml.section(TopLevelKeys.pools.name) { yaml in
                for pool in config.pools { yaml.section(pool.name) { self.pool(pool, &$0) } }
            }
        }
        yaml.section(TopLevelKeys.limits.name, limits)
        yaml.section(TopLevelKeys.timeouts.name, timeouts)
        yaml.section(TopLevelKeys.forwarding.name, forwarding)
        if !config.trustedProxies.isEmpty {
            let networks = config.trustedProxies.map { quoted($0.description) }
            yaml.line(TopLevelKeys.trustedProxies.name, YAMLText.list(networks))
        }
        yaml.section(TopLevelKeys.log.name, log)
        yaml.section(TopLevelKeys.tracing.name, tracing)
        if config.tracing.export != nil {
            yaml.section(TopLevelKeys.resolver.name) { resolver(config.tracing.resolver, &$0) }
        }
        if let admin = config.admin {
            yaml.section(TopLevelKeys.admin.name) { self.admin(admin, &$0) }
        }
        if let simulate = config.simulate {
            yaml.section(TopLevelKeys.simulate.name) { self.simulate(simulate, &$0) }
        }
        return yaml.text
    }

    /// The text, or what was written for it where it came from the environment.
    func text(_ text: String) -> String {
        config.written.texts[text].map(quoted) ?? YAMLText.scalar(text)
    }

    private func template(_ template: Template) -> String {
        quoted(config.written.written(template) ?? template.source)
    }

    /// What is shown of a field's value, given as it was written.
    func shown(_ name: String, _ written: String) -> String {
        let isHidden = !showsSecrets && SecretFields.mustHide(name, written)
        return isHidden ? SecretFields.hidden : written
    }

    /// The number, or the word for none.
    func count(_ count: Int?, otherwise word: String = "none") -> String {
        count.map(String.init) ?? word
    }

    /// The size, or `none`.
    func size(_ size: Int?) -> String { size.map(Quantity.text(size:)) ?? "none" }

    /// The duration, or `none`.
    func time(_ duration: Duration?) -> String {
        duration.map(Quantity.text(duration:)) ?? "none"
    }

    /// Neighbours that differ in their address only came from one entry.
    private func listeners(_ yaml: inout YAMLText) {
        var rest = config.listeners[...]
        while let first = rest.first {
            let group = rest.prefix { other in
                var same = other
                same.address = first.address
                return same == first && other.address.isUnix == first.address.isUnix
            }
            rest = rest.dropFirst(group.count)
            yaml.item { yaml in
                yaml.line(ListenerKeys.name.name, text(first.name))
                let addresses = group.map { text($0.address.description) }
                yaml.line(ListenerKeys.address.name, YAMLText.list(addresses))
                security(first, &yaml)
                yaml.line(ListenerKeys.maxConnections.name, count(first.maxConnections))
                yaml.line(ListenerKeys.backlog.name, String(first.backlog))
                if first.address.isUnix { socketMode(first.socketMode, &yaml) }
            }
        }
    }

    private func route(_ route: RouteConfig, _ yaml: inout YAMLText) {
        yaml.line(RouteKeys.name.name, text(route.name))
        if route.matches != [RouteSpec()] {
            yaml.section(RouteKeys.match.name) { yaml in
                for spec in route.matches { yaml.item { self.match(spec, &$0) } }
            }
        }
        switch route.action {
        case .pool(let index):
            let name = config.pools.indices.contains(index) ? config.pools[index].name : ""
            yaml.line(RouteKeys.pool.name, YAMLText.scalar(name))
            fallback(route.fallback, &yaml)
            yaml.section(RouteKeys.timeouts.name) { timeouts(route.timeouts, &$0) }
            yaml.section(RouteKeys.retries.name) { retries(route.retries, &$0) }
        case .redirect(let target, let status, _):
            yaml.section(RouteKeys.redirect.name) { yaml in
                yaml.line(RedirectKeys.target.name, template(target))
                yaml.line(RedirectKeys.status.name, String(status))
            }
        case .respond(let answer):
            yaml.section(RouteKeys.respond.name) { self.answer(answer, &$0) }
        }
        edits(RouteKeys.requestHeaders.name, route.requestHeaders, &yaml)
        edits(RouteKeys.responseHeaders.name, route.responseHeaders, &yaml)
        yaml.line(RouteKeys.hsts.name, route.hsts.map(Quantity.text(duration:)) ?? "off")
        yaml.line(RouteKeys.accessLog.name, String(route.accessLog))
    }

    private func edits(_ name: String, _ edits: HeaderEdits, _ yaml: inout YAMLText) {
        if edits == HeaderEdits() { return }
        yaml.section(name) { yaml in
            if !edits.remove.isEmpty {
                let names = edits.remove.map { text($0) }
                yaml.line(HeaderEditKeys.remove.name, YAMLText.list(names))
            }
            headers(HeaderEditKeys.set.name, edits.set, &yaml)
            headers(HeaderEditKeys.add.name, edits.add, &yaml)
        }
    }

    private func headers(_ name: String, _ headers: [FixedHeader], _ yaml: inout YAMLText) {
        if headers.isEmpty { return }
        yaml.section(name) { yaml in
            for header in headers {
                let written = config.written.written(header.value) ?? header.value.source
                yaml.line(header.name, quoted(shown(header.name, written)))
            }
        }
    }

    private func match(_ spec: RouteSpec, _ yaml: inout YAMLText) {
        if !spec.hosts.isEmpty {
            let hosts = spec.hosts.map { text($0.description) }
            yaml.line(MatchKeys.host.name, YAMLText.list(hosts))
        }
        if !spec.paths.isEmpty {
            let paths = spec.paths.map { text($0.description) }
            yaml.line(MatchKeys.path.name, YAMLText.list(paths))
        }
        if !spec.methods.isEmpty {
            let methods = spec.methods.map(YAMLText.scalar)
            yaml.line(MatchKeys.method.name, YAMLText.list(methods))
        }
    }

    /// `respond` of a route or a fallback.
    func answer(_ answer: FixedAnswer, _ yaml: inout YAMLText) {
        yaml.line(RespondKeys.status.name, String(answer.status))
        if let path = answer.bodyPath {
            yaml.line(RespondKeys.file.name, text(path))
        } else if case .template(let body) = answer.body, !body.segments.isEmpty {
            yaml.line(RespondKeys.body.name, template(body))
        }
        headers(RespondKeys.headers.name, answer.headers, &yaml)
    }

    /// `timeouts` of a pool or a route.
    func timeouts(_ timeouts: PoolTimeouts, _ yaml: inout YAMLText) {
        yaml.line(PoolTimeoutKeys.connect.name, time(timeouts.connect))
        yaml.line(PoolTimeoutKeys.response.name, time(timeouts.response))
        yaml.line(PoolTimeoutKeys.stream.name, time(timeouts.stream))
        yaml.line(PoolTimeoutKeys.idle.name, time(timeouts.idle))
        yaml.line(PoolTimeoutKeys.total.name, time(timeouts.total))
    }

    private func limits(_ yaml: inout YAMLText) {
        let limits = config.limits
        yaml.line(
            LimitKeys.maxConnections.name,
            count(limits.maxConnections, otherwise: "auto")
        )
        yaml.line(LimitKeys.maxConnectionsPerClient.name, count(limits.maxConnectionsPerClient))
        yaml.line(LimitKeys.requestsPerConnection.name, count(limits.requestsPerConnection))
        yaml.line(LimitKeys.headSize.name, size(limits.headSize))
        yaml.line(LimitKeys.fields.name, String(limits.fields))
        yaml.line(LimitKeys.targetSize.name, size(limits.targetSize))
        yaml.line(LimitKeys.bodySize.name, size(limits.bodySize))
        yaml.section(LimitKeys.http2.name) { yaml in
            yaml.line(HTTP2LimitKeys.streams.name, String(limits.http2.streams))
            yaml.line(HTTP2LimitKeys.budget.name, Quantity.text(rate: limits.http2.budget))
        }
        yaml.line(LimitKeys.loopLag.name, time(limits.loopLag))
        yaml.line(LimitKeys.memory.name, size(limits.memory))
    }

    private func timeouts(_ yaml: inout YAMLText) {
        yaml.line(TimeoutKeys.handshake.name, time(config.timeouts.handshake))
        yaml.line(TimeoutKeys.head.name, time(config.timeouts.head))
        yaml.line(TimeoutKeys.keepAlive.name, time(config.timeouts.keepAlive))
        yaml.line(TimeoutKeys.body.name, time(config.timeouts.body))
        yaml.line(TimeoutKeys.send.name, time(config.timeouts.send))
        yaml.line(TimeoutKeys.tunnel.name, time(config.timeouts.tunnel))
    }

    private func forwarding(_ yaml: inout YAMLText) {
        yaml.line(ForwardingKeys.xForwarded.name, String(config.forwarding.xForwarded))
        yaml.line(ForwardingKeys.via.name, String(config.forwarding.via))
        yaml.line(ForwardingKeys.requestID.name, String(config.forwarding.requestID))
        yaml.line(ForwardingKeys.forwarded.name, String(config.forwarding.forwarded))
    }

    private func log(_ yaml: inout YAMLText) {
        yaml.line(LogKeys.level.name, config.log.level.rawValue)
        yaml.line(LogKeys.target.name, destination(config.log.destination))
        yaml.line(LogKeys.format.name, config.log.json ? "json" : "text")
        guard let access = config.log.access else {
            yaml.line(LogKeys.access.name, "off")
            return
        }
        yaml.section(LogKeys.access.name) { yaml in
            yaml.line(LogKeys.accessTarget.name, destination(access.destination))
            yaml.line(LogKeys.accessFormat.name, access.format.rawValue)
            yaml.line(LogKeys.client.name, access.masksClient ? "masked" : "full")
            yaml.line(LogKeys.sample.name, Quantity.text(share: access.sample))
            yaml.line(LogKeys.only.name, access.onlyErrors ? "errors" : "all")
        }
    }

    private func destination(_ destination: LogConfig.Destination) -> String {
        switch destination {
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .file(let path): text(path.contains("/") ? path : "./" + path)
        }
    }
}

extension EffectivePrinter {
    /// `tracing`.
    func tracing(_ yaml: inout YAMLText) {
        yaml.line(TracingKeys.propagate.name, String(config.tracing.propagates))
        if let export = config.tracing.export {
            yaml.line(TracingKeys.export.name, text(export.description))
        }
        yaml.line(TracingKeys.sample.name, Quantity.text(share: config.tracing.sample))
        yaml.line(TracingKeys.service.name, text(config.tracing.service))
    }

    /// `admin`.
    func admin(_ admin: AdminConfig, _ yaml: inout YAMLText) {
        yaml.line(AdminKeys.address.name, text(admin.address.description))
        if let file = admin.tokenFile {
            yaml.line(AdminKeys.tokenFile.name, text(file))
        }
        if admin.tokenFile != nil || admin.address.isUnix {
            let words = admin.isPublic.map(\.rawValue).sorted()
            yaml.line(AdminKeys.isPublic.name, YAMLText.list(words))
        }
        certificatePaths(admin.tls, AdminKeys.tls, &yaml)
        yaml.line(AdminKeys.keepsChanges.name, String(admin.keepsChanges))
        if admin.address.isUnix { socketMode(admin.socketMode, &yaml) }
    }

    private func socketMode(_ mode: UInt32, _ yaml: inout YAMLText) {
        let digits = String(mode, radix: 8)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        yaml.line(ListenerKeys.socketMode.name, quoted(zeros + digits))
    }
}
