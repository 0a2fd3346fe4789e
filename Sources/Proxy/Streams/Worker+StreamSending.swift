import CLinux
import EventLoop
import HTTP

/// Sending on connections that speak HTTP/2: all that their streams have written in a batch of
/// events leaves together.
extension Worker {
    /// Bytes of frames sent at once.
    static let frameSize = 65_536
    /// Rounds of answers and frames in a turn: what is sent lets more be read.
    private static let rounds = 4
    /// Bytes of an answer's body, at most, that are put into frames as soon as they are there.
    private static let mostPacked = 1024

    /// Has the stream's answer handed to the codec before the batch is sent.
    mutating func queueStream(_ stream: Int32) {
        let entry = down[stream]
        if entry.pointee.streams.flags.contains(.isQueued) { return }
        entry.pointee.streams.flags.insert(.isQueued)
        streamsToSend.append(Self.token(.downstream, stream, entry.pointee.generation))
    }

    /// Has the carrier's frames sent with the others of the batch.
    mutating func queueCarrier(_ slot: Int32) {
        let carrier = down[slot]
        if carrier.pointee.streams.flags.contains(.isQueued) { return }
        carrier.pointee.streams.flags.insert(.isQueued)
        carriersToSend.append(Self.token(.downstream, slot, carrier.pointee.generation))
    }

    /// Whether something waits to be sent on streams or carriers.
    var hasFrames: Bool {
        !(streamsToSend.isEmpty && carriersToSend.isEmpty && serversToSend.isEmpty)
    }

    /// Sends what streams and carriers have.
    mutating func sendFrames() {
        var left = Self.rounds
        while hasFrames, left > 0 {
            left &-= 1
            if !serversToSend.isEmpty { sendServerFrames() }
            swap(&streamsToSend, &streamsSending)
            for token in streamsSending {
                if let stream = find(token) { offerAnswer(stream) }
            }
            swap(&carriersToSend, &carriersSending)
            for token in carriersSending {
                if let slot = find(token) { sendFrames(slot) }
            }
            carriersSending.removeAll(keepingCapacity: true)
            for token in streamsSending {
                if let stream = find(token), !down[stream].pointee.output.isEmpty {
                    waitForWindow(stream)
                }
            }
            streamsSending.removeAll(keepingCapacity: true)
        }
    }

    private mutating func find(_ token: UInt64) -> Int32? {
        let slot = Self.slot(of: token)
        let generation = UInt32(truncatingIfNeeded: token)
        return down.find(slot, generation: generation) == nil ? nil : slot
    }

    // MARK: Answers

    /// Hands what the stream has of its answer to the codec.
    private mutating func offerAnswer(_ stream: Int32) {
        let entry = down[stream]
        entry.pointee.streams.flags.remove(.isQueued)
        let side = entry.pointee.streams
        guard !side.flags.contains(.reset),
            let session = down[side.carrier].pointee.streams.session
        else { return }
        let isComplete = hasWholeAnswer(entry)
        if !side.flags.contains(.headSent) { offerHeads(entry, session, isComplete) }
        queueCarrier(side.carrier)
        let flags = entry.pointee.streams.flags
        if isComplete, flags.contains(.headSent), !flags.contains(.ended) {
            entry.pointee.streams.flags.insert(.ended)
            if packsEnd(entry), let bytes = entry.pointee.output.head {
                let count = session._withUnsafeGuaranteedRef {
                    $0.end(side.id, bytes, entry.pointee.output.count)
                }
                if count == entry.pointee.output.count {
                    framesLeft(stream, count)
                    return
                }
                if count > 0 { framesLeft(stream, count) }
            } else {
                let trailers = entry.pointee.streams.trailers
                _ = session._withUnsafeGuaranteedRef {
                    $0.finish(side.id, trailers: trailers.head, trailers.count)
                }
            }
        }
        if entry.pointee.output.isEmpty {
            answerLeft(stream)
        } else {
            down[side.carrier].pointee.streams.flags.insert(.lends)
        }
    }

    /// Whether what the stream still has of its answer is so little that it is put into frames
    /// right away.
    private mutating func packsEnd(_ entry: UnsafeMutablePointer<Downstream>) -> Bool {
        // Where the client takes nothing, answers wait with their streams, which time it.
        entry.pointee.output.count <= Self.mostPacked && !entry.pointee.output.isEmpty
            && entry.pointee.streams.trailers.isEmpty
            && down[entry.pointee.streams.carrier].pointee.output.isEmpty
    }

    /// Whether nothing comes behind what waits in the stream's output.
    private mutating func hasWholeAnswer(_ entry: UnsafeMutablePointer<Downstream>) -> Bool {
        let exchange = entry.pointee.exchange
        guard exchange >= 0 else { return entry.pointee.flags.contains(.closesAfterOutput) }
        if exchanges[exchange].pointee.answer == .tunnel {
            return entry.pointee.flags.contains(.shut)
        }
        return exchanges[exchange].pointee.answer == .complete
    }

    /// Hands heads over: interim ones, and the final one.
    private mutating func offerHeads(
        _ entry: UnsafeMutablePointer<Downstream>,
        _ session: Unmanaged<HTTP2Connection>,
        _ isComplete: Bool
    ) {
        while let bytes = entry.pointee.output.head {
            let count = headEnd(bytes, entry.pointee.output.count)
            guard count > 0 else { return }
            let isInterim = Self.isInterim(bytes)
            let ends =
                isComplete && !isInterim && count == entry.pointee.output.count
                && entry.pointee.streams.trailers.isEmpty
            _ = session._withUnsafeGuaranteedRef {
                $0.respond(
                    entry.pointee.streams.id,
                    bytes,
                    count,
                    endsStream: ends,
                    sensitive: entry.pointee.streams.sensitive
                )
            }
            buffers.consume(count, from: &entry.pointee.output)
            if isInterim { continue }
            entry.pointee.streams.flags.insert(ends ? [.headSent, .ended] : .headSent)
            return
        }
    }

    /// Whether another head follows this one; behind 101, which opens a tunnel, none does.
    ///
    /// "HTTP/1.1 " stands before the status.
    private static func isInterim(_ head: UnsafeRawPointer) -> Bool {
        let first = head.load(fromByteOffset: 9, as: UInt8.self)
        let rest = head.loadUnaligned(fromByteOffset: 10, as: UInt16.self)
        return first == 0x31 && UInt16(bigEndian: rest) != 0x3031
    }

    /// All that the stream had of its answer is on its way.
    private mutating func answerLeft(_ stream: Int32) {
        let entry = down[stream]
        let isOver = entry.pointee.streams.flags.contains(.ended) && entry.pointee.exchange < 0
        if isOver { closeStream(stream) } else { _ = outputLeft(stream) }
    }

    /// The client's window has no room for the answer: it is timed until it has.
    private mutating func waitForWindow(_ stream: Int32) {
        let exchange = down[stream].pointee.exchange
        if exchange >= 0, !waitsForCarrier(stream) {
            exchanges[exchange].pointee.sendPace.began(at: now)
        }
        awaitClient(stream)
    }

    // MARK: Frames

    /// Sends the carrier's frames as far as the kernel takes them.
    private mutating func sendFrames(_ slot: Int32) {
        let carrier = down[slot]
        carrier.pointee.streams.flags.remove(.isQueued)
        guard let session = session(of: slot) else { return }
        let generation = carrier.pointee.generation
        var left = Self.turnBytes
        while carrier.pointee.output.isEmpty, left > 0 {
            let lends = carrier.pointee.streams.flags.contains(.lends)
            if lends { lendAnswers(carrier, session) }
            let count = session.send(into: frameArea, room: Self.frameSize)
            guard count > 0 else { break }
            left &-= count
            guard deliver(slot, head: frameArea, count, body: nil, 0) else {
                closeCarrier(slot)
                return
            }
            // Its streams may all have ended before it turned out that their answers have to wait.
            if !carrier.pointee.output.isEmpty { unlistIdle(slot) }
            if lends { takeBack(carrier, session) }
            guard down.find(slot, generation: generation) != nil else { return }
        }
        if left <= 0 { queueCarrier(slot) }
        if session.endCode != nil { endForFault(slot) }
        endIfOver(slot, session)
    }

    /// Lends the codec what streams have of their answers, until the next frames are written.
    private mutating func lendAnswers(
        _ carrier: UnsafeMutablePointer<Downstream>,
        _ session: HTTP2Connection
    ) {
        var stream = carrier.pointee.streams.newest
        var isAny = false
        while stream >= 0 {
            let entry = down[stream]
            if entry.pointee.streams.flags.contains(.headSent),
                let bytes = entry.pointee.output.head
            {
                isAny = true
                // What did not leave is no longer the end, unless it is said again.
                session.supply(
                    entry.pointee.streams.id,
                    bytes,
                    entry.pointee.output.count,
                    ends: entry.pointee.streams.flags.contains(.ended)
                )
            }
            stream = entry.pointee.streams.older
        }
        if !isAny { carrier.pointee.streams.flags.remove(.lends) }
    }

    /// Drops what the codec has taken of the streams' answers.
    private mutating func takeBack(
        _ carrier: UnsafeMutablePointer<Downstream>,
        _ session: HTTP2Connection
    ) {
        var stream = carrier.pointee.streams.newest
        while stream >= 0 {
            let entry = down[stream]
            let older = entry.pointee.streams.older
            let side = entry.pointee.streams
            if side.flags.contains(.headSent), !entry.pointee.output.isEmpty {
                // A stream that is over for the codec takes nothing: it has been sent whole.
                let count = session.taken(side.id) ?? entry.pointee.output.count
                if count > 0 { framesLeft(stream, count) }
            }
            stream = older
        }
    }

    /// Bytes of the stream's answer are on their way.
    private mutating func framesLeft(_ stream: Int32, _ count: Int) {
        let entry = down[stream]
        entry.pointee.streams.taken &+= Int64(count)
        buffers.consume(count, from: &entry.pointee.output)
        if entry.pointee.output.isEmpty { answerLeft(stream) }
    }

    /// Ends a carrier that has nothing more to say.
    private mutating func endIfOver(_ slot: Int32, _ session: HTTP2Connection) {
        let carrier = down[slot]
        let hasInput = !carrier.pointee.streams.flags.contains(.inputEnded)
        guard carrier.pointee.output.isEmpty, carrier.pointee.streams.count == 0,
            !session.wantsSend,
            carrier.pointee.flags.contains(.closesAfterOutput) || session.isOver || !hasInput
        else { return }
        if hasInput { carrier.pointee.flags.insert(.lingers) }
        finishDownstream(slot)
    }
}
