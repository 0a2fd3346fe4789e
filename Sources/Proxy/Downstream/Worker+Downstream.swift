import CLinux
import EventLoop
import HTTP

extension Worker {
    // MARK: Events

    /// The kernel reports something about a client's connection.
    mutating func downstreamEvent(_ slot: Int32, _ readiness: Readiness) {
        let downstream = down[slot]
        if !readiness.isDisjoint(with: [.readable, .peerFinished, .ended, .failed]) {
            downstream.pointee.flags.insert(.readable)
        }
        if readiness.contains(.peerFinished) { downstream.pointee.flags.insert(.finished) }
        if !readiness.isDisjoint(with: [.ended, .failed]) {
            downstream.pointee.flags.insert(.broken)
        }
        // A tunnel sends what waits by itself, under its own time limit.
        if readiness.contains(.writable), downstream.pointee.phase != .tunnel {
            if !downstream.pointee.output.isEmpty {
                guard flushDownstream(slot) else { return }
            } else if downstream.pointee.exchange >= 0, hasPiped(downstream.pointee.exchange) {
                let generation = downstream.pointee.generation
                clientTakesAgain(downstream.pointee.exchange)
                guard down.find(slot, generation: generation) != nil else { return }
            }
        }
        progressDownstream(slot)
    }

    /// Does what the connection's phase allows now.
    mutating func progressDownstream(_ slot: Int32) {
        let downstream = down[slot]
        switch downstream.pointee.phase {
        case .header: readProxyHeader(slot)
        case .handshake: pumpHandshake(slot)
        case .idle, .head: readRequests(slot)
        case .busy:
            if downstream.pointee.flags.contains(.broken) {
                abort(downstream.pointee.exchange, .clientAborted)
            } else if hasLeftQueue(downstream) {
                abort(downstream.pointee.exchange, .clientAborted)
            } else {
                pumpRequestBody(downstream.pointee.exchange)
            }
        case .carrier: readFrames(slot)
        case .tunnel: pumpTunnel(downstream.pointee.exchange)
        case .discarding: discardBody(slot)
        case .lingering: drop(slot)
        }
    }

    // MARK: Reading requests

    /// Reads and begins requests until nothing more can be done now.
    mutating func readRequests(_ slot: Int32) {
        let downstream = down[slot]
        let generation = downstream.pointee.generation
        var left = Self.turnRequests
        while downstream.pointee.generation == generation,
            downstream.pointee.phase == .idle || downstream.pointee.phase == .head,
            downstream.pointee.output.isEmpty
        {
            if left == 0 {
                queueDownstream(slot)
                return
            }
            if downstream.pointee.flags.contains(.closesAfterOutput) {
                finishDownstream(slot)
                return
            }
            beginning = slot
            let goesOn = readRequest(slot, downstream)
            beginning = -1
            guard goesOn else { break }
            left &-= 1
        }
        guard downstream.pointee.generation == generation else { return }
        if downstream.pointee.phase == .busy {
            pumpRequestBody(downstream.pointee.exchange)
        } else if downstream.pointee.phase == .discarding {
            discardBody(slot)
        }
    }

    /// Begins the next request, from bytes that are there or from what the kernel has; false if
    /// the connection has to wait or is closed.
    private mutating func readRequest(
        _ slot: Int32,
        _ downstream: UnsafeMutablePointer<Downstream>
    ) -> Bool {
        let generation = downstream.pointee.generation
        if let bytes = downstream.pointee.input.head {
            let count = downstream.pointee.input.count
            let used = parseRequest(slot, bytes, count)
            if used < 0 || downstream.pointee.generation != generation { return false }
            if used > 0 {
                buffers.consume(used, from: &downstream.pointee.input)
                return true
            }
        }
        guard downstream.pointee.flags.contains(.readable) else {
            waitForRequest(slot, downstream)
            return false
        }
        if downstream.pointee.input.isEmpty {
            let bytes = readBase
            let count = receive(downstream, bytes, Self.readSize)
            guard count > 0 else { return endOfInput(slot, count) }
            let used = parseRequest(slot, bytes, count)
            if used < 0 || downstream.pointee.generation != generation { return false }
            if used < count {
                buffers.append(bytes + used, count &- used, to: &downstream.pointee.input)
            }
            return true
        }
        buffers.reserve(1024, in: &downstream.pointee.input)
        guard let tail = downstream.pointee.input.tail else { return false }
        let count = receive(downstream, tail, downstream.pointee.input.room)
        guard count > 0 else { return endOfInput(slot, count) }
        downstream.pointee.input.end &+= UInt32(truncatingIfNeeded: count)
        return true
    }

    /// Receives once; edge-triggered readiness ends with a short read unless the client has ended.
    mutating func receive(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ memory: UnsafeMutableRawPointer,
        _ room: Int
    ) -> Int {
        if downstream.pointee.secure.isOn { return receiveSecure(downstream, memory, room) }
        if downstream.isOfStream { return receiveOfStream(downstream) }
        let count = weir_recv(downstream.pointee.descriptor, memory, room)
        if count == Int(-EAGAIN)
            || (count > 0 && count < room
                && downstream.pointee.flags.isDisjoint(with: [.finished, .broken]))
        {
            downstream.pointee.flags.remove(.readable)
        }
        return count
    }

    /// Nothing came: the connection waits, or it has ended and is closed.
    ///
    /// Always false.
    private mutating func endOfInput(_ slot: Int32, _ result: Int) -> Bool {
        if result == Int(-EAGAIN) {
            waitForRequest(slot, down[slot])
        } else {
            closeDownstream(slot)
        }
        return false
    }

    private mutating func waitForRequest(
        _ slot: Int32,
        _ downstream: UnsafeMutablePointer<Downstream>
    ) {
        if downstream.pointee.input.isEmpty {
            if downstream.pointee.phase != .idle { becomeIdle(slot, downstream) }
        } else if downstream.pointee.phase == .idle {
            downstream.pointee.phase = .head
            unlistIdle(slot)
            setDeadline(downstream: slot, now + limits.head)
        }
    }

    /// Parses a head and begins its request.
    ///
    /// Returns the bytes used, 0 if more are needed, -1 if the connection is closed or lingers.
    mutating func parseRequest(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        let downstream = down[slot]
        if downstream.pointee.served == 0, !downstream.isOfStream,
            snapshot.listeners[Int(downstream.pointee.listener)].speaksHTTP2InClear
        {
            switch beginsWithPreface(bytes, count) {
            case true?:
                unlistIdle(slot)
                beginCleartext(slot, bytes, count)
                return -1
            case nil: return 0
            case false?: break
            }
        }
        let span = RawSpan(_unsafeStart: bytes, byteCount: count)
        var request = ReceivedRequest(bytes: bytes, count: count)
        do throws(HeadError) {
            let limits = downstream.isOfStream ? headLimits.ofBuiltText : headLimits
            let isComplete = try downstream.pointee.parser.parse(
                span,
                into: &fields,
                head: &request.head,
                limits: limits
            )
            guard isComplete else { return 0 }
        } catch {
            if isBrokenPreface(slot, bytes, count) {
                unlistIdle(slot)
                beginCleartext(slot, bytes, count)
            } else {
                refuseHead(slot, error, bytes, count)
            }
            return -1
        }
        unlistIdle(slot)
        return beginRequest(slot, &request)
    }

    /// Whether a request begins with the method HEAD, whatever is wrong behind it: its answer has
    /// no body (RFC 9110 §9.3.2).
    static func asksForHead(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        let text = UnsafeRawBufferPointer(start: bytes, count: count)
        let start = text.firstIndex { $0 != 0x0d && $0 != 0x0a } ?? count
        let name: StaticString = "HEAD "
        let size = name.utf8CodeUnitCount
        guard count &- start >= size else { return false }
        return (0..<size).allSatisfy { text[start &+ $0] == name.utf8Start[$0] }
    }

    // MARK: Writing

    /// Sends bytes to the client, in front of which `spare` bytes of memory may be overwritten.
    ///
    /// What the kernel does not take waits in a buffer. False if the client is gone.
    mutating func deliver(
        _ slot: Int32,
        head: UnsafeRawPointer,
        _ headCount: Int,
        body: UnsafeMutableRawPointer?,
        _ bodyCount: Int,
        spare: Int = 0
    ) -> Bool {
        let downstream = down[slot]
        if downstream.isOfStream {
            return deliverStream(slot, head, headCount, body, bodyCount)
        }
        if downstream.pointee.secure.isOn {
            return deliverSecure(slot, head, headCount, body, bodyCount, spare: spare)
        }
        guard downstream.pointee.output.isEmpty else {
            buffers.append(head, headCount, to: &downstream.pointee.output)
            if let body { buffers.append(body, bodyCount, to: &downstream.pointee.output) }
            return true
        }
        let fd = downstream.pointee.descriptor
        var sent: Int
        if let body, bodyCount > 0, headCount == 0 {
            sent = weir_send(fd, body, bodyCount)
        } else if let body, bodyCount > 0, headCount <= spare {
            let start = body - headCount
            start.copyMemory(from: head, byteCount: headCount)
            sent = weir_send(fd, start, headCount &+ bodyCount)
        } else if let body, bodyCount > 0 {
            sent = weir_send2(fd, head, headCount, body, bodyCount)
        } else {
            sent = weir_send(fd, head, headCount)
        }
        if sent < 0 {
            guard sent == Int(-EAGAIN) else { return false }
            sent = 0
        }
        if sent < headCount {
            buffers.append(head + sent, headCount &- sent, to: &downstream.pointee.output)
            sent = headCount
        }
        if let body, sent < headCount &+ bodyCount {
            let gone = sent &- headCount
            buffers.append(body + gone, bodyCount &- gone, to: &downstream.pointee.output)
        }
        if !downstream.pointee.output.isEmpty {
            awaitClient(slot)
        }
        return true
    }

    /// Sends what waits; false if the connection is closed by now.
    mutating func flushDownstream(_ slot: Int32) -> Bool {
        let downstream = down[slot]
        let isLast = endsWithOutput(downstream)
        if isLast, downstream.pointee.secure.isOn { queueCloseNotify(downstream) }
        guard let bytes = downstream.pointee.output.head else { return true }
        let count = downstream.pointee.output.count
        let fd = downstream.pointee.descriptor
        let sent = isLast ? weir_send_last(fd, bytes, count) : weir_send(fd, bytes, count)
        let exchange = downstream.pointee.exchange
        if sent == count, exchange >= 0, endsExchange(exchange) {
            buffers.give(&downstream.pointee.output)
            let generation = downstream.pointee.generation
            finish(exchange)
            return down.find(slot, generation: generation) != nil
        }
        if sent < 0 {
            if sent == Int(-EAGAIN) { return true }
            if exchange >= 0 { abort(exchange, .clientAborted) } else { closeDownstream(slot) }
            return false
        }
        buffers.consume(sent, from: &downstream.pointee.output)
        if exchange >= 0 { noteSent(exchanges[exchange], sent) }
        if sent < count {
            awaitClient(slot)
            if exchange >= 0, readsTooSlowly(exchanges[exchange]) {
                abort(exchange, .sendTimeout)
                return false
            }
            if downstream.pointee.phase == .carrier, carrierReadsTooSlowly(slot, sent) {
                closeCarrier(slot, .sendTimeout)
                return false
            }
            return true
        }
        return outputLeft(slot)
    }

    /// Whether what leaves now is the end of an answer that nobody had to wait for.
    private mutating func endsExchange(_ slot: Int32) -> Bool {
        let exchange = exchanges[slot]
        return exchange.pointee.answer == .complete && !exchange.pointee.sendPace.isRunning
    }

    /// Whether the connection ends as soon as its output has left.
    private mutating func endsWithOutput(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        guard downstream.pointee.exchange >= 0 else { return false }
        let exchange = exchanges[downstream.pointee.exchange]
        return exchange.pointee.answer == .complete && !exchange.pointee.flags.contains(.keepAlive)
    }

    /// All output has left: the connection goes on; false if it is closed by now.
    mutating func outputLeft(_ slot: Int32) -> Bool {
        let downstream = down[slot]
        // What left is a flight of the handshake, whose time goes on.
        if downstream.pointee.phase == .handshake { return true }
        let generation = downstream.pointee.generation
        let exchange = downstream.pointee.exchange
        let isTunnel = downstream.pointee.phase == .tunnel
        setDeadline(downstream: slot, isTunnel ? now + limits.tunnel : .never)
        if downstream.pointee.phase == .carrier {
            carrierTakesAgain(slot)
        } else if exchange >= 0 {
            exchanges[exchange].pointee.sendPace.paused(at: now)
            if exchanges[exchange].pointee.bodyPace.isRunning {
                // It still owes its body.
                let deadline = min(now + limits.body, exchanges[exchange].pointee.deadline)
                setDeadline(downstream: slot, deadline)
            }
            if exchanges[exchange].pointee.answer == .complete {
                finish(exchange)
            } else {
                clientTakesAgain(exchange)
            }
        } else if downstream.pointee.flags.contains(.closesAfterOutput) {
            finishDownstream(slot)
        } else if downstream.pointee.phase == .discarding {
            setDeadline(downstream: slot, now + limits.body)
        } else {
            becomeIdle(slot, downstream)
        }
        return down.find(slot, generation: generation) != nil
    }
}
