import Balancing
import Configuration
import EventLoop
import HTTP
import Routing

/// What serves when no endpoint of a pool is well: `fallback` of a route or pool.
extension Worker {
    /// The exchange's fallback, as ``RouteEntry/fallback``: the route's, then that of the pool
    /// that serves instead.
    mutating func fallback(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>
    ) -> Int32 {
        exchange.pointee.flags.contains(.fellBack)
            ? pool.pointee.fallback : route(exchange).pointee.fallback
    }

    /// Whether the fallback has to serve, since no endpoint is well.
    ///
    /// One that drains and that the client sticks to is good enough.
    mutating func hasToFallBack(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ pool: UnsafeMutablePointer<PoolState>
    ) -> Bool {
        guard fallback(exchange, pool) != RouteEntry.noFallback else { return false }
        let balancer = pool.pointee.balancer
        if balancer.hasHealthy(now: now.nanoseconds, random: &random) { return false }
        let stuckTo = Int(exchange.pointee.stuckTo)
        return stuckTo < 0 || exchange.pointee.tried.contains(stuckTo)
            || !balancer.accepts(sticky: stuckTo)
    }

    /// No endpoint is left: the fallback serves, or the exchange fails.
    mutating func failOrFallBack(_ slot: Int32) {
        if fallsBack(slot) { return }
        let outcome = exchanges[slot].pointee.outcome
        fail(slot, outcome == .ok ? .noEndpoint : outcome)
    }

    /// Has the fallback serve; false if there is none.
    ///
    /// Nothing of the request may have reached an endpoint.
    mutating func fallsBack(_ slot: Int32) -> Bool {
        let exchange = exchanges[slot]
        let next = fallback(exchange, pools + Int(exchange.pointee.pool))
        // Before the first try everything that has come is there, whether it is kept or not.
        let isThere = exchange.pointee.flags.contains(.resendable) || exchange.pointee.tries == 0
        guard next != RouteEntry.noFallback, isThere else { return false }
        if next == RouteEntry.ownAnswer { return answersByFallback(slot) }
        if exchange.pointee.upstream >= 0 { closeUpstream(exchange.pointee.upstream) }
        if exchange.pointee.trace.isExported, exchange.pointee.flags.contains(.counted) {
            recordTry(exchange, exchange.pointee.outcome, status: 0)
            renewTry(exchange)
        }
        abandonProbe(exchange)
        endTry(exchange)
        leavePool(exchange)
        goOver(exchange, to: next)
        // Its tries begin anew.
        exchange.pointee.uncounted = exchange.pointee.tries
        tryUpstream(slot)
        return true
    }

    /// Another pool serves, of which nothing was tried yet.
    private mutating func goOver(_ exchange: UnsafeMutablePointer<Exchange>, to pool: Int32) {
        exchange.pointee.pool = pool
        countForBudget(pools + Int(pool))
        exchange.pointee.flags.insert(.fellBack)
        // They belong to the other pool.
        exchange.pointee.flags.remove(.hasKey)
        exchange.pointee.tried = TriedEndpoints()
        exchange.pointee.stuckTo = -1
        exchange.pointee.endpoint = -1
    }

    /// Goes over to the pool that serves at present, before the request's keys are noted.
    mutating func chooseServingPool(_ exchange: UnsafeMutablePointer<Exchange>) {
        while true {
            let pool = pools + Int(exchange.pointee.pool)
            let next = fallback(exchange, pool)
            guard next >= 0,
                !hasHalfOpen(pool),
                !pool.pointee.balancer.hasHealthy(now: now.nanoseconds, random: &random)
            else { return }
            goOver(exchange, to: next)
        }
    }

    // MARK: Answers

    /// Answers as the fallback says; false if the request's head cannot be read again.
    private mutating func answersByFallback(_ slot: Int32) -> Bool {
        let exchange = exchanges[slot]
        let config = snapshot.config
        let written =
            exchange.pointee.flags.contains(.fellBack)
            ? config.pools[Int(exchange.pointee.pool)].fallback
            : config.routes[Int(exchange.pointee.route)].fallback
        guard case .respond(let answer)? = written, let request = keptRequest(exchange) else {
            return false
        }
        if opensTunnel(exchange, status: answer.status) { return false }
        let action = RouteAction.respond(answer)
        let values = TemplateValues(
            request: request,
            clientAddress: addressText(exchange.pointee.client),
            routeName: config.routes[Int(exchange.pointee.route)].name,
            isSecure: cameByHTTPS(down[exchange.pointee.downstream], request),
            headers: headerValues(action, request),
            certificate: certificate(exchange.pointee.downstream, for: action)
        )
        let rendered = RouteAnswer(action, values)
        sendOwnAnswer(slot, .noEndpoint, status: rendered.status) { worker, connection in
            worker.writeHead(of: rendered, connection: connection)
            return rendered.hasLength && request.head.method != .head ? rendered.body : []
        }
        return true
    }

    /// The request as it is kept to be sent again, read anew.
    private mutating func keptRequest(
        _ exchange: UnsafeMutablePointer<Exchange>
    ) -> ReceivedRequest? {
        guard let base = exchange.pointee.request.base else { return nil }
        let start = Int(exchange.pointee.request.start)
        let count = Int(exchange.pointee.headEnd) &- start
        guard count > 0 else { return nil }
        var parser = RequestParser()
        let span = RawSpan(_unsafeStart: base + start, byteCount: count)
        // Weir's own lines came on top of what the limits allowed.
        let roomy = HeadLimits(
            headSize: count &+ 1,
            fields: headLimits.fields &+ 16 &+ snapshot.fieldsAdded,
            targetSize: headLimits.targetSize
        )
        guard let head = try? parser.parse(span, into: &fields, limits: roomy) else { return nil }
        return ReceivedRequest(
            head: head,
            bytes: base + start,
            count: count,
            id: exchange.pointee.requestID,
            keepAlive: false
        )
    }
}
