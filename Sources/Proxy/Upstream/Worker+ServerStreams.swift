import EventLoop
import HTTP

/// Streams to endpoints, each of which is a connection of one request to its exchange.
extension Worker {
    // MARK: Beginning

    /// Sends the exchange's request on a stream of a connection to the endpoint, of a new one if
    /// none has room.
    mutating func beginServerStream(_ slot: Int32, _ endpoint: Int) {
        let exchange = exchanges[slot]
        let carrier = carrier(withRoomAt: endpoint)
        let stream = up.allocate()
        guard stream >= 0 else {
            dropHeldConnection(endpoint)
            retryOrFail(slot, .noDescriptor)
            return
        }
        let entry = up[stream]
        entry.pointee.endpoint = Int32(truncatingIfNeeded: endpoint)
        entry.pointee.transport = .stream
        entry.pointee.phase = .connecting
        entry.pointee.exchange = slot
        // No other request follows on it.
        entry.pointee.flags.insert(.closesAfterAnswer)
        exchange.pointee.upstream = stream
        setDeadline(upstream: stream, connectDeadline(exchange))
        guard carrier >= 0 else {
            openCarrier(stream, endpoint)
            return
        }
        // What was held for a connection is not needed.
        dropHeldConnection(endpoint)
        linkServerStream(stream, to: carrier)
        if up[carrier].pointee.streams.flags.contains(.isSettled) { sendStream(stream) }
    }

    /// Puts a stream on its carrier, which counts it.
    mutating func linkServerStream(_ stream: Int32, to slot: Int32) {
        let carrier = up[slot]
        let entry = up[stream]
        entry.pointee.streams.carrier = slot
        entry.pointee.streams.older = carrier.pointee.streams.newest
        if carrier.pointee.streams.newest >= 0 {
            up[carrier.pointee.streams.newest].pointee.streams.newer = stream
        } else {
            carrier.pointee.streams.oldest = stream
        }
        carrier.pointee.streams.newest = stream
        carrier.pointee.streams.count &+= 1
        carrier.pointee.streams.waiting &+= 1
        if carrier.pointee.phase == .carrier,
            carrier.pointee.streams.flags.contains(.isSettled)
        {
            setDeadline(upstream: slot, .never)
        }
        carrier.pointee.served &+= 1
        let pool = pools + Int(endpoints[Int(carrier.pointee.endpoint)].pool)
        if carrier.pointee.served >= min(pool.pointee.maxRequests, Self.lastStream) {
            retireCarrier(server: slot)
        }
    }

    /// Takes a stream off its carrier.
    mutating func unlinkServerStream(_ stream: Int32) {
        let entry = up[stream]
        guard entry.pointee.streams.carrier >= 0 else { return }
        let carrier = up[entry.pointee.streams.carrier]
        let older = entry.pointee.streams.older
        let newer = entry.pointee.streams.newer
        if newer >= 0 {
            up[newer].pointee.streams.older = older
        } else {
            carrier.pointee.streams.newest = older
        }
        if older >= 0 {
            up[older].pointee.streams.newer = newer
        } else {
            carrier.pointee.streams.oldest = newer
        }
        carrier.pointee.streams.count &-= 1
        if entry.pointee.phase == .connecting { carrier.pointee.streams.waiting &-= 1 }
        if !entry.pointee.output.isEmpty { carrier.pointee.streams.bodies &-= 1 }
        entry.pointee.streams.carrier = -1
    }

    /// The stream that has waited longest, or -1.
    mutating func firstWaiting(_ carrier: Int32) -> Int32 {
        var stream = up[carrier].pointee.streams.oldest
        while stream >= 0, up[stream].pointee.phase != .connecting {
            stream = up[stream].pointee.streams.newer
        }
        return stream
    }

    /// Sends at most `most` of the streams that wait, as far as the server takes them.
    mutating func sendWaiting(_ slot: Int32, _ most: Int) {
        let generation = up[slot].pointee.generation
        var left = min(most, Int(up[slot].pointee.streams.waiting))
        while left > 0, up.find(slot, generation: generation) != nil,
            let session = serverSession(slot), session.canRequest
        {
            let stream = firstWaiting(slot)
            guard stream >= 0 else { return }
            sendStream(stream)
            left &-= 1
        }
    }

    /// Sends a stream that waits.
    private mutating func sendStream(_ stream: Int32) {
        let entry = up[stream]
        let slot = entry.pointee.streams.carrier
        guard slot >= 0, let session = up[slot].pointee.streams.session,
            session._withUnsafeGuaranteedRef({ $0.canRequest })
        else { return }
        entry.pointee.phase = .busy
        up[slot].pointee.streams.waiting &-= 1
        entry.pointee.sentBefore = up[slot].pointee.sent
        sendRequest(entry.pointee.exchange)
    }

    /// Frees the slot of a stream that was not sent; returns its exchange, which has no upstream
    /// then.
    mutating func releaseWaiting(_ stream: Int32) -> Int32 {
        let exchange = up[stream].pointee.exchange
        exchanges[exchange].pointee.upstream = -1
        unlinkServerStream(stream)
        upTimers.cancel(stream)
        up.free(stream)
        return exchange
    }

    // MARK: The request

    /// Takes bytes of a request; they leave with the others of the batch.
    ///
    /// Returns how many were taken, -1 if the request cannot be sent.
    mutating func sendOnStream(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Int {
        let stream = exchange.pointee.upstream
        let entry = up[stream]
        let slot = entry.pointee.streams.carrier
        // Nobody reads what follows an answer that has come whole.
        guard slot >= 0, let session = up[slot].pointee.streams.session,
            !entry.pointee.streams.flags.contains(.reset)
        else { return count }
        guard entry.pointee.output.count < Self.readSize else { return 0 }
        var from = 0
        if !entry.pointee.streams.flags.contains(.headSent) {
            from = Int(exchange.pointee.headEnd &- exchange.pointee.requestSent)
            guard beginRequest(entry, stream, exchange, session, bytes, from, count) else {
                entry.pointee.streams.flags.insert(.unspeakable)
                return -1
            }
        }
        let wasEmpty = entry.pointee.output.isEmpty
        guard takeRequestBody(entry, UnsafeMutableRawPointer(mutating: bytes), from, count) else {
            entry.pointee.streams.flags.insert(.unspeakable)
            return -1
        }
        if wasEmpty, !entry.pointee.output.isEmpty { up[slot].pointee.streams.bodies &+= 1 }
        if isWhole(entry, exchange), !entry.pointee.streams.flags.contains(.ended) {
            entry.pointee.streams.flags.insert(.ended)
            if entry.pointee.output.isEmpty {
                session._withUnsafeGuaranteedRef { finishRequest(entry, $0) }
            }
        }
        queueServerCarrier(slot)
        return count
    }

    /// Hands the request's head to the codec; false if it takes none.
    private mutating func beginRequest(
        _ entry: UnsafeMutablePointer<Upstream>,
        _ stream: Int32,
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ session: Unmanaged<HTTP2Connection>,
        _ bytes: UnsafeRawPointer,
        _ headCount: Int,
        _ count: Int
    ) -> Bool {
        let isChunked = exchange.pointee.flags.contains(.chunkedRequest)
        entry.pointee.streams.body = BodyDecoder(isChunked ? .chunked : .untilClose)
        let ends =
            !isChunked && headCount == count
            && exchange.pointee.flags.contains(.requestComplete)
        let sensitive = down[exchange.pointee.downstream].pointee.streams.sensitive
        entry.pointee.streams.id = session._withUnsafeGuaranteedRef {
            $0.request(
                bytes,
                headCount,
                endsStream: ends,
                token: UInt64(UInt32(bitPattern: stream)) << 32
                    | UInt64(entry.pointee.generation),
                sensitive: sensitive
            )
        }
        guard entry.pointee.streams.id > 0 else { return false }
        entry.pointee.streams.flags.insert(ends ? [.headSent, .ended] : .headSent)
        return true
    }

    /// Puts body bytes from `from` on where frames are made of; false if they are broken.
    private mutating func takeRequestBody(
        _ entry: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeMutableRawPointer,
        _ from: Int,
        _ count: Int
    ) -> Bool {
        var offset = from
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        while offset < count {
            let event: BodyDecoder.Event
            do throws(BodyError) {
                event = try entry.pointee.streams.body.next(span, from: offset, limits: headLimits)
            } catch { return false }
            switch event {
            case .data(let range):
                buffers.append(
                    bytes + range.start,
                    Int(range.count),
                    to: &entry.pointee.output
                )
                offset = range.end
            case .trailers(let range):
                buffers.append(
                    bytes + range.start,
                    Int(range.count),
                    to: &entry.pointee.streams.trailers
                )
                offset = range.end
            // Chunks are written whole.
            case .needMore(let consumed): return consumed == count
            case .end(let consumed): return consumed == count
            }
        }
        return true
    }

    private mutating func isWhole(
        _ entry: UnsafeMutablePointer<Upstream>,
        _ exchange: UnsafeMutablePointer<Exchange>
    ) -> Bool {
        exchange.pointee.flags.contains(.chunkedRequest)
            ? entry.pointee.streams.body.isComplete
            : exchange.pointee.flags.contains(.requestComplete)
    }

    /// Ends the request behind what is lent to the codec.
    mutating func finishRequest(_ entry: UnsafeMutablePointer<Upstream>, _ session: HTTP2Connection)
    {
        let trailers = entry.pointee.streams.trailers
        session.finish(entry.pointee.streams.id, trailers: trailers.head, trailers.count)
    }

    // MARK: Ending

    /// Whether the stream's carrier had served somebody before.
    mutating func noteReused(
        _ entry: UnsafeMutablePointer<Upstream>,
        _ carrier: UnsafeMutablePointer<Upstream>
    ) {
        if carrier.pointee.flags.contains(.reused) { entry.pointee.flags.insert(.reused) }
    }

    /// The stream has failed: its request is sent again, or fails.
    mutating func failServerStream(_ stream: Int32, _ failure: TryFailure) {
        let slot = up[stream].pointee.exchange
        let hasBegun = exchanges[slot].pointee.answer != .head
        if hasBegun, failure != .badAnswer {
            fail(slot, failure.outcome)
        } else {
            retryOrFail(slot, failure)
        }
    }

    /// Frees the slot of a stream; one that is not complete is reset.
    mutating func closeServerStream(_ stream: Int32) {
        let entry = up[stream]
        let slot = entry.pointee.streams.carrier
        let flags = entry.pointee.streams.flags
        if flags.contains(.headSent), !flags.contains(.reset), slot >= 0,
            let session = up[slot].pointee.streams.session
        {
            creditAnswer(entry)
            let isOver =
                flags.isSuperset(of: [.serverEnded, .ended]) && entry.pointee.output.isEmpty
            if !isOver {
                session._withUnsafeGuaranteedRef {
                    $0.reset(entry.pointee.streams.id, HTTP2Code.cancel)
                }
            }
            queueServerCarrier(slot)
        }
        if entry.pointee.exchange >= 0 { exchanges[entry.pointee.exchange].pointee.upstream = -1 }
        unlinkServerStream(stream)
        upTimers.cancel(stream)
        buffers.give(&entry.pointee.input)
        buffers.give(&entry.pointee.output)
        buffers.give(&entry.pointee.streams.trailers)
        buffers.give(&entry.pointee.streams.answerTrailers)
        up.free(stream)
        if slot >= 0 { serverStreamEnded(on: slot) }
    }
}
