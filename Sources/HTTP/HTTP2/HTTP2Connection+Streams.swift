import CNghttp2

/// Windows, resets, and the end of a connection.
extension HTTP2Connection {
    /// Body bytes of a stream were used: it may send as many more.
    public func credit(_ stream: Int32, _ count: Int) {
        guard count > 0, let slot = unsafe state.pointee.streams.slot(stream) else { return }
        let place = unsafe state.pointee.stream(slot)
        // Bytes of a stream that is over were credited when it ended.
        let used = unsafe min(count, place.pointee.uncredited)
        unsafe place.pointee.uncredited &-= used
        guard used > 0 else { return }
        if unsafe state.pointee.isServer {
            unsafe nghttp2_session_consume(session, stream, used)
        } else {
            // The connection's window was opened again when the bytes came.
            unsafe nghttp2_session_consume_stream(session, stream, used)
        }
    }

    /// Nothing more of the peer's body is wanted: it is dropped as it comes, without events, and
    /// a request's stream is reset without an error once it is answered (RFC 9113 §8.1).
    public func discardInput(_ stream: Int32) {
        guard let slot = unsafe state.pointee.streams.slot(stream) else { return }
        let place = unsafe state.pointee.stream(slot)
        if unsafe place.pointee.marks.contains(.discards) { return }
        unsafe place.pointee.marks.insert(.discards)
        credit(stream, unsafe place.pointee.uncredited)
        let marks = unsafe place.pointee.marks
        if marks.contains(.localEnd), !marks.contains(.remoteEnd) {
            reset(stream, unsafe state.pointee.isServer ? HTTP2Code.noError : HTTP2Code.cancel)
        }
    }

    /// Ends a stream at once with this code; no event of it follows.
    public func reset(_ stream: Int32, _ code: UInt32) {
        guard let slot = unsafe state.pointee.streams.slot(stream) else { return }
        let place = unsafe state.pointee.stream(slot)
        if unsafe place.pointee.marks.contains(.isReset) { return }
        unsafe place.pointee.marks.insert(.isReset)
        unsafe nghttp2_submit_rst_stream(session, 0, stream, code)
    }

    /// Ends the connection gracefully.
    ///
    /// A server tells the client to open no more streams, asks for a PING to be answered, so that
    /// all that were on their way are known, then names the last one that counts; what is open
    /// goes on (RFC 9113 §6.8). Called again, it names that one without the answer. A client opens
    /// no more streams.
    public func goAway() {
        if unsafe state.pointee.isFailed || state.pointee.isClosing { return }
        if unsafe state.pointee.isDraining {
            unsafe state.pointee.nameLastStream(session)
            return
        }
        unsafe state.pointee.isDraining = true
        if unsafe state.pointee.isServer {
            unsafe nghttp2_submit_shutdown_notice(session)
            unsafe nghttp2_submit_ping(session, 0, nil)
        } else {
            unsafe state.pointee.isClosing = true
            unsafe nghttp2_submit_goaway(session, 0, 0, HTTP2Code.noError, nil, 0)
        }
    }

    /// Ends the connection at once with this code; what is open is over.
    public func terminate(_ code: UInt32) { fail(code) }

    /// Whether the peer's settings have come, so that its limits are known.
    public var isSettled: Bool { unsafe state.pointee.hasSettings }

    /// Body bytes that the peer takes of this stream now.
    public func window(_ stream: Int32) -> Int {
        let own = unsafe nghttp2_session_get_stream_remote_window_size(session, stream)
        return max(0, Int(min(own, unsafe nghttp2_session_get_remote_window_size(session))))
    }
}
