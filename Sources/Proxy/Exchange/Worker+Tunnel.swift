import CLinux
import EventLoop
import HTTP

extension Worker {
    /// The server answered 101: from now on bytes pass both ways, if that was asked for.
    ///
    /// `rest` is what came behind the head. False if the exchange has ended.
    mutating func beginTunnel(
        _ slot: Int32,
        _ head: ResponseHead,
        _ source: UnsafeRawPointer,
        _ rest: UnsafeMutableRawPointer,
        _ restCount: Int
    ) -> Bool {
        let exchange = exchanges[slot]
        guard exchange.pointee.flags.contains(.upgrade), head.upgradesToWebSocket else {
            retryOrFail(slot, .badAnswer)
            return false
        }
        out.removeAll()
        AnswerHeadWriter(source: source, head: head)
            .writeInterim(
                fields: fields,
                isUpgrade: true,
                stickyLine: stickyLine(exchange),
                to: &out
            )
        if out.overflowed {
            fail(slot, .badAnswer)
            return false
        }
        let downSlot = exchange.pointee.downstream
        exchange.pointee.status = head.status
        exchange.pointee.answer = .tunnel
        exchange.pointee.firstByte = now
        countAnswer(exchange, status: head.status)
        tell(exchange, .answered, .good)
        exchange.pointee.flags.insert(.answerBegun)
        exchange.pointee.flags.remove(.keepAlive)
        exchange.pointee.deadline = .never
        down[downSlot].pointee.phase = .tunnel
        guard
            deliver(downSlot, head: out.start, out.count, body: rest, restCount)
        else {
            abort(slot, .clientAborted)
            return false
        }
        exchange.pointee.bytesOut &+= UInt64(out.count &+ restCount)
        let carrier = down[downSlot].pointee.streams.carrier
        _ = weir_set_keepalive(down[carrier >= 0 ? carrier : downSlot].pointee.descriptor)
        touchTunnel(exchange)
        // The client's first frames may be here already, and their end.
        if down[downSlot].pointee.streams.flags.contains(.clientEnded) {
            down[downSlot].pointee.flags.insert(.readable)
        }
        queueDownstream(downSlot)
        return true
    }

    /// Whether a final answer of this status would tell a client of HTTP/2 that its tunnel is open,
    /// as every 2xx to extended CONNECT does (RFC 8441 §5).
    mutating func opensTunnel(
        _ exchange: UnsafeMutablePointer<Exchange>,
        status: Int
    ) -> Bool {
        exchange.pointee.flags.contains(.upgrade) && status < 300
            && down[exchange.pointee.downstream].isOfStream
    }

    /// The server has passed over the upgrade, as it may (RFC 9110 §7.8).
    ///
    /// The client gets no tunnel, and the server has done nothing wrong.
    mutating func refuseTunnel(_ slot: Int32, _ head: ResponseHead) {
        let exchange = exchanges[slot]
        countAnswer(exchange, status: head.status)
        tell(exchange, .answered, .good)
        fail(slot, .protocolRefused, because: "The server opens no WebSocket here.")
    }

    private mutating func touchTunnel(_ exchange: UnsafeMutablePointer<Exchange>) {
        setDeadline(downstream: exchange.pointee.downstream, now + limits.tunnel)
        setDeadline(upstream: exchange.pointee.upstream, .never)
    }

    /// Moves bytes of a tunnel both ways as far as both sides allow.
    mutating func pumpTunnel(_ slot: Int32) {
        let exchange = exchanges[slot]
        let generation = exchange.pointee.generation
        guard exchange.pointee.upstream >= 0 else { return }
        pumpUp(slot)
        guard exchanges.find(slot, generation: generation) != nil else { return }
        pumpDown(slot)
        guard exchanges.find(slot, generation: generation) != nil else { return }
        let downstream = down[exchange.pointee.downstream]
        let upstream = up[exchange.pointee.upstream]
        let isOver =
            downstream.pointee.flags.contains(.shut) && upstream.pointee.flags.contains(.shut)
        if isOver {
            abort(slot, .ok)
        } else if upstream.pointee.flags.contains(.shut), downstream.pointee.flags.contains(.broken)
        {
            // Whoever had ended its direction and fails now will not take the other one either.
            abort(slot, .clientAborted)
        } else if downstream.pointee.flags.contains(.shut), upstream.pointee.flags.contains(.broken)
        {
            abort(slot, .upstreamReset)
        }
    }

    /// From the client to the server.
    private mutating func pumpUp(_ slot: Int32) {
        let exchange = exchanges[slot]
        let downstream = down[exchange.pointee.downstream]
        let upstream = up[exchange.pointee.upstream]
        var left = Self.turnBytes
        while true {
            let waiting =
                !upstream.pointee.output.isEmpty
                ? upstream.pointee.output : downstream.pointee.input
            if let bytes = waiting.head {
                guard sendUp(slot, bytes, waiting.count) else { return }
                continue
            }
            if upstream.pointee.flags.contains(.shut) { return }
            guard downstream.pointee.flags.contains(.readable) else { return }
            if left <= 0 {
                queueDownstream(exchange.pointee.downstream)
                return
            }
            let count = receive(downstream, readBase, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                halfClose(slot, result: count, up: true)
                return
            }
            left &-= count
            exchange.pointee.bytesIn &+= UInt64(count)
            setDeadline(downstream: exchange.pointee.downstream, now + limits.tunnel)
            if upstream.pointee.secure.isOn {
                guard sendSecure(upstream, readBase, count) >= 0 else {
                    abort(slot, .upstreamReset)
                    return
                }
            } else {
                buffers.append(readBase, count, to: &upstream.pointee.output)
            }
        }
    }

    /// Sends what waits for the server; false if it takes no more now, or the exchange has ended.
    private mutating func sendUp(
        _ slot: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Bool {
        let exchange = exchanges[slot]
        let downstream = down[exchange.pointee.downstream]
        let upstream = up[exchange.pointee.upstream]
        let isFirst = upstream.pointee.output.isEmpty
        let sent =
            isFirst && upstream.pointee.secure.isOn
            ? sendSecure(upstream, bytes, count)
            : weir_send(upstream.pointee.descriptor, bytes, count)
        if sent == Int(-EAGAIN) { return false }
        guard sent >= 0 else {
            abort(slot, .upstreamReset)
            return false
        }
        if isFirst {
            exchange.pointee.bytesIn &+= UInt64(sent)
            buffers.consume(sent, from: &downstream.pointee.input)
            setDeadline(downstream: exchange.pointee.downstream, now + limits.tunnel)
            if downstream.isOfStream { creditBody(downstream) }
        } else {
            buffers.consume(sent, from: &upstream.pointee.output)
        }
        return true
    }

    /// From the server to the client.
    private mutating func pumpDown(_ slot: Int32) {
        let exchange = exchanges[slot]
        let downstream = down[exchange.pointee.downstream]
        let upstream = up[exchange.pointee.upstream]
        var left = Self.turnBytes
        while true {
            if downstream.isOfStream, !downstream.pointee.output.isEmpty {
                queueStream(exchange.pointee.downstream)
                return
            }
            if let bytes = downstream.pointee.output.head {
                let count = downstream.pointee.output.count
                let sent = weir_send(downstream.pointee.descriptor, bytes, count)
                if sent == Int(-EAGAIN) { return }
                guard sent >= 0 else {
                    abort(slot, .clientAborted)
                    return
                }
                buffers.consume(sent, from: &downstream.pointee.output)
                continue
            }
            if downstream.pointee.flags.contains(.shut) { return }
            guard upstream.pointee.flags.contains(.readable) else { return }
            if left <= 0 {
                queueUpstream(exchange.pointee.upstream)
                return
            }
            let count = receive(upstream, readBase, Self.readSize)
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                halfClose(slot, result: count, up: false)
                return
            }
            left &-= count
            exchange.pointee.bytesOut &+= UInt64(count)
            setDeadline(downstream: exchange.pointee.downstream, now + limits.tunnel)
            if downstream.pointee.secure.isOn {
                guard queueSealed(downstream, readBase, count) else {
                    abort(slot, .clientAborted)
                    return
                }
            } else {
                buffers.append(readBase, count, to: &downstream.pointee.output)
            }
        }
    }

    /// One side has ended: the other one is told, and may go on.
    private mutating func halfClose(_ slot: Int32, result: Int, up isUp: Bool) {
        let exchange = exchanges[slot]
        guard result == 0 else {
            abort(slot, isUp ? .clientAborted : .upstreamReset)
            return
        }
        if isUp {
            let upstream = up[exchange.pointee.upstream]
            upstream.pointee.flags.insert(.shut)
            down[exchange.pointee.downstream].pointee.flags.remove(.readable)
            sayEnd(upstream)
            _ = weir_shutdown_write(upstream.pointee.descriptor)
        } else {
            let downstream = down[exchange.pointee.downstream]
            downstream.pointee.flags.insert(.shut)
            up[exchange.pointee.upstream].pointee.flags.remove(.readable)
            if downstream.isOfStream {
                queueStream(exchange.pointee.downstream)
            } else {
                sendCloseNotify(downstream)
                _ = weir_shutdown_write(downstream.pointee.descriptor)
            }
        }
    }
}
