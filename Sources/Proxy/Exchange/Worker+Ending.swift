import CLinux
import EventLoop
import HTTP

extension Worker {
    /// The answer is complete and has left: the exchange ends well.
    mutating func finish(_ slot: Int32) {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        let downstream = down[downSlot]
        let keepAlive = exchange.pointee.flags.contains(.keepAlive)
        let isRequestRead = exchange.pointee.flags.contains(.requestComplete)
        let requestBody = exchange.pointee.requestBody
        end(slot, exchange.pointee.outcome)
        downstream.pointee.exchange = -1
        if keepAlive, !isRequestRead {
            discard(downSlot, requestBody)
            return
        }
        goOn(downSlot, keepAlive: keepAlive, isRequestRead: isRequestRead)
    }

    /// Has the rest of a request's body, which nobody wants any more, read past.
    mutating func discard(_ slot: Int32, _ body: BodyDecoder) {
        let downstream = down[slot]
        if downstream.isOfStream {
            finishStream(slot)
            return
        }
        downstream.pointee.phase = .discarding
        downstream.pointee.dropped = 0
        downstream.pointee.discarded = body
        setDeadline(downstream: slot, now + limits.body)
        if beginning != slot { queueDownstream(slot) }
    }

    /// After an answer: the connection waits for the next request, or closes.
    mutating func goOn(_ slot: Int32, keepAlive: Bool, isRequestRead: Bool) {
        let downstream = down[slot]
        downstream.pointee.phase = .idle
        guard keepAlive else {
            downstream.pointee.flags.insert(.closesAfterOutput)
            // Closing over bytes that were not read would reset the connection and could take
            // the answer along.
            let mayStillSend =
                !isRequestRead || !downstream.pointee.input.isEmpty
                || downstream.pointee.flags.contains(.readable)
            if mayStillSend { downstream.pointee.flags.insert(.lingers) }
            if downstream.pointee.output.isEmpty { finishDownstream(slot) }
            return
        }
        becomeIdle(slot, downstream)
        guard beginning != slot else { return }
        if !downstream.pointee.input.isEmpty
            || !downstream.pointee.flags.isDisjoint(with: [.readable, .broken])
        {
            queueDownstream(slot)
        }
    }

    /// The exchange cannot succeed: the client gets an answer that says so, or, where a head has
    /// gone already, a connection that visibly breaks off.
    ///
    /// `reason`: a sentence in place of the outcome's own.
    mutating func fail(_ slot: Int32, _ outcome: Outcome, because reason: StaticString? = nil) {
        let exchange = exchanges[slot]
        if exchange.pointee.flags.contains(.answerBegun) || exchange.pointee.answer == .tunnel {
            abort(slot, outcome)
            return
        }
        if isCall(exchange) {
            failCall(slot, outcome)
            return
        }
        let isHead = exchange.pointee.method == .head
        sendOwnAnswer(slot, outcome, status: outcome.status) { worker, connection in
            let id = worker.writtenID(worker.exchanges[slot])
            worker.writeOwnAnswer(
                outcome,
                id: id,
                isHead: isHead,
                connection: connection,
                because: reason
            )
            return []
        }
    }

    /// Ends the exchange with an answer of Weir's own: `write` puts its head into ``out``, given
    /// what Connection is to say, and returns its body.
    mutating func sendOwnAnswer(
        _ slot: Int32,
        _ outcome: Outcome,
        status: Int,
        _ write: (inout Worker, StaticString) -> [UInt8]
    ) {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        let isRequestRead = exchange.pointee.flags.contains(.requestComplete)
        let keepAlive =
            exchange.pointee.flags.contains(.keepAlive) && isRequestRead
            && !isEnding(down[downSlot])
        exchange.pointee.status = UInt16(truncatingIfNeeded: status)
        out.removeAll()
        let isOld = exchange.pointee.flags.contains(.http10)
        var body = write(&self, keepAlive ? (isOld ? "keep-alive" : "") : "close")
        if exchange.pointee.flags.contains(.editsAnswer) {
            _ = editAnswer(exchange, lastLine: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        exchange.pointee.bytesOut &+= UInt64(out.count &+ body.count)
        countLocalResponse(outcome)
        let head = out
        let isSent =
            !head.overflowed
            && body.withUnsafeMutableBytes { bytes in
                deliver(
                    downSlot,
                    head: head.start,
                    head.count,
                    body: bytes.baseAddress,
                    bytes.count
                )
            }
        end(slot, isSent ? outcome : .clientAborted)
        down[downSlot].pointee.exchange = -1
        if isSent {
            goOn(downSlot, keepAlive: keepAlive, isRequestRead: isRequestRead)
        } else {
            closeDownstream(downSlot)
        }
    }

    /// Ends the exchange and the client's connection at once.
    mutating func abort(_ slot: Int32, _ outcome: Outcome) {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        let endsWithClose =
            exchange.pointee.flags.contains(.endsWithClose)
            && exchange.pointee.answer != .complete
        // What waits for the client never leaves.
        let unsent = UInt64(down[downSlot].pointee.output.count)
        exchange.pointee.bytesOut &-= min(unsent, exchange.pointee.bytesOut)
        end(slot, outcome)
        down[downSlot].pointee.exchange = -1
        // Where the connection's end would look like the answer's, a reset tells them apart.
        if endsWithClose { weir_set_reset_on_close(down[downSlot].pointee.descriptor) }
        closeDownstream(downSlot)
    }

    /// Logs the exchange, lets go of its upstream connection and frees its slot.
    private mutating func end(_ slot: Int32, _ outcome: Outcome) {
        let exchange = exchanges[slot]
        exchange.pointee.outcome = outcome
        if exchange.pointee.flags.contains(.counted) {
            if exchange.pointee.trace.isExported {
                let hasAnswered = exchange.pointee.flags.contains(.answerBegun)
                recordTry(exchange, outcome, status: hasAnswered ? exchange.pointee.status : 0)
            }
            tellEnd(exchange, outcome)
            endTry(exchange)
        }
        if exchange.pointee.wait != .none { stopWaiting(slot) }
        leavePool(exchange)
        if exchange.pointee.upstream >= 0 { closeUpstream(exchange.pointee.upstream) }
        releasePipe(exchange)
        count(exchange, outcome)
        if accessLog.isOn, !exchange.pointee.flags.contains(.unlogged) { log(exchange) }
        if exchange.pointee.trace.isExported { recordRequest(exchange, outcome) }
        buffers.give(&exchange.pointee.request)
        exchanges.free(slot)
    }
}
