import CNghttp2

/// Heads and bodies that are sent.
extension HTTP2Connection {
    private func slot(_ stream: Int32) -> Int32? { unsafe state.pointee.streams.slot(stream) }

    /// Answers a request with a head as HTTP/1 text, an interim or the final one; the text is not
    /// needed afterwards.
    ///
    /// Fields that HTTP/2 does not have are left out; 101 of a WebSocket becomes 200. `endsStream`
    /// says that no body and no trailers follow, `sensitive` are the names that no compression may
    /// remember, from the event of the head. False if the stream is gone, was answered already,
    /// or the text is no head.
    @discardableResult
    public func respond(
        _ stream: Int32,
        _ head: UnsafeRawPointer,
        _ count: Int,
        endsStream: Bool,
        sensitive: SensitiveNames = SensitiveNames()
    ) -> Bool {
        // First, as sending what waits may end streams.
        let isPacked = prepareHead(count)
        guard let slot = slot(stream), unsafe state.pointee.isServer else { return false }
        let place = unsafe state.pointee.stream(slot)
        let marks = unsafe place.pointee.marks
        if !marks.isDisjoint(with: [.answered, .isReset]) { return false }
        var lines = unsafe HeadLines(
            state.pointee.pool,
            sensitive: sensitive,
            isCopied: !isPacked
        )
        let text = unsafe RawSpan(_unsafeStart: head, byteCount: count)
        guard let status = lines.readResponse(text, isWebSocket: marks.contains(.webSocket))
        else { return false }
        let isFinal = status >= 200
        if isFinal { unsafe place.pointee.marks.insert(.answered) }
        let result: Int32
        if !isFinal {
            result = unsafe nghttp2_submit_headers(
                session,
                0,
                stream,
                nil,
                lines.fields,
                lines.count,
                nil
            )
        } else if endsStream {
            result = unsafe nghttp2_submit_response(
                session,
                stream,
                lines.fields,
                lines.count,
                nil
            )
        } else {
            var provider = unsafe dataProvider(slot)
            result = unsafe nghttp2_submit_response(
                session,
                stream,
                lines.fields,
                lines.count,
                &provider
            )
        }
        guard result == 0 else {
            unsafe place.pointee.marks.remove(isFinal ? .answered : [])
            return false
        }
        if isPacked { packHead() }
        return true
    }

    /// Whether the head whose text has `count` bytes can be put into frames at once, so that
    /// nghttp2 need not copy its fields.
    private func prepareHead(_ count: Int) -> Bool {
        // In a frame a field takes at most twelve bytes more than its name and value; here it takes
        // four or more.
        unsafe pack() && state.pointee.packingRoom >= Int(weir_h2_frames) &+ count &* 3 &+ 1024
    }

    /// Puts the head that has just been submitted into frames.
    private func packHead() {
        // nghttp2 sends heads before all else. If ever it does not, it may not be asked for frames
        // any more: it would read fields that are gone.
        if !pack() {
            fail(HTTP2Code.internalError)
            unsafe state.pointee.isBroken = true
        }
    }

    /// Sends a request whose head is HTTP/1 text; its stream, or -1 if there is none to be had:
    /// the server's limit is reached, or it takes no more, or the text is no head.
    ///
    /// The scheme is the options'; Host becomes :authority. `endsStream` says that no body and no
    /// trailers follow, `token` is the number that the stream's events have, `sensitive` are the
    /// names that no compression may remember, from the event of the head.
    public func request(
        _ head: UnsafeRawPointer,
        _ count: Int,
        endsStream: Bool,
        token: UInt64,
        sensitive: SensitiveNames = SensitiveNames()
    ) -> Int32 {
        let isPacked = prepareHead(count)
        guard canRequest else { return -1 }
        var lines = unsafe HeadLines(
            state.pointee.pool,
            sensitive: sensitive,
            isCopied: !isPacked
        )
        let text = unsafe RawSpan(_unsafeStart: head, byteCount: count)
        guard let method = lines.readRequest(text, isSecure: isSecure) else { return -1 }
        let id = Int32(truncatingIfNeeded: unsafe nghttp2_session_get_next_stream_id(session))
        guard id > 0 else { return -1 }
        let slot = unsafe state.pointee.open(id)
        let place = unsafe state.pointee.stream(slot)
        unsafe place.pointee.token = token
        unsafe place.pointee.marks.insert(.answered)
        if method == .head { unsafe place.pointee.marks.insert(.isHead) }
        var provider = unsafe dataProvider(slot)
        let result = unsafe withUnsafePointer(to: &provider) { provider in
            unsafe nghttp2_submit_request(
                session,
                nil,
                lines.fields,
                lines.count,
                endsStream ? nil : provider,
                nil
            )
        }
        guard result == id else {
            unsafe state.pointee.abandon(id)
            return -1
        }
        if isPacked { packHead() }
        return id
    }

    /// Whether a request can be sent now.
    public var canRequest: Bool {
        if unsafe state.pointee.isServer || state.pointee.isFailed || state.pointee.isClosing {
            return false
        }
        guard unsafe nghttp2_session_check_request_allowed(session) != 0 else { return false }
        return streamCount < streamLimit
    }

    /// How many streams a client may have at once: what the server allows, and this side wants.
    ///
    /// Until the server's settings have come it is at most 100 (RFC 9113 §6.5.2).
    public var streamLimit: Int {
        guard unsafe state.pointee.hasSettings else { return min(mostStreams, 100) }
        let id = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
        return min(mostStreams, Int(unsafe nghttp2_session_get_remote_settings(session, id)))
    }

    /// Lends body bytes to a stream until `send` has returned; they follow what was taken before.
    ///
    /// Once per `send` and stream: what is lent replaces what was. `ends` is the same as
    /// ``finish(_:trailers:_:)`` behind it. False if the stream is gone.
    @discardableResult
    public func supply(
        _ stream: Int32,
        _ bytes: UnsafeRawPointer,
        _ count: Int,
        ends: Bool = false
    ) -> Bool {
        guard count > 0, let slot = slot(stream) else { return false }
        unsafe lend(slot, bytes, count, ends: ends)
        unsafe nghttp2_session_resume_data(session, stream)
        return true
    }

    private func lend(_ slot: Int32, _ bytes: UnsafeRawPointer, _ count: Int, ends: Bool) {
        let place = unsafe state.pointee.stream(slot)
        if unsafe place.pointee.supply == nil { unsafe state.pointee.noteSupplied(slot) }
        unsafe place.pointee.supply = bytes
        unsafe place.pointee.supplied = count
        unsafe place.pointee.taken = 0
        if unsafe ends && place.pointee.marks.contains(.answered) {
            unsafe place.pointee.marks.insert(.finishing)
        }
    }

    /// Puts the last bytes of a body into frames, which the next `send` writes, and ends this side
    /// of the stream behind them; nothing is lent at present.
    ///
    /// Returns how many bytes were taken, all of them if the stream is over. What the peer's window
    /// or the room here is too small for has to be lent, and is not the end before that.
    public func end(_ stream: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        guard let slot = slot(stream) else { return count }
        guard count > 0, unsafe state.pointee.firstSupplied < 0,
            unsafe state.pointee.packingRoom >= Int(weir_h2_frames) &+ count &+ 1024
        else { return 0 }
        unsafe lend(slot, bytes, count, ends: true)
        unsafe nghttp2_session_resume_data(session, stream)
        packAll()
        let taken = taken(stream) ?? count
        unsafe state.pointee.endSupplies()
        return taken
    }

    /// How many of the bytes lent last were taken; nil if the stream is over and wants none.
    public func taken(_ stream: Int32) -> Int? {
        guard let slot = slot(stream) else { return nil }
        return unsafe state.pointee.stream(slot).pointee.taken
    }

    /// Ends this side of the stream behind the bytes that are lent; where the next `send` does not
    /// take all of them, they have to be lent again and this be said again.
    ///
    /// `trailers` are `count` bytes of trailer lines as HTTP/1 text without a blank line, which
    /// are copied and once given stay; nil for none. False if the stream is gone or was not
    /// answered.
    @discardableResult
    public func finish(
        _ stream: Int32,
        trailers: UnsafeRawPointer? = nil,
        _ count: Int = 0
    ) -> Bool {
        guard let slot = slot(stream) else { return false }
        let place = unsafe state.pointee.stream(slot)
        if unsafe !place.pointee.marks.contains(.answered) { return false }
        if let trailers = unsafe trailers, count > 0, unsafe place.pointee.trailers == nil {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 1)
            unsafe copy.copyMemory(from: trailers, byteCount: count)
            unsafe place.pointee.trailers = copy
            unsafe place.pointee.trailersCount = count
            unsafe place.pointee.marks.insert(.trailers)
        }
        unsafe place.pointee.marks.insert(.finishing)
        unsafe nghttp2_session_resume_data(session, stream)
        return true
    }
}

/// Puts trailers behind a body, whose last bytes are being sent.
func submitTrailers(
    _ state: UnsafeMutablePointer<HTTP2State>,
    _ session: OpaquePointer?,
    _ id: Int32,
    _ slot: Int32
) {
    let place = unsafe state.pointee.stream(slot)
    guard let trailers = unsafe place.pointee.trailers else { return }
    let text = unsafe RawSpan(_unsafeStart: trailers, byteCount: place.pointee.trailersCount)
    var lines = unsafe HeadLines(
        state.pointee.pool,
        sensitive: SensitiveNames(),
        isCopied: true
    )
    lines.readTrailers(text)
    // Without a field it is an empty HEADERS frame, which ends the stream all the same.
    unsafe nghttp2_submit_trailer(session, id, lines.fields, lines.count)
}
