/// What becomes of what the peer sends: called while nghttp2 reads.
extension HTTP2State {
    /// A head or trailer section begins; whether a stream begins with it.
    mutating func headBegan(_ id: Int32) -> Bool {
        var builder = HeadBuilder()
        var isNew = false
        if let slot = streams.slot(id) {
            builder.slot = slot
            let marks = unsafe stream(slot).pointee.marks
            builder.part = isServer || marks.contains(.head) ? .trailers : .response
        } else {
            guard isServer else { return false }
            builder.slot = open(id)
            isNew = true
        }
        builder.base = unsafe currentBatch().pointee.textCount
        head = builder
        return isNew
    }

    /// Fields that nobody looks at any more which count as one fault: a head that unfolds without
    /// end is answered, and many of them are a flood.
    static let ignoredFields = 128

    /// A field of it.
    mutating func fieldArrived(_ name: RawSpan, _ value: RawSpan, isSensitive: Bool) {
        guard head.slot >= 0 else { return }
        if head.isDecided {
            head.ignored &+= 1
            if head.ignored % Self.ignoredFields == 0 { spendFault() }
            return
        }
        let batch = unsafe currentBatch()
        unsafe head.add(
            name,
            value,
            isSensitive: isSensitive,
            rules: HeadBuilder.Rules(
                limits: options.headLimits,
                allowsWebSocket: options.allowsWebSocket
            ),
            to: &batch.pointee
        )
    }

    /// It is complete.
    mutating func headEnded(_ id: Int32, endsStream: Bool) {
        guard head.slot >= 0 else { return }
        let slot = head.slot
        let batch = unsafe currentBatch()
        let stream = unsafe stream(slot)
        switch head.part {
        case .request:
            unsafe head.finishRequest(
                endsStream: endsStream,
                id: id,
                seed: options.seed,
                &batch.pointee
            )
        case .response:
            let isHead = unsafe stream.pointee.marks.contains(.isHead)
            unsafe head.finishResponse(endsStream: endsStream, isHead: isHead, &batch.pointee)
        case .trailers: unsafe head.finishTrailers(endsStream: endsStream, &batch.pointee)
        }
        let built = head
        head = HeadBuilder()
        if built.flaw != .none {
            unsafe batch.pointee.truncateText(to: built.base)
            unsafe fail(stream, built.flaw)
            return
        }
        if built.part == .response && built.status < 200 {
            unsafe stream.pointee.interims &+= 1
            // A few bytes may stand for a head's whole text: they are counted before it is kept.
            if unsafe stream.pointee.interims > HTTP2Connection.mostInterims {
                unsafe batch.pointee.truncateText(to: built.base)
                unsafe fail(stream, .tooManyInterims)
                return
            }
        }
        if unsafe built.part == .trailers && stream.pointee.lacksBody {
            unsafe fail(stream, .bodyTooShort)
            return
        }
        let isUnwanted = unsafe stream.pointee.marks.contains(.discards)
        unsafe note(built, stream)
        if endsStream { unsafe stream.pointee.marks.insert(.remoteEnd) }
        if !isUnwanted { unsafe tellHead(built, stream, endsStream: endsStream) }
    }

    /// What a head says of what follows.
    private func note(
        _ built: HeadBuilder,
        _ stream: UnsafeMutablePointer<HTTP2Stream>
    ) {
        switch built.part {
        case .trailers: return
        case .request:
            if built.rejection != 0 {
                unsafe stream.pointee.marks.insert(.discards)
            } else if built.seen.contains(.protocolName) {
                unsafe stream.pointee.marks.insert(.webSocket)
            } else {
                unsafe stream.pointee.expected = built.contentLength
            }
        case .response:
            if built.status < 200 { return }
            let isBodiless = unsafe built.isBodiless(
                isHead: stream.pointee.marks.contains(.isHead)
            )
            unsafe stream.pointee.expected = isBodiless ? 0 : built.contentLength
        }
        unsafe stream.pointee.marks.insert(.head)
    }

    private mutating func tellHead(
        _ built: HeadBuilder,
        _ stream: UnsafeMutablePointer<HTTP2Stream>,
        endsStream: Bool
    ) {
        var event = unsafe HTTP2Event(.head, stream: stream.pointee.id)
        switch built.part {
        case .request:
            if built.rejection != 0 {
                event.kind = .reject
                event.isHead = unsafe built.asksForHead(currentBatch().pointee)
            }
        case .response: if built.status < 200 { event.kind = .interim }
        case .trailers: event.kind = .trailers
        }
        let start = built.base &+ built.start
        event.code = built.rejection
        event.offset = Int32(truncatingIfNeeded: start)
        event.count = unsafe Int32(truncatingIfNeeded: currentBatch().pointee.textCount &- start)
        event.endsStream = endsStream
        event.isWebSocket = unsafe stream.pointee.marks.contains(.webSocket)
        event.token = unsafe stream.pointee.token
        event.sensitive = built.sensitive
        event.isCall = built.isCall
        if built.part == .request {
            unsafe stream.pointee.headEvent = Int32(
                truncatingIfNeeded: currentBatch().pointee.count
            )
        }
        tell(event)
    }

    /// Body bytes came; how many of them nobody will use.
    mutating func dataArrived(
        _ id: Int32,
        _ bytes: UnsafePointer<UInt8>,
        _ count: Int
    ) -> Int {
        guard let slot = streams.slot(id), let start = unsafe received else { return count }
        let stream = unsafe stream(slot)
        if unsafe stream.pointee.marks.contains(.isReset) { return count }
        unsafe stream.pointee.received &+= Int64(count)
        let expected = unsafe stream.pointee.expected
        if unsafe !stream.pointee.marks.contains(.head) {
            unsafe fail(stream, .bodyBeforeHead)
            return count
        }
        // What goes beyond the length is no part of the message, wherever the bytes are cut.
        let excess =
            expected >= 0 ? max(0, Int(unsafe stream.pointee.received &- expected)) : 0
        let used = unsafe stream.pointee.marks.contains(.discards) ? 0 : max(0, count &- excess)
        if used > 0 {
            unsafe stream.pointee.uncredited &+= used
            var event = HTTP2Event(.data, stream: id)
            event.offset = unsafe Int32(truncatingIfNeeded: UnsafeRawPointer(bytes) - start)
            event.count = Int32(truncatingIfNeeded: used)
            event.token = unsafe stream.pointee.token
            tell(event)
        }
        if excess > 0 { unsafe fail(stream, .bodyTooLong) }
        return count &- used
    }

    /// A DATA frame has ended the stream.
    mutating func bodyEnded(_ id: Int32) {
        guard let slot = streams.slot(id) else { return }
        let stream = unsafe stream(slot)
        if unsafe stream.pointee.marks.contains(.isReset) { return }
        if unsafe !stream.pointee.marks.contains(.head) {
            unsafe fail(stream, .bodyBeforeHead)
            return
        }
        if unsafe stream.pointee.lacksBody {
            unsafe fail(stream, .bodyTooShort)
            return
        }
        unsafe stream.pointee.marks.insert(.remoteEnd)
        if unsafe stream.pointee.marks.contains(.discards) { return }
        let batch = unsafe currentBatch()
        if unsafe batch.pointee.endLast(id) { return }
        var event = HTTP2Event(.end, stream: id)
        event.endsStream = true
        event.token = unsafe stream.pointee.token
        tell(event)
    }

    /// The peer's message is malformed: the stream is to be reset.
    private mutating func fail(
        _ stream: UnsafeMutablePointer<HTTP2Stream>,
        _ flaw: HTTP2Flaw
    ) {
        if unsafe stream.pointee.marks.contains(.isReset) { return }
        unsafe stream.pointee.marks.insert(.isReset)
        unsafe recall(stream)
        flawed = unsafe stream.pointee.id
        var event = unsafe HTTP2Event(.malformed, stream: stream.pointee.id)
        event.flaw = flaw
        event.code = HTTP2Code.protocolError
        event.token = unsafe stream.pointee.token
        tell(event)
        spendFault()
    }

    /// A stream had to be reset for a fault of the peer's.
    private mutating func spendFault() {
        if !faults.spend() { wantsEnd = HTTP2Code.enhanceYourCalm }
    }

    /// The code to reset the stream with, if it has just turned out to be flawed.
    mutating func resetFlawed(_ id: Int32) -> UInt32? {
        guard flawed == id, id != 0 else { return nil }
        flawed = 0
        return HTTP2Code.protocolError
    }

    /// nghttp2 has refused a frame and resets its stream, or ends the connection.
    mutating func frameRefused(_ id: Int32) {
        if id == 0 { return }
        closed.drop(id)
        if let slot = streams.slot(id) { unsafe recall(stream(slot)) }
        spendFault()
    }

    /// The stream is over: if nobody has looked at its head yet, nobody needs to.
    private func recall(_ stream: UnsafeMutablePointer<HTTP2Stream>) {
        let index = Int(unsafe stream.pointee.headEvent)
        guard index >= 0, unsafe stream.pointee.token == 0, let batch = unsafe batch,
            unsafe index < batch.pointee.count,
            unsafe batch.pointee.events[index].stream == stream.pointee.id
        else { return }
        unsafe batch.pointee.events[index].isGone = true
    }

    /// A stream is over; how many bytes of its body the connection's window still misses.
    mutating func streamClosed(_ id: Int32, _ code: UInt32) -> Int {
        guard let slot = streams.remove(id) else { return 0 }
        let stream = unsafe stream(slot)
        let marks = unsafe stream.pointee.marks
        let isOver = marks.isSuperset(of: [.remoteEnd, .localEnd])
        if !isOver, !marks.contains(.isReset) {
            let isRefused = !isServer && code == HTTP2Code.refusedStream
            var event = HTTP2Event(isRefused ? .refused : .reset, stream: id)
            event.code = code
            event.token = unsafe stream.pointee.token
            tell(event)
        }
        if !isOver { unsafe recall(stream) }
        let unused = unsafe stream.pointee.uncredited
        if head.slot == slot { head = HeadBuilder() }
        forgetSupply(slot)
        unsafe pool.pointee.freeSlot(slot)
        return unused
    }
}

extension HTTP2Stream {
    /// Whether the body is over before its Content-Length is.
    fileprivate var lacksBody: Bool { expected >= 0 && received < expected }
}
