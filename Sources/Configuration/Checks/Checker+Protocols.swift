extension Checker {
    /// Whether clients of a listener may speak HTTP/2.
    func http2(_ map: RawMap) -> HTTP2Use {
        let hasTLS = map.map(ListenerKeys.tls) != nil
        guard let item = map.item(ListenerKeys.http2) else { return hasTLS ? .overTLS : .off }
        if map.word(ListenerKeys.http2) != nil {
            if hasTLS {
                reporter.error(
                    .conflict,
                    item.place,
                    "cleartext is HTTP/2 without TLS, and this listener has tls",
                    remedy: "write true, or remove the key: HTTP/2 is offered with TLS"
                )
            }
            return .cleartext
        }
        guard map.bool(ListenerKeys.http2) else { return .off }
        if !hasTLS, !map.refused.contains(ListenerKeys.tls.name) {
            reporter.error(
                .conflict,
                item.place,
                "HTTP/2 is offered with TLS, and this listener has no tls",
                remedy: "write cleartext, or give the listener tls"
            )
        }
        return .overTLS
    }

    /// Whether a pool's servers are spoken to by HTTP/2, given its TLS and PROXY headers.
    func poolHTTP2(_ map: RawMap, _ pool: PoolConfig) -> HTTP2Use {
        guard let item = map.item(PoolKeys.http2) else { return .off }
        let isCleartext = map.word(PoolKeys.http2) != nil
        guard isCleartext || map.bool(PoolKeys.http2) else { return .off }
        let isUndecided = map.refused.contains(PoolKeys.tls.name)
        if isCleartext, pool.tls != nil {
            reporter.error(
                .conflict,
                item.place,
                "cleartext is HTTP/2 without TLS, and this pool has tls",
                remedy: "write true: HTTP/2 is offered in TLS"
            )
        } else if !isCleartext, pool.tls == nil, !isUndecided {
            reporter.error(
                .conflict,
                item.place,
                "HTTP/2 is offered in TLS, and this pool has no tls",
                remedy: "write cleartext, or give the pool tls"
            )
        } else if pool.proxyProtocol != nil {
            reporter.error(
                .conflict,
                item.place,
                "a PROXY header names the client of a whole connection, and HTTP/2 carries many",
                remedy: "remove one of the two; servers see clients in x-forwarded-for"
            )
        }
        return isCleartext ? .cleartext : .overTLS
    }

    /// Peers of a listener that say who the client is.
    func proxyProtocol(_ listener: RawMap) -> ProxyProtocolConfig? {
        guard let map = listener.map(ListenerKeys.proxyProtocol) else { return nil }
        reportMissing(ProxyProtocolKeys.from, in: map, of: ProxyProtocolKeys.set)
        var config = ProxyProtocolConfig(from: networks(map.items(ProxyProtocolKeys.from)))
        let all = map.over(ProxyProtocolKeys.set.standards)
        config.isRequired = all.bool(ProxyProtocolKeys.isRequired)
        return config
    }

    /// The port of https that a listener sends all requests to.
    func httpsRedirect(_ map: RawMap) -> UInt16? {
        if map.word(ListenerKeys.httpsRedirect) == "true" { return 443 }
        return map.count(ListenerKeys.httpsRedirect).flatMap { UInt16(exactly: $0) }
    }

    /// How long browsers are told to come by https only.
    func hsts(_ route: RawMap) -> Duration? {
        guard let item = route.item(RouteKeys.hsts), let duration = route.duration(RouteKeys.hsts)
        else { return nil }
        if !mayHaveHTTPS {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"hsts\" has no effect without https",
                remedy: "give a listener tls, or name the proxy that speaks https in "
                    + "trusted-proxies"
            )
        }
        return duration
    }

    /// Whether a request may come by https: to a listener with TLS, or by the word of a proxy.
    var mayHaveHTTPS: Bool {
        let listeners = root.items(TopLevelKeys.listeners)
        return root.mentions(TopLevelKeys.trustedProxies)
            || listeners.contains { listener in
                guard let map = listener.map else { return listener.isCut }
                return map.map(ListenerKeys.tls) != nil
                    || map.refused.contains(ListenerKeys.tls.name)
            }
    }

    /// Looks for a redirect that leads back to where it came from, or away from https.
    func checkRedirect(_ map: RawMap, _ found: [FoundListener]) {
        guard let item = map.item(ListenerKeys.httpsRedirect), let port = httpsRedirect(map) else {
            return
        }
        if map.map(ListenerKeys.tls) != nil {
            reporter.error(
                .conflict,
                item.keyPlace ?? item.place,
                "this listener has tls and sends its requests to https",
                remedy: "remove one of the two; https-redirect is for a listener without tls"
            )
        } else if found.contains(where: { $0.config.address.port == port }) {
            reporter.error(
                .conflict,
                item.place,
                "port \(port) is this listener's own, and it speaks no TLS",
                remedy: "write the port of a listener with tls"
            )
        }
    }
}
