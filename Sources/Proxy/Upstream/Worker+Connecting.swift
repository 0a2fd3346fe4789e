import CLinux
import EventLoop

/// How a connection begins.
enum Connecting {
    /// It stands.
    case done
    /// The kernel will tell.
    case pending
    /// It will not come about.
    case failed(TryFailure)
}

/// Opening connections to endpoints.
extension Worker {
    /// Sends the exchange's request on a new connection, or on a stream of one.
    mutating func connect(_ slot: Int32, _ endpoint: Int) {
        // A WebSocket has a connection of HTTP/1.1 to itself.
        if pools[Int(endpoints[endpoint].pool)].speaksHTTP2,
            !exchanges[slot].pointee.flags.contains(.upgrade)
        {
            beginServerStream(slot, endpoint)
            return
        }
        let upstreamSlot = openConnection(endpoint)
        guard upstreamSlot >= 0 else {
            retryOrFail(slot, .noDescriptor)
            return
        }
        attach(slot, upstreamSlot)
        switch beginConnecting(upstreamSlot) {
        case .failed(let failure): retryOrFail(slot, failure)
        case .done: connected(upstreamSlot)
        case .pending:
            up[upstreamSlot].pointee.phase = .connecting
            setDeadline(upstream: upstreamSlot, connectDeadline(exchanges[slot]))
        }
    }

    /// Until when a connection for this exchange has to stand.
    mutating func connectDeadline(_ exchange: UnsafeMutablePointer<Exchange>) -> Instant {
        let entry = route(exchange)
        let wait = now + min(entry.pointee.connect, entry.pointee.tryTimeout)
        return min(wait, min(exchange.pointee.deadline, exchange.pointee.triesDeadline))
    }

    /// A slot with a socket for a new connection, which counts from now on; -1 if there is none.
    mutating func openConnection(_ endpoint: Int) -> Int32 {
        let entry = endpoints + endpoint
        let descriptor = openSocket(entry)
        let slot = descriptor >= 0 ? up.allocate() : -1
        guard slot >= 0 else {
            if descriptor >= 0 { weir_close(descriptor) }
            dropHeldConnection(endpoint)
            return -1
        }
        let upstream = up[slot]
        upstream.pointee.descriptor = descriptor
        upstream.pointee.endpoint = Int32(truncatingIfNeeded: endpoint)
        upstream.pointee.expires = now + jittered(pools[Int(entry.pointee.pool)].maxAge)
        countConnection(endpoint)
        countConnect(endpoint)
        holdsConnection = false
        return slot
    }

    /// Has the kernel connect.
    mutating func beginConnecting(_ slot: Int32) -> Connecting {
        let upstream = up[slot]
        let entry = endpoints + Int(upstream.pointee.endpoint)
        let descriptor = upstream.pointee.descriptor
        let result = entry.pointee.connect(descriptor)
        let token = Self.token(.upstream, slot, upstream.pointee.generation)
        if result < 0, result != -EINPROGRESS { return .failed(.connectFailed) }
        guard poller.addConnection(descriptor, token: token) else { return .failed(.noDescriptor) }
        return result == 0 ? .done : .pending
    }

    private mutating func openSocket(_ entry: UnsafeMutablePointer<EndpointEntry>) -> Int32 {
        let isUnix: Int32 = entry.pointee.path == nil ? 0 : 1
        let family = Int32(entry.pointee.address.family)
        var descriptor = weir_socket(family, isUnix)
        if descriptor == -EMFILE || descriptor == -ENFILE {
            holdNewcomers()
            // Whoever is being served goes before whoever is idle.
            guard closeIdleProbe() || closeOldestIdleUpstream() || closeOldestIdle()
            else { return descriptor }
            descriptor = weir_socket(family, isUnix)
        }
        guard descriptor >= 0, isUnix == 0 else { return descriptor }
        // A socket without these still works, only less well.
        _ = weir_set_nodelay(descriptor)
        _ = weir_set_keepalive(descriptor)
        return descriptor
    }

    /// The span, shortened at random by up to a tenth, so that connections do not end together.
    private mutating func jittered(_ span: Int64) -> Int64 {
        guard span != Int64.max else { return span }
        let tenth = Int(clamping: span / 10)
        return span &- Int64(random.next(below: tenth &+ 1))
    }

    /// The connection is open: its PROXY header and the request leave, or TLS is agreed on first.
    mutating func connected(_ slot: Int32) {
        let upstream = up[slot]
        let exchange = upstream.pointee.exchange
        let pool = pools + Int(endpoints[Int(upstream.pointee.endpoint)].pool)
        if exchange >= 0, let version = pool.pointee.proxyProtocol, !introduce(slot, version) {
            retryOrFail(exchange, .connectFailed)
            return
        }
        if let context = pool.pointee.tls {
            guard beginUpstreamHandshake(slot, context) else {
                connectionFailed(slot, .handshakeFailed)
                return
            }
            pumpUpstreamHandshake(slot)
            return
        }
        if exchange < 0 {
            becomeServerCarrier(slot)
            return
        }
        upstream.pointee.phase = .busy
        let generation = upstream.pointee.generation
        sendRequest(exchange)
        // What came with the handshake's end is not reported a second time.
        if up.find(slot, generation: generation) != nil,
            upstream.pointee.flags.contains(.readable)
        {
            queueUpstream(slot)
        }
    }

    /// The connection could not be opened: what it was opened for is tried again, or fails.
    mutating func connectionFailed(_ slot: Int32, _ failure: TryFailure) {
        let exchange = up[slot].pointee.exchange
        if exchange >= 0 {
            retryOrFail(exchange, failure)
        } else {
            failCarrier(server: slot, failure)
        }
    }
}
