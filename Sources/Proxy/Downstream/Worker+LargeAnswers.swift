import EventLoop
import HTTP

/// Answers of the file that their clients do not take at once.
extension Worker {
    /// Bytes of body from which on an answer that does not leave at once is followed.
    private static let leastFollowed = 65_536

    /// Has an exchange follow what is left of an answer of the file, as if a server had given it:
    /// the client is timed by what it takes, and the log tells how it ended.
    ///
    /// False if that is not worth it: the answer has left, or will as soon as any. Allocates
    /// nothing but the copy of the head that the log needs.
    mutating func follow(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ entry: LogEntry,
        bodyCount: Int,
        keepAlive: Bool
    ) -> Bool {
        let downstream = down[slot]
        guard bodyCount >= Self.leastFollowed, entry.route >= 0, !downstream.pointee.output.isEmpty
        else { return false }
        // The body of a stream's request comes in by itself, and is dropped.
        if downstream.isOfStream, !request.isWhole { return false }
        let exchangeSlot = exchanges.allocate()
        guard exchangeSlot >= 0 else { return false }
        let exchange = exchanges[exchangeSlot]
        downstream.pointee.phase = .busy
        downstream.pointee.exchange = exchangeSlot
        exchange.pointee.downstream = slot
        exchange.pointee.answer = .complete
        exchange.pointee.route = UInt32(truncatingIfNeeded: entry.route)
        exchange.pointee.status = UInt16(truncatingIfNeeded: entry.status)
        exchange.pointee.requestBody = BodyDecoder(request.head.framing)
        exchange.pointee.started = now
        exchange.pointee.firstByte = now
        exchange.pointee.client = entry.client
        exchange.pointee.trace = entry.trace
        exchange.pointee.bytesIn = entry.bytesIn
        exchange.pointee.bytesOut = entry.bytesOut
        exchange.pointee.flags = .answerBegun
        if !snapshot.routes[entry.route].isLogged { exchange.pointee.flags.insert(.unlogged) }
        if request.head.minorVersion == 0 { exchange.pointee.flags.insert(.http10) }
        if keepAlive { exchange.pointee.flags.insert(.keepAlive) }
        if request.isWhole { exchange.pointee.flags.insert(.requestComplete) }
        countBegun(exchange)
        keepHead(exchange, request, entry)
        exchange.pointee.sendPace.began(at: now)
        awaitClient(slot)
        return true
    }

    /// Keeps of the request what the log tells.
    private mutating func keepHead(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ request: ReceivedRequest,
        _ entry: LogEntry
    ) {
        buffers.append(request.bytes, request.head.headSize, to: &exchange.pointee.request)
        exchange.pointee.headEnd = exchange.pointee.request.end
        exchange.pointee.requestSent = exchange.pointee.request.end
        exchange.pointee.method = request.head.method
        exchange.pointee.methodRange = request.head.methodName
        exchange.pointee.hostRange = request.head.authority
        exchange.pointee.targetRange = request.head.target
        exchange.pointee.requestID = request.id
        if case .received(let bytes, let count) = entry.loggedID {
            let offset = bytes - UnsafeRawPointer(request.bytes)
            exchange.pointee.idRange = ByteRange(
                offset: UInt32(truncatingIfNeeded: offset),
                count: UInt32(truncatingIfNeeded: count)
            )
            exchange.pointee.flags.insert(.foreignRequestID)
        }
    }
}
