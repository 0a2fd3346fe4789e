import CLinux
import EventLoop

extension Worker {
    /// Bytes that must still be owed for a pipe to be worth its cost.
    private static let leastSpliced: UInt64 = 65_536

    /// Whether the answer's body goes through a pipe now: a body of known length, of which much
    /// is owed, with nothing of it waiting elsewhere, between two sockets in the clear.
    mutating func splices(_ exchange: UnsafeMutablePointer<Exchange>) -> Bool {
        guard exchange.pointee.answer == .body else { return false }
        if exchange.pointee.pipe >= 0 { return true }
        guard let remaining = exchange.pointee.answerBody.remaining,
            remaining >= Self.leastSpliced,
            up[exchange.pointee.upstream].pointee.input.isEmpty,
            !up[exchange.pointee.upstream].pointee.secure.isOn,
            isPlain(down[exchange.pointee.downstream])
        else { return false }
        exchange.pointee.pipe = pipes.take()
        return exchange.pointee.pipe >= 0
    }

    /// Whether the client's bytes go to its socket as they are.
    private mutating func isPlain(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        !downstream.pointee.secure.isOn && !downstream.isOfStream
    }

    /// Whether bytes of the answer wait in a pipe for the client.
    mutating func hasPiped(_ slot: Int32) -> Bool {
        let number = exchanges[slot].pointee.pipe
        return number >= 0 && pipes[number].count > 0
    }

    /// Moves body bytes from the server through the pipe to the client.
    ///
    /// Returns the bytes moved, 0 or less if the exchange waits or has ended.
    mutating func spliceAnswer(_ slot: Int32) -> Int {
        let exchange = exchanges[slot]
        let number = exchange.pointee.pipe
        var pipe = pipes[number]
        let upstreamSlot = exchange.pointee.upstream
        let upstream = up[upstreamSlot]
        var filled = 0
        let owed = exchange.pointee.answerBody.remaining ?? 0
        if owed > UInt64(pipe.count), pipe.count < pipe.capacity {
            let wanted = min(pipe.capacity &- pipe.count, Int(clamping: owed) &- pipe.count)
            filled = weir_splice(upstream.pointee.descriptor, pipe.writeEnd, wanted)
            if filled > 0 {
                pipe.count &+= filled
            } else if filled == Int(-EAGAIN) {
                // A pipe with bytes in it may be what is full, not the socket that is empty.
                if pipe.count == 0 { upstream.pointee.flags.remove(.readable) }
            } else if pipe.count == 0 {
                fail(slot, .upstreamReset)
                return 0
            }
        }
        pipes[number] = pipe
        guard pipe.count > 0 else { return 0 }
        let downSlot = exchange.pointee.downstream
        let sent = weir_splice(pipe.readEnd, down[downSlot].pointee.descriptor, pipe.count)
        if sent > 0 {
            pipes[number].count &-= sent
            exchange.pointee.answerBody.consumed(UInt64(sent))
            exchange.pointee.bytesOut &+= UInt64(sent)
            noteSent(exchange, sent)
        } else if sent != Int(-EAGAIN) {
            abort(slot, .clientAborted)
            return 0
        }
        return afterSplice(slot, sent: max(0, sent))
    }

    private mutating func afterSplice(_ slot: Int32, sent: Int) -> Int {
        let exchange = exchanges[slot]
        let downSlot = exchange.pointee.downstream
        if pipes[exchange.pointee.pipe].count > 0 {
            // The client's turn: its writability calls again.
            exchange.pointee.sendPace.began(at: now)
            awaitClient(downSlot)
            if readsTooSlowly(exchange) { abort(slot, .sendTimeout) }
            return 0
        }
        if exchange.pointee.sendPace.isRunning {
            exchange.pointee.sendPace.paused(at: now)
            setDeadline(downstream: downSlot, .never)
        }
        if exchange.pointee.answerBody.isComplete {
            answerComplete(slot)
            return 0
        }
        let wait = now + route(exchange).pointee.stream
        setDeadline(
            upstream: exchange.pointee.upstream,
            min(wait, exchange.pointee.deadline)
        )
        return sent
    }

    /// Gives the exchange's pipe back.
    mutating func releasePipe(_ exchange: UnsafeMutablePointer<Exchange>) {
        guard exchange.pointee.pipe >= 0 else { return }
        pipes.give(exchange.pointee.pipe)
        exchange.pointee.pipe = -1
    }
}
