import CLinux
import EventLoop
import HTTP

/// Connections to endpoints that speak HTTP/2, which carry streams.
extension Worker {
    /// Streams that a carrier takes at most, whatever its server allows.
    private static let mostStreams = 1000
    /// Streams that a carrier takes in all, which have numbers up to 2³¹.
    static let lastStream: UInt32 = 1 << 29
    /// Frames a second that a server may send and that bring nobody forward.
    ///
    /// Servers of gRPC measure the way by PINGs, as many as there are round trips.
    private static let serverBudget = 10_000
    /// Milliseconds after which data that a server does not acknowledge ends a carrier.
    private static let unacknowledged: UInt32 = 30_000

    /// The codec of a carrier.
    mutating func serverSession(_ slot: Int32) -> HTTP2Connection? {
        guard slot >= 0 else { return nil }
        return up[slot].pointee.streams.session?.takeUnretainedValue()
    }

    // MARK: Choosing

    /// A carrier to the endpoint that takes one stream more, or -1.
    ///
    /// Those that are too old are retired on the way.
    mutating func carrier(withRoomAt endpoint: Int) -> Int32 {
        var slot = endpointStates[endpoint].carriers
        while slot >= 0 {
            let carrier = up[slot]
            let next = carrier.pointee.streams.nextCarrier
            if carrier.pointee.phase != .carrier {
                // As long as it does not stand it may turn out to serve one request at a time.
                let limit =
                    endpointStates[endpoint].prefersHTTP1
                    ? 1 : endpointStates[endpoint].streamLimit
                if carrier.pointee.streams.count < limit { return slot }
            } else if carrier.pointee.expires <= now
                || (carrier.pointee.streams.count == 0 && carrier.pointee.keptUntil <= now)
            {
                retireCarrier(server: slot)
            } else if let session = carrier.pointee.streams.session,
                Int(carrier.pointee.streams.count)
                    < session._withUnsafeGuaranteedRef({ $0.streamLimit })
            {
                return slot
            } else {
                unlistCarrier(slot)
            }
            slot = next
        }
        return -1
    }

    private mutating func listCarrier(_ slot: Int32) {
        let carrier = up[slot]
        guard carrier.pointee.streams.flags.isDisjoint(with: [.isListed, .ending]) else { return }
        let state = endpointStates + Int(carrier.pointee.endpoint)
        carrier.pointee.streams.flags.insert(.isListed)
        carrier.pointee.streams.previousCarrier = -1
        carrier.pointee.streams.nextCarrier = state.pointee.carriers
        if state.pointee.carriers >= 0 {
            up[state.pointee.carriers].pointee.streams.previousCarrier = slot
        }
        state.pointee.carriers = slot
    }

    private mutating func unlistCarrier(_ slot: Int32) {
        let carrier = up[slot]
        guard carrier.pointee.streams.flags.contains(.isListed) else { return }
        carrier.pointee.streams.flags.remove(.isListed)
        let previous = carrier.pointee.streams.previousCarrier
        let next = carrier.pointee.streams.nextCarrier
        if previous >= 0 {
            up[previous].pointee.streams.nextCarrier = next
        } else {
            endpointStates[Int(carrier.pointee.endpoint)].carriers = next
        }
        if next >= 0 { up[next].pointee.streams.previousCarrier = previous }
    }

    // MARK: Beginning

    /// Opens a carrier to the endpoint for a first stream, whose slot is there already.
    mutating func openCarrier(_ stream: Int32, _ endpoint: Int) {
        let exchange = exchanges[up[stream].pointee.exchange]
        let slot = openConnection(endpoint)
        guard slot >= 0 else {
            retryOrFail(up[stream].pointee.exchange, .noDescriptor)
            return
        }
        up[slot].pointee.phase = .connecting
        listCarrier(slot)
        linkServerStream(stream, to: slot)
        setDeadline(upstream: slot, now + route(exchange).pointee.connect)
        switch beginConnecting(slot) {
        case .failed(let failure): failCarrier(server: slot, failure)
        case .done: connected(slot)
        case .pending: break
        }
    }

    /// The connection speaks HTTP/2 from now on: its first stream is sent, the others once the
    /// server's settings tell how many it takes.
    mutating func becomeServerCarrier(_ slot: Int32) {
        let carrier = up[slot]
        let endpoint = Int(carrier.pointee.endpoint)
        let pool = pools + Int(endpoints[endpoint].pool)
        let options = HTTP2Options(
            headLimits: headLimits,
            streams: Self.mostStreams,
            budget: Self.serverBudget,
            isSecure: pool.pointee.tls != nil,
            seed: random.next()
        )
        guard let session = HTTP2Connection(role: .client, options: options, memory: frames)
        else {
            failCarrier(server: slot, .noDescriptor)
            return
        }
        endpointStates[endpoint].prefersHTTP1 = false
        carrier.pointee.streams.session = .passRetained(session)
        carrier.pointee.phase = .carrier
        carrier.pointee.keptUntil = .never
        // A time-out ends one request here, not the connection: that the server is gone has to be
        // found out by TCP. One that only holds requests back does so by their windows.
        _ = weir_set_user_timeout(carrier.pointee.descriptor, Self.unacknowledged)
        let generation = carrier.pointee.generation
        queueServerCarrier(slot)
        sendWaiting(slot, 1)
        guard up.find(slot, generation: generation) != nil else { return }
        if carrier.pointee.streams.count == 0 { restCarrier(server: slot) }
        if carrier.pointee.flags.contains(.readable) { queueUpstream(slot) }
    }

    /// The server's settings have come: what waits is sent as far as they allow, and goes to other
    /// connections beyond.
    mutating func carrierSettled(_ slot: Int32, _ session: HTTP2Connection) {
        let carrier = up[slot]
        let generation = carrier.pointee.generation
        carrier.pointee.streams.flags.insert(.isSettled)
        let endpoint = Int(carrier.pointee.endpoint)
        endpointStates[endpoint].streamLimit = Int32(clamping: max(1, session.streamLimit))
        sendWaiting(slot, .max)
        guard up.find(slot, generation: generation) != nil else { return }
        setDeadline(upstream: slot, .never)
        if carrier.pointee.streams.count == 0 {
            restCarrier(server: slot)
        } else if carrier.pointee.streams.waiting > 0 {
            spreadWaiting(slot)
        }
    }

    /// A server that was offered HTTP/2 chose HTTP/1.1: the connection is its first exchange's, the
    /// others have connections of their own.
    ///
    /// False if nobody wants it.
    mutating func fallBackToHTTP1(server slot: Int32) -> Bool {
        let carrier = up[slot]
        let endpoint = Int(carrier.pointee.endpoint)
        endpointStates[endpoint].prefersHTTP1 = true
        unlistCarrier(slot)
        guard carrier.pointee.streams.oldest >= 0 else {
            closeUpstream(slot)
            return false
        }
        let first = releaseWaiting(carrier.pointee.streams.oldest)
        let generation = exchanges[first].pointee.generation
        while carrier.pointee.streams.oldest >= 0 {
            beginServerStream(releaseWaiting(carrier.pointee.streams.oldest), endpoint)
        }
        guard exchanges.find(first, generation: generation) != nil else {
            closeUpstream(slot)
            return false
        }
        attach(first, slot)
        return true
    }

    /// Has streams that wait go to other connections, as far as the pool's bounds let these be
    /// opened.
    private mutating func spreadWaiting(_ slot: Int32) {
        let carrier = up[slot]
        let endpoint = Int(carrier.pointee.endpoint)
        let generation = carrier.pointee.generation
        unlistCarrier(slot)
        while up.find(slot, generation: generation) != nil, carrier.pointee.streams.waiting > 0 {
            let stream = firstWaiting(slot)
            guard stream >= 0, self.carrier(withRoomAt: endpoint) >= 0 || mayOpen(endpoint)
            else { return }
            beginServerStream(releaseWaiting(stream), endpoint)
        }
    }

    // MARK: Resting

    /// A stream has ended: another one takes its place, or the carrier rests.
    mutating func serverStreamEnded(on slot: Int32) {
        let carrier = up[slot]
        guard carrier.pointee.phase == .carrier else { return }
        if carrier.pointee.streams.waiting > 0 {
            let generation = carrier.pointee.generation
            sendWaiting(slot, .max)
            guard up.find(slot, generation: generation) != nil else { return }
        }
        if carrier.pointee.streams.count == 0 {
            restCarrier(server: slot)
        } else {
            listCarrier(slot)
        }
    }

    /// Without a stream the carrier is kept for the next one, or ends.
    private mutating func restCarrier(server slot: Int32) {
        let carrier = up[slot]
        let endpoint = Int(carrier.pointee.endpoint)
        let pool = pools + Int(endpoints[endpoint].pool)
        guard !isDraining, !endpointStates[endpoint].isGone, carrier.pointee.expires > now,
            pool.pointee.maxIdle > 0, !carrier.pointee.streams.flags.contains(.ending),
            carrier.pointee.flags.isDisjoint(with: [.finished, .broken, .sendFailed])
        else {
            retireCarrier(server: slot)
            return
        }
        listCarrier(slot)
        carrier.pointee.keptUntil = now + pool.pointee.idle
        setDeadline(upstream: slot, min(carrier.pointee.keptUntil, carrier.pointee.expires))
    }

    /// Closes a carrier of the endpoint that has no stream; false if there is none.
    mutating func closeIdleCarrier(of endpoint: Int) -> Bool {
        var slot = endpointStates[endpoint].carriers
        while slot >= 0 {
            let carrier = up[slot]
            if carrier.pointee.phase == .carrier, carrier.pointee.streams.count == 0 {
                retireCarrier(server: slot)
                return true
            }
            slot = carrier.pointee.streams.nextCarrier
        }
        return false
    }

    // MARK: Ending

    /// The carrier takes no further stream, and ends once those that run have ended.
    mutating func retireCarrier(server slot: Int32) {
        let carrier = up[slot]
        unlistCarrier(slot)
        carrier.pointee.streams.flags.insert(.ending)
        guard carrier.pointee.streams.count == 0 else { return }
        sayGoodbye(slot)
        closeUpstream(slot)
    }

    /// The server takes no further stream: what it was not sent yet goes elsewhere.
    ///
    /// `last`: the last one that it looks at; the largest number only warns of the end.
    mutating func carrierIsEnding(_ slot: Int32, last: Int32) {
        let carrier = up[slot]
        // One that takes some requests comes to an end for reasons of its own.
        if last > 0, last < Int32.max { carrier.pointee.flags.insert(.reused) }
        let generation = carrier.pointee.generation
        unlistCarrier(slot)
        carrier.pointee.streams.flags.insert(.ending)
        while up.find(slot, generation: generation) != nil, carrier.pointee.streams.waiting > 0 {
            let stream = firstWaiting(slot)
            guard stream >= 0 else { break }
            unlinkServerStream(stream)
            noteReused(up[stream], carrier)
            // It has not been sent, which is no try.
            if mayTurnAway(up[stream]) { up[stream].pointee.flags.insert(.reused) }
            failServerStream(stream, .closedUnseen)
        }
        if up.find(slot, generation: generation) != nil { retireCarrier(server: slot) }
    }

    /// Whether a request that a GOAWAY kept from being looked at is sent again without counting as
    /// tried: not for ever, as to a server that turns everybody away.
    mutating func mayTurnAway(_ entry: UnsafeMutablePointer<Upstream>) -> Bool {
        let exchange = exchanges[entry.pointee.exchange]
        guard exchange.pointee.turnedAway < 16 else { return false }
        exchange.pointee.turnedAway &+= 1
        return true
    }

    /// Says on a carrier that no further stream comes, as far as its socket takes it now.
    private mutating func sayGoodbye(_ slot: Int32) {
        let carrier = up[slot]
        guard carrier.pointee.phase == .carrier, carrier.pointee.output.isEmpty,
            carrier.pointee.flags.isDisjoint(with: [.broken, .sendFailed]),
            let session = serverSession(slot)
        else { return }
        session.goAway()
        let count = session.send(into: frameArea, room: Self.frameSize)
        if count > 0 { _ = sendToServer(carrier, frameArea, count) }
    }

    /// The carrier's time is up: it does not stand yet, or was idle too long.
    mutating func carrierTimedOut(server slot: Int32) {
        if up[slot].pointee.phase != .carrier {
            failCarrier(server: slot, .connectTimeout)
        } else if !up[slot].pointee.streams.flags.contains(.isSettled) {
            failCarrier(server: slot, .timeout)
        } else if up[slot].pointee.streams.count == 0 {
            retireCarrier(server: slot)
        }
    }

    /// An answer did not come in time: if nothing else has come either, the connection may be dead,
    /// and new requests do not share its fate.
    mutating func doubtCarrier(of stream: UnsafeMutablePointer<Upstream>) {
        let slot = stream.pointee.streams.carrier
        guard slot >= 0, stream.pointee.exchange >= 0,
            up[slot].pointee.streams.heard < exchanges[stream.pointee.exchange].pointee.tryBegan
        else { return }
        unlistCarrier(slot)
        up[slot].pointee.streams.flags.insert(.ending)
    }

    /// The carrier ends at once.
    ///
    /// `failure` is what that means for a stream whose request has been sent; one whose answer has
    /// come whole is not touched.
    mutating func failCarrier(server slot: Int32, _ failure: TryFailure) {
        let carrier = up[slot]
        let generation = carrier.pointee.generation
        carrierFailed(slot)
        while up.find(slot, generation: generation) != nil, carrier.pointee.streams.oldest >= 0 {
            let stream = carrier.pointee.streams.oldest
            let kind = endOfStream(stream, carrier, failure)
            unlinkServerStream(stream)
            up[stream].pointee.streams.flags.insert(.reset)
            if up[stream].pointee.streams.flags.contains(.serverEnded) { continue }
            noteReused(up[stream], carrier)
            failServerStream(stream, kind)
        }
        if up.find(slot, generation: generation) != nil { closeUpstream(slot) }
    }

    /// Nothing new goes onto the carrier, which is not the server's doing.
    mutating func carrierFailed(_ slot: Int32) {
        unlistCarrier(slot)
        up[slot].pointee.streams.flags.insert(.ending)
    }

    /// What the carrier's end means for a stream.
    private mutating func endOfStream(
        _ stream: Int32,
        _ carrier: UnsafeMutablePointer<Upstream>,
        _ failure: TryFailure
    ) -> TryFailure {
        let entry = up[stream]
        if !entry.pointee.streams.flags.contains(.headSent) {
            if failure == .timeout { return .connectTimeout }
            return failure == .reset || failure == .badAnswer ? .closedUnseen : failure
        }
        guard failure == .reset else { return failure }
        // Nothing has left since it was handed over.
        if carrier.pointee.sent == entry.pointee.sentBefore { return .closedUnseen }
        // A reset may overtake the acknowledgement of bytes that were read.
        guard carrier.pointee.flags.isDisjoint(with: [.sendFailed, .broken]) else { return .reset }
        let acknowledged = weir_bytes_acknowledged(carrier.pointee.descriptor)
        // The handshake's SYN counts as the first byte.
        let isUnseen =
            acknowledged > 0 && UInt64(acknowledged &- 1) <= entry.pointee.sentBefore
        return isUnseen ? .closedUnseen : .reset
    }

    /// Lets go of what a carrier has besides its socket; its streams have gone.
    mutating func releaseCarrier(server slot: Int32) {
        unlistCarrier(slot)
        let carrier = up[slot]
        assert(carrier.pointee.streams.count == 0, "a carrier closes under its streams")
        carrier.pointee.streams.session?.release()
        carrier.pointee.streams.session = nil
    }
}
