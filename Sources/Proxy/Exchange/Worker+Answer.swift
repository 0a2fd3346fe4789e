import CLinux
import EventLoop
import HTTP

/// What became of received answer bytes.
enum AnswerStep {
    /// This many bytes were used; the rest stays until more come.
    case used(Int)
    /// The exchange has left the upstream connection, or ended.
    case over
}

extension Worker {
    /// Interim answers passed on per request.
    private static let mostInterims = 16

    /// Reads the answer and passes it on as far as the client takes it.
    mutating func readAnswer(_ slot: Int32) {
        let upstream = up[slot]
        let generation = upstream.pointee.generation
        var left = Self.turnBytes
        while upstream.pointee.generation == generation, upstream.pointee.phase == .busy {
            let exchangeSlot = upstream.pointee.exchange
            guard exchangeSlot >= 0 else { return }
            let exchange = exchanges[exchangeSlot]
            guard exchange.pointee.answer != .tunnel,
                upstream.pointee.flags.contains(.readable) || hasPiped(exchangeSlot)
            else { return }
            guard down[exchange.pointee.downstream].pointee.output.isEmpty else { return }
            if left <= 0 {
                queueUpstream(slot)
                return
            }
            if splices(exchange) {
                let moved = spliceAnswer(exchangeSlot)
                if moved <= 0 { return }
                left &-= moved
                continue
            }
            let count = receiveAnswer(slot)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                answerEnded(slot, count)
                return
            }
            left &-= count
        }
    }

    /// Receives once and handles the bytes.
    ///
    /// Returns what recv returned.
    private mutating func receiveAnswer(_ slot: Int32) -> Int {
        let upstream = up[slot]
        let generation = upstream.pointee.generation
        if upstream.pointee.input.isEmpty {
            let count = receive(upstream, readBase, Self.readSize)
            guard count > 0 else { return count }
            let step = takeAnswer(slot, readBase, count, spare: Self.headroom)
            if case .used(let used) = step, used < count {
                buffers.append(readBase + used, count &- used, to: &upstream.pointee.input)
            }
            return count
        }
        buffers.reserve(2048, in: &upstream.pointee.input)
        guard let tail = upstream.pointee.input.tail else { return Int(-EAGAIN) }
        let count = receive(upstream, tail, upstream.pointee.input.room)
        guard count > 0 else { return count }
        upstream.pointee.input.end &+= UInt32(truncatingIfNeeded: count)
        guard let bytes = upstream.pointee.input.head else { return count }
        let step = takeAnswer(slot, bytes, upstream.pointee.input.count, spare: 0)
        if case .used(let used) = step, upstream.pointee.generation == generation {
            buffers.consume(used, from: &upstream.pointee.input)
        }
        return count
    }

    /// Receives once; edge-triggered readiness ends with a short read unless the server has ended.
    mutating func receive(
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ memory: UnsafeMutableRawPointer,
        _ room: Int
    ) -> Int {
        if upstream.pointee.secure.isOn { return receiveSecure(upstream, memory, room) }
        let count = weir_recv(upstream.pointee.descriptor, memory, room)
        if count == Int(-EAGAIN)
            || (count > 0 && count < room
                && upstream.pointee.flags.isDisjoint(with: [.finished, .broken]))
        {
            upstream.pointee.flags.remove(.readable)
        }
        return count
    }

    // MARK: Heads

    private mutating func takeAnswer(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int,
        spare: Int
    ) -> AnswerStep {
        let upstream = up[slot]
        let exchangeSlot = upstream.pointee.exchange
        let exchange = exchanges[exchangeSlot]
        var offset = 0
        out.removeAll()
        while exchange.pointee.answer == .head {
            let span = RawSpan(_unsafeStart: bytes + offset, byteCount: count &- offset)
            let head: ResponseHead?
            do throws(HeadError) {
                head = try upstream.pointee.parser.parse(
                    span,
                    into: &fields,
                    limits: headLimits
                )
            } catch {
                retryOrFail(exchangeSlot, .badAnswer)
                return .over
            }
            guard let head else { return .used(offset) }
            let source = UnsafeRawPointer(bytes + offset)
            offset &+= head.headSize
            if head.status == 101 {
                return beginTunnel(exchangeSlot, head, source, bytes + offset, count &- offset)
                    ? .used(count) : .over
            }
            if head.status < 200 {
                guard passInterim(exchangeSlot, head, source) else { return .over }
                continue
            }
            if retriesAnswer(exchangeSlot, head, source) { return .over }
            if opensTunnel(exchange, status: Int(head.status)) {
                refuseTunnel(exchangeSlot, head)
                return .over
            }
            guard beginAnswer(exchange, upstream, head, source) else {
                fail(exchangeSlot, .badAnswer)
                return .over
            }
        }
        return takeAnswerBody(slot, bytes, count, offset, spare: spare + offset)
    }

    /// Passes an interim answer on, unless the client speaks HTTP/1.0.
    ///
    /// False if the exchange ended.
    mutating func passInterim(
        _ slot: Int32,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) -> Bool {
        let exchange = exchanges[slot]
        exchange.pointee.interims &+= 1
        if exchange.pointee.flags.contains(.http10) {
            guard exchange.pointee.interims <= 1000 else {
                retryOrFail(slot, .badAnswer)
                return false
            }
            return true
        }
        guard exchange.pointee.interims <= Self.mostInterims else {
            fail(slot, .badAnswer)
            return false
        }
        out.removeAll()
        AnswerHeadWriter(source: source, head: head)
            .writeInterim(
                fields: fields,
                isUpgrade: false,
                stickyLine: UnsafeRawBufferPointer(start: nil, count: 0),
                to: &out
            )
        if out.overflowed {
            fail(slot, .badAnswer)
            return false
        }
        exchange.pointee.flags.insert(.interimSent)
        guard
            deliver(exchange.pointee.downstream, head: out.start, out.count, body: nil, 0)
        else {
            abort(slot, .clientAborted)
            return false
        }
        exchange.pointee.bytesOut &+= UInt64(out.count)
        out.removeAll()
        return true
    }

    /// Writes the final head to `out` and prepares for the body; false if the route's changes
    /// make the head too large.
    mutating func beginAnswer(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer
    ) -> Bool {
        let framing = head.framing(for: exchange.pointee.method)
        var written = AnswerHeadWriter.Framing.asReceived
        let isOld = exchange.pointee.flags.contains(.http10)
        if framing == .chunked { exchange.pointee.flags.insert(.chunkedAnswer) }
        switch framing {
        case .none, .length: break
        case _ where down[exchange.pointee.downstream].isOfStream: break
        case .chunked where !isOld, .untilClose where !isOld:
            written = .chunked
            exchange.pointee.flags.insert(.chunkedDown)
        case .chunked, .untilClose:
            written = .close
            exchange.pointee.flags.insert(.endsWithClose)
            exchange.pointee.flags.remove(.keepAlive)
        }
        // A refusal of a request that is still coming ends the connection; whoever answers such a
        // request well may be reading on.
        let isEarly = !exchange.pointee.flags.contains(.requestComplete)
        // One that waits for a 100 may never send its body: what comes next would pass for it.
        let isUnsent =
            exchange.pointee.flags.contains(.expectsContinue) && exchange.pointee.bodyReceived == 0
        if isEnding(down[exchange.pointee.downstream])
            || (isEarly && (head.status >= 300 || isUnsent))
        {
            exchange.pointee.flags.remove(.keepAlive)
        }
        pauseBodyTime(exchange)
        let keepAlive = exchange.pointee.flags.contains(.keepAlive)
        let isEdited = exchange.pointee.flags.contains(.editsAnswer)
        let stickyLine = stickyLine(exchange)
        AnswerHeadWriter(source: source, head: head).write(
            fields: fields,
            framing: written,
            connection: keepAlive ? (isOld ? "keep-alive" : "") : "close",
            stickyLine: isEdited ? UnsafeRawBufferPointer(start: nil, count: 0) : stickyLine,
            received: now,
            dates: &accessLog.dates,
            to: &out
        )
        if isEdited, !editAnswer(exchange, lastLine: stickyLine) { return false }
        exchange.pointee.status = head.status
        exchange.pointee.answer = .body
        endBodyTime(exchange)
        exchange.pointee.answerBody = BodyDecoder(framing)
        tellAnswer(exchange, head, source)
        exchange.pointee.serverTimeout = head.keepAliveTimeout ?? UInt32.max
        if framing == .untilClose || !head.keepAlive {
            upstream.pointee.flags.insert(.closesAfterAnswer)
        }
        if exchange.pointee.firstByte == .never { exchange.pointee.firstByte = now }
        return true
    }

    /// `timeouts.body` ends; what the client still owes is watched by `stream`.
    private mutating func endBodyTime(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.bodyPace.isRunning else { return }
        exchange.pointee.bodyPace.paused(at: now)
        setDeadline(downstream: exchange.pointee.downstream, .never)
    }

    // MARK: Ends

    /// The server sent no more: the answer is complete by it, or broken.
    private mutating func answerEnded(_ slot: Int32, _ result: Int) {
        let upstream = up[slot]
        let exchangeSlot = upstream.pointee.exchange
        let exchange = exchanges[exchangeSlot]
        if exchange.pointee.answer == .body {
            if result == 0, exchange.pointee.answerBody.closed() {
                endWithConnection(slot)
            } else {
                fail(exchangeSlot, .upstreamReset)
            }
            return
        }
        if !upstream.pointee.input.isEmpty || exchange.pointee.interims > 0 {
            retryOrFail(exchangeSlot, .reset)
            return
        }
        retryOrFail(exchangeSlot, wasUnseen(upstream, result) ? .closedUnseen : .reset)
    }

    /// The answer was complete when the server closed the connection.
    private mutating func endWithConnection(_ slot: Int32) {
        let exchangeSlot = up[slot].pointee.exchange
        let exchange = exchanges[exchangeSlot]
        up[slot].pointee.flags.insert(.closesAfterAnswer)
        if exchange.pointee.flags.contains(.chunkedDown) {
            out.removeAll()
            out.append("0\r\n\r\n")
            let downSlot = exchange.pointee.downstream
            guard deliver(downSlot, head: out.start, out.count, body: nil, 0) else {
                abort(exchangeSlot, .clientAborted)
                return
            }
            exchange.pointee.bytesOut &+= UInt64(out.count)
        }
        answerComplete(exchangeSlot)
    }

    /// Whether the server ended the connection before it received a byte of the request: nothing
    /// could be sent, or its end came without an acknowledgement of anything that was.
    ///
    /// A reset proves nothing, since it may overtake the acknowledgement of bytes that were read.
    private mutating func wasUnseen(_ upstream: UnsafeMutablePointer<Upstream>, _ result: Int)
        -> Bool
    {
        if upstream.pointee.sent == upstream.pointee.sentBefore { return true }
        // A failed send has taken the reset's error with it, and what is read then is an end.
        guard result == 0, !upstream.pointee.flags.contains(.sendFailed) else { return false }
        let acknowledged = weir_bytes_acknowledged(upstream.pointee.descriptor)
        // The handshake's SYN counts as the first byte.
        return acknowledged > 0 && UInt64(acknowledged &- 1) <= upstream.pointee.sentBefore
    }

    /// The answer has been passed on whole: the upstream connection is free again.
    mutating func answerComplete(_ slot: Int32) {
        let exchange = exchanges[slot]
        exchange.pointee.answer = .complete
        if exchange.pointee.trace.isExported {
            recordTry(exchange, .ok, status: exchange.pointee.status)
        }
        endTry(exchange)
        leavePool(exchange)
        releasePipe(exchange)
        let upstreamSlot = exchange.pointee.upstream
        let upstream = up[upstreamSlot]
        let isClean =
            exchange.pointee.flags.contains(.requestComplete)
            && exchange.pointee.requestSent == exchange.pointee.request.end
            && upstream.pointee.flags.isDisjoint(
                with: [.closesAfterAnswer, .sendFailed, .finished, .broken])
            && (!upstream.pointee.secure.isOn || upstream.pointee.output.isEmpty)
            && isDrained(upstream)
        exchange.pointee.upstream = -1
        upstream.pointee.exchange = -1
        if isClean {
            let timeout = exchange.pointee.serverTimeout
            keepIdle(upstreamSlot, timeout: timeout == UInt32.max ? nil : timeout)
        } else {
            closeUpstream(upstreamSlot)
        }
        if down[exchange.pointee.downstream].pointee.output.isEmpty { finish(slot) }
    }

    /// Whether nothing has come behind the answer.
    ///
    /// Where a full read or a pipe has not found out, nobody would be told of bytes that are there
    /// already.
    private mutating func isDrained(_ upstream: UnsafeMutablePointer<Upstream>) -> Bool {
        guard upstream.pointee.flags.contains(.readable) else { return true }
        return receive(upstream, scratch, 1) == Int(-EAGAIN)
    }

    /// The client takes bytes again: the answer goes on.
    mutating func clientTakesAgain(_ slot: Int32) {
        let exchange = exchanges[slot]
        if exchange.pointee.answer == .tunnel {
            pumpTunnel(slot)
            return
        }
        guard exchange.pointee.upstream >= 0 else { return }
        let wait =
            exchange.pointee.answer == .body ? route(exchange).pointee.stream : Int64.max
        if wait != Int64.max {
            let deadline = min(now + wait, exchange.pointee.deadline)
            setDeadline(upstream: exchange.pointee.upstream, deadline)
        }
        if up[exchange.pointee.upstream].isOfStream {
            pumpServerStream(exchange.pointee.upstream)
        } else {
            readAnswer(exchange.pointee.upstream)
        }
    }
}
