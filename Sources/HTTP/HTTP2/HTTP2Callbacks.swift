import CNghttp2

/// The urgency of a stream about which nothing was said (RFC 9218 §4.1).
private let mediumUrgency: UInt32 = 3

/// A connection's state as nghttp2 hands it to callbacks.
private func state(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<HTTP2State>? {
    unsafe user?.assumingMemoryBound(to: HTTP2State.self)
}

extension HTTP2State {
    /// What a callback answers: nghttp2 reads no further where the connection is to be ended, so
    /// that it does not matter how the bytes arrive.
    fileprivate var verdict: Int32 {
        wantsEnd == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }
}

/// What nghttp2 calls; made once per worker.
func makeCallbacks() -> OpaquePointer? {
    var callbacks: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
    unsafe setReceiving(callbacks)
    unsafe setReceivingFrames(callbacks)
    unsafe setSending(callbacks)
    return unsafe callbacks
}

private func setReceiving(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) {
        session,
        frame,
        user in
        guard let state = unsafe state(user), let frame = unsafe frame else { return 0 }
        let stream = unsafe frame.pointee.hd.stream_id
        if unsafe state.pointee.headBegan(stream) {
            // Streams take turns, so that none waits for another's body to end.
            var turns = nghttp2_extpri(urgency: mediumUrgency, inc: 1)
            unsafe nghttp2_session_change_extpri_stream_priority(session, stream, &turns, 1)
        }
        return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
        _,
        _,
        name,
        nameCount,
        value,
        valueCount,
        flags,
        user in
        guard let state = unsafe state(user), let name = unsafe name, let value = unsafe value
        else { return 0 }
        let nameSpan = unsafe RawSpan(_unsafeStart: name, byteCount: nameCount)
        let valueSpan = unsafe RawSpan(_unsafeStart: value, byteCount: valueCount)
        let isSensitive = UInt32(flags) & NGHTTP2_NV_FLAG_NO_INDEX.rawValue != 0
        unsafe state.pointee.fieldArrived(nameSpan, valueSpan, isSensitive: isSensitive)
        return unsafe state.pointee.verdict
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
        session,
        _,
        stream,
        bytes,
        count,
        user in
        guard let state = unsafe state(user), let bytes = unsafe bytes else { return 0 }
        let unused = unsafe state.pointee.dataArrived(stream, bytes, count)
        if unused > 0 { unsafe nghttp2_session_consume(session, stream, unused) }
        // Whoever is slow stalls nobody else: each stream's window bounds what a client keeps.
        if unsafe !state.pointee.isServer, unused < count {
            unsafe nghttp2_session_consume_connection(session, count &- unused)
        }
        if let code = unsafe state.pointee.resetFlawed(stream) {
            unsafe nghttp2_submit_rst_stream(session, 0, stream, code)
        }
        return unsafe state.pointee.verdict
    }
}

private func setReceivingFrames(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) {
        session,
        frame,
        user in
        guard let state = unsafe state(user), let frame = unsafe frame else { return 0 }
        unsafe frameArrived(state, session, frame)
        return unsafe state.pointee.verdict
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
        _,
        frame,
        _,
        user in
        guard let state = unsafe state(user), let frame = unsafe frame else { return 0 }
        unsafe state.pointee.frameRefused(frame.pointee.hd.stream_id)
        return unsafe state.pointee.verdict
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
        session,
        stream,
        code,
        user in
        guard let state = unsafe state(user) else { return 0 }
        let unused = unsafe state.pointee.streamClosed(stream, code)
        if unused > 0, unsafe state.pointee.isServer {
            unsafe nghttp2_session_consume_connection(session, unused)
        }
        return 0
    }
}

/// A frame, or a head with all its CONTINUATIONs, is complete.
private func frameArrived(
    _ state: UnsafeMutablePointer<HTTP2State>,
    _ session: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>
) {
    let head = unsafe frame.pointee.hd
    let endsStream = head.flags & FrameFlag.endStream != 0
    switch head.type {
    case FrameType.headers:
        unsafe state.pointee.headEnded(head.stream_id, endsStream: endsStream)
    case FrameType.data:
        if endsStream { unsafe state.pointee.bodyEnded(head.stream_id) }
    case FrameType.settings where head.flags & FrameFlag.acknowledges == 0:
        unsafe state.pointee.hasSettings = true
        // More than the answer waits: nghttp2 resets streams whose windows became too large,
        // where the whole connection has to end (RFC 9113 §6.9.2).
        let queued = unsafe nghttp2_session_get_outbound_queue_size(session)
        if unsafe queued > state.pointee.queuedBefore &+ 1 {
            unsafe state.pointee.wantsEnd = HTTP2Code.flowControlError
        }
    case FrameType.ping:
        let isAnswer = head.flags & FrameFlag.acknowledges != 0
        if isAnswer, unsafe state.pointee.isDraining, unsafe !state.pointee.isClosing {
            unsafe state.pointee.nameLastStream(session)
        }
    case FrameType.goAway:
        var event = unsafe HTTP2Event(.goAway, stream: frame.pointee.goaway.last_stream_id)
        event.code = unsafe frame.pointee.goaway.error_code
        unsafe state.pointee.tell(event)
    default: break
    }
    if let code = unsafe state.pointee.resetFlawed(head.stream_id) {
        unsafe nghttp2_submit_rst_stream(session, 0, head.stream_id, code)
    }
}

private func setSending(_ callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) {
        session,
        frame,
        user in
        guard let state = unsafe state(user), let frame = unsafe frame else { return 0 }
        let head = unsafe frame.pointee.hd
        switch head.type {
        case FrameType.headers, FrameType.data:
            if head.flags & FrameFlag.endStream != 0,
                unsafe state.pointee.endSent(head.stream_id)
            {
                unsafe nghttp2_submit_rst_stream(session, 0, head.stream_id, HTTP2Code.noError)
            }
        case FrameType.reset: unsafe state.pointee.resetSent(head.stream_id)
        case FrameType.goAway:
            unsafe state.pointee.goAwaySent(frame.pointee.goaway.error_code)
        default: break
        }
        return 0
    }
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) {
        _,
        frame,
        head,
        count,
        source,
        user in
        guard let state = unsafe state(user), let head = unsafe head, let source = unsafe source
        else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let slot = Int32(truncatingIfNeeded: unsafe UInt(bitPattern: source.pointee.ptr))
        unsafe state.pointee.writeData(head, count, slot: slot &- 1)
        return 0
    }
}

/// Where DATA of the stream in this slot comes from.
func dataProvider(_ slot: Int32) -> nghttp2_data_provider {
    // The slot itself, and one more, as nothing may be null.
    var source = unsafe nghttp2_data_source()
    unsafe source.ptr = UnsafeMutableRawPointer(bitPattern: UInt(slot) &+ 1)
    return unsafe nghttp2_data_provider(source: source) {
        session,
        stream,
        _,
        most,
        flags,
        source,
        user in
        guard let state = unsafe state(user), let flags = unsafe flags,
            let source = unsafe source
        else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let slot = Int32(truncatingIfNeeded: unsafe UInt(bitPattern: source.pointee.ptr)) &- 1
        switch unsafe state.pointee.nextData(slot, most) {
        case .wait: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .full: return Int(NGHTTP2_ERR_PAUSE.rawValue)
        case .some(let count):
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
            return count
        case .last(let count, let hasTrailers):
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
            if hasTrailers {
                unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                unsafe submitTrailers(state, session, stream, slot)
            }
            return count
        }
    }
}
