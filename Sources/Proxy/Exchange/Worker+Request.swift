import CLinux
import EventLoop
import HTTP

extension Worker {
    // MARK: Sending

    /// Sends what of the request has not been sent; on its upstream connection, which is open.
    mutating func sendRequest(_ slot: Int32) {
        guard sendPending(slot) else { return }
        let exchange = exchanges[slot]
        if exchange.pointee.flags.contains(.requestComplete) {
            awaitAnswer(slot)
        } else {
            pumpRequestBody(slot)
        }
    }

    /// Sends pending request bytes.
    ///
    /// True if all have left.
    private mutating func sendPending(_ slot: Int32) -> Bool {
        let exchange = exchanges[slot]
        let pending = Int(exchange.pointee.request.end &- exchange.pointee.requestSent)
        guard pending > 0, let base = exchange.pointee.request.base else { return true }
        let sent = sendUpstream(exchange, base + Int(exchange.pointee.requestSent), pending)
        if sent < 0 { return false }
        exchange.pointee.requestSent &+= UInt32(truncatingIfNeeded: sent)
        if sent < pending {
            awaitRoom(slot)
            return false
        }
        forgetSent(exchange)
        return true
    }

    /// Sends bytes upstream and returns how many left; -1 if sending failed, after which only an
    /// early answer can still come.
    private mutating func sendUpstream(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Int {
        let slot = exchange.pointee.upstream
        let upstream = up[slot]
        if upstream.pointee.transport == .plain {
            let sent = weir_send(upstream.pointee.descriptor, bytes, count)
            if sent >= 0 {
                upstream.pointee.sent &+= UInt64(sent)
                return sent
            }
            if sent == Int(-EAGAIN) { return 0 }
        } else {
            let sent = sendWrapped(exchange, upstream, bytes, count)
            if sent >= 0 { return sent }
        }
        upstream.pointee.flags.insert([.sendFailed, .readable, .broken])
        exchange.pointee.flags.insert(.requestDropped)
        // By the ready list, so that whoever is calling finishes first.
        queueUpstream(slot)
        return -1
    }

    /// Sends bytes as ciphertext or in frames; -1 if that failed.
    private mutating func sendWrapped(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Int {
        upstream.isOfStream
            ? sendOnStream(exchange, bytes, count) : sendSecure(upstream, bytes, count)
    }

    /// A request that will not be sent again keeps only its head.
    private mutating func forgetSent(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard !exchange.pointee.flags.contains(.resendable) else { return }
        exchange.pointee.request.end = exchange.pointee.headEnd
        exchange.pointee.requestSent = exchange.pointee.headEnd
    }

    /// The request has left: from now on the answer is awaited.
    private mutating func awaitAnswer(_ slot: Int32) {
        let exchange = exchanges[slot]
        let deadline =
            exchange.pointee.answer == .head
            ? headDeadline(exchange)
            : min(now + route(exchange).pointee.stream, exchange.pointee.deadline)
        setDeadline(upstream: exchange.pointee.upstream, deadline)
        pauseBodyTime(exchange)
    }

    /// Until when the answer's head has to come, if the request leaves now.
    private mutating func headDeadline(_ exchange: UnsafeMutablePointer<Exchange>) -> Instant {
        let entry = route(exchange)
        return min(
            min(now + entry.pointee.response, exchange.pointee.deadline),
            min(
                exchange.pointee.tryBegan + entry.pointee.tryTimeout,
                exchange.pointee.triesDeadline
            )
        )
    }

    /// The client's body is not timed any more, or not at present.
    mutating func pauseBodyTime(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.bodyPace.isRunning else { return }
        exchange.pointee.bodyPace.paused(at: now)
        clearBodyDeadline(exchange)
    }

    private mutating func clearBodyDeadline(_ exchange: UnsafeMutablePointer<Exchange>) {
        let slot = exchange.pointee.downstream
        if down[slot].pointee.output.isEmpty { setDeadline(downstream: slot, .never) }
    }

    /// The server does not take more at present: the client is not read until it does.
    private mutating func awaitRoom(_ slot: Int32) {
        let exchange = exchanges[slot]
        exchange.pointee.bodyPace.paused(at: now)
        clearBodyDeadline(exchange)
        let entry = route(exchange)
        let wait = min(entry.pointee.response, entry.pointee.tryTimeout)
        setDeadline(upstream: exchange.pointee.upstream, min(now + wait, exchange.pointee.deadline))
    }

    /// The server takes bytes again.
    mutating func upstreamTakesAgain(_ slot: Int32) {
        let exchange = exchanges[slot]
        guard !exchange.pointee.flags.contains(.requestDropped) else { return }
        let isPending = exchange.pointee.request.end > exchange.pointee.requestSent
        if isPending || !exchange.pointee.flags.contains(.requestComplete) { sendRequest(slot) }
    }

    // MARK: Reading the body

    /// Passes on the request's body as far as both sides allow.
    mutating func pumpRequestBody(_ slot: Int32) {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        guard !exchange.pointee.flags.contains(.requestComplete), beginning != downSlot else {
            return
        }
        let generation = exchange.pointee.generation
        var left = Self.turnBytes
        var isMoving = !exchange.pointee.bodyPace.isRunning
        while canTakeBody(exchange) {
            if left <= 0 {
                queueDownstream(downSlot)
                return
            }
            let moved = readBody(slot)
            guard moved > 0, exchanges.find(slot, generation: generation) != nil else { break }
            left &-= moved
            isMoving = true
        }
        guard exchanges.find(slot, generation: generation) != nil else { return }
        // Records of TLS without content are no sign of life.
        if isMoving, canTakeBody(exchange) { awaitBody(exchange) }
    }

    /// Whether more of the body is wanted now.
    private mutating func canTakeBody(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        guard
            exchange.pointee.flags.isDisjoint(with: [.requestComplete, .requestDropped]),
            exchange.pointee.upstream >= 0
        else { return false }
        return up[exchange.pointee.upstream].pointee.phase == .busy
            && exchange.pointee.requestSent == exchange.pointee.request.end
    }

    /// The client owes body bytes: from now on it is timed.
    private mutating func awaitBody(_ exchange: UnsafeMutablePointer<Exchange>) {
        let slot = exchange.pointee.downstream
        if exchange.pointee.answer == .head {
            exchange.pointee.bodyPace.began(at: now)
            setDeadline(downstream: slot, min(now + limits.body, exchange.pointee.deadline))
            setDeadline(upstream: exchange.pointee.upstream, exchange.pointee.deadline)
        } else {
            let wait = now + route(exchange).pointee.stream
            setDeadline(
                upstream: exchange.pointee.upstream,
                min(wait, exchange.pointee.deadline)
            )
        }
    }

    /// Passes on one stretch of the body.
    ///
    /// Returns the bytes read, 0 if there are none now or the exchange has ended.
    private mutating func readBody(_ slot: Int32) -> Int {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        let downstream = down[downSlot]
        let waiting = downstream.pointee.input.count
        if let bytes = downstream.pointee.input.head {
            let used = takeBody(slot, bytes, waiting)
            if used < 0 { return 0 }
            buffers.consume(used, from: &downstream.pointee.input)
            if downstream.isOfStream { creditBody(downstream) }
            if used > 0 { return used }
        }
        guard downstream.pointee.flags.contains(.readable) else { return 0 }
        if waiting > 0 {
            // The rest of a chunk line or trailer section is what is missing.
            buffers.reserve(1024, in: &downstream.pointee.input)
            guard let tail = downstream.pointee.input.tail else { return 0 }
            let count = receive(downstream, tail, downstream.pointee.input.room)
            guard count > 0 else { return bodyEnded(slot, count) }
            exchange.pointee.bodyPace.moved(count, at: now)
            downstream.pointee.input.end &+= UInt32(truncatingIfNeeded: count)
            return count
        }
        let count = receive(downstream, readBase, Self.readSize)
        guard count > 0 else { return bodyEnded(slot, count) }
        exchange.pointee.bodyPace.moved(count, at: now)
        let used = takeBody(slot, readBase, count)
        if used < 0 { return 0 }
        if used < count {
            buffers.append(readBase + used, count &- used, to: &downstream.pointee.input)
        }
        if exchange.pointee.bodyPace.isTooSlow(at: now) {
            fail(slot, .bodyTimeout)
            return 0
        }
        return count
    }

    /// The client sent no more: 0, after ending the exchange if the client has left.
    private mutating func bodyEnded(_ slot: Int32, _ result: Int) -> Int {
        if result != Int(-EAGAIN) { abort(slot, .clientAborted) }
        return 0
    }

    /// Decodes and sends body bytes.
    ///
    /// Returns how many were used, -1 if the exchange has ended.
    private mutating func takeBody(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        let exchange = exchanges[slot]
        let used: Int
        if !exchange.pointee.flags.contains(.resendable),
            let remaining = exchange.pointee.requestBody.remaining
        {
            used = passBody(exchange, bytes, min(count, Int(clamping: remaining)))
        } else {
            used = decodeBody(exchange, bytes, count, 0)
            limitKept(exchange)
        }
        guard used >= 0 else {
            let (outcome, reason) = Self.refusal(used)
            fail(slot, outcome, because: reason)
            return -1
        }
        // The client's own slowness is not the endpoint's.
        if exchange.pointee.flags.contains(.requestComplete) {
            exchange.pointee.tryBegan = now
            timeTries(exchange)
        }
        let generation = exchange.pointee.generation
        if !exchange.pointee.flags.contains(.requestDropped), sendPending(slot),
            exchange.pointee.flags.contains(.requestComplete)
        {
            awaitAnswer(slot)
        }
        return exchanges.find(slot, generation: generation) == nil ? -1 : used
    }

    /// Sends a stretch of a body of known length straight from where it was received.
    private mutating func passBody(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        exchange.pointee.requestBody.consumed(UInt64(count))
        exchange.pointee.bytesIn &+= UInt64(count)
        exchange.pointee.bodyReceived &+= UInt64(count)
        if exchange.pointee.requestBody.isComplete {
            exchange.pointee.flags.insert(.requestComplete)
        }
        let sent = sendUpstream(exchange, bytes, count)
        if sent >= 0, sent < count {
            appendRequest(exchange, bytes + sent, count &- sent)
        }
        return count
    }
}
