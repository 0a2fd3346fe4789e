import CNghttp2

/// One side of a HTTP/2 connection (RFC 9113) over nghttp2: bytes and calls in, bytes and events
/// out.
///
/// A stream looks to the caller as a connection of HTTP/1 of its own: heads are text, which the
/// parsers of HTTP/1 read, bodies are plain bytes. All that RFC 9113 §8 wants of a message is
/// checked before an event tells of it, so that nothing it allows to be smuggled gets into text.
///
/// nghttp2 keeps the frames, HPACK, windows and priorities. Its own checks of messages are off:
/// they cost time for fields that nobody wants any more, and pass over some that must be refused.
///
/// Events and the text they point into are good until ``clearEvents()``. A call for a stream that
/// is gone does nothing and says so.
@safe
public final class HTTP2Connection {
    /// What is the matter with a connection; behind a pointer, as callbacks change it.
    let state: UnsafeMutablePointer<HTTP2State>
    /// nghttp2's session.
    let session: OpaquePointer
    private let memory: HTTP2Memory
    private let options: HTTP2Options
    /// What the caller notes of the peer's reading.
    public var notes = HTTP2Notes()

    /// Frames that may wait for being sent, beyond what streams have; a peer that makes more and
    /// reads none is told to calm down.
    public static let mostQueued = 1_000

    /// Interim answers to one request that are taken.
    public static let mostInterims: UInt8 = 16

    /// A connection on which nothing was said yet; its settings wait to be sent.
    ///
    /// nil if nghttp2 has no memory.
    public init?(role: HTTP2Role, options: HTTP2Options, memory: HTTP2Memory) {
        let state = UnsafeMutablePointer<HTTP2State>.allocate(capacity: 1)
        unsafe state.initialize(
            to: HTTP2State(role: role, options: options, pool: memory.pool)
        )
        guard let session = unsafe makeSession(role, memory.pool, state) else {
            unsafe state.pointee.deallocate()
            unsafe state.deinitialize(count: 1)
            unsafe state.deallocate()
            return nil
        }
        unsafe self.state = state
        unsafe self.session = session
        self.memory = memory
        self.options = options
        // nghttp2 has put the client's preface where other sessions' frames go.
        if role == .client { packAll() }
        submitSettings(role)
    }

    deinit {
        unsafe nghttp2_session_del(session)
        unsafe state.pointee.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    private func submitSettings(_ role: HTTP2Role) {
        // What a list of fields is counted as: 32 bytes more for each (RFC 9113 §6.5.2).
        let listSize = options.headLimits.headSize &+ options.headLimits.fields &* 32
        var entries: [(nghttp2_settings_id, Int)] = [
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindow),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, min(listSize, Int(Int32.max))),
        ]
        if role == .server {
            entries.append((NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams))
            entries.append((NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
            if options.allowsWebSocket {
                entries.append((NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
            }
        } else {
            entries.append((NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        let settings = entries.map { id, value in
            nghttp2_settings_entry(
                settings_id: Int32(bitPattern: id.rawValue),
                value: UInt32(truncatingIfNeeded: value)
            )
        }
        unsafe nghttp2_submit_settings(session, 0, settings, settings.count)
        unsafe nghttp2_session_set_local_window_size(
            session,
            0,
            0,
            Int32(truncatingIfNeeded: options.connectionWindow)
        )
    }

    // MARK: - Events

    /// How many events there are.
    ///
    /// `receive` adds them, and `send` and `reset` may.
    public var eventCount: Int {
        guard let batch = unsafe state.pointee.batch else { return 0 }
        return unsafe batch.pointee.count
    }

    /// The event at `index`, which is at least 0 and below ``eventCount``.
    public func event(_ index: Int) -> HTTP2Event {
        guard let batch = unsafe state.pointee.batch, index >= 0,
            unsafe index < batch.pointee.count
        else { return HTTP2Event(.end, stream: 0) }
        return unsafe batch.pointee.events[index]
    }

    /// The text that events of heads and trailers point into.
    public var text: UnsafeRawBufferPointer {
        guard let batch = unsafe state.pointee.batch else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(
            start: batch.pointee.text,
            count: batch.pointee.textCount
        )
    }

    /// Drops all events and their text.
    public func clearEvents() { unsafe state.pointee.clearBatch() }

    /// Gives the stream of an event a number that its later events have, those that are there
    /// already included.
    ///
    /// False if the stream is gone; events of it that are there have the number all the same.
    @discardableResult
    public func setToken(_ token: UInt64, ofStreamAt index: Int) -> Bool {
        guard let batch = unsafe state.pointee.batch, index >= 0,
            unsafe index < batch.pointee.count
        else { return false }
        let id = unsafe batch.pointee.events[index].stream
        let slot = unsafe state.pointee.streams.slot(id)
        if let slot {
            let stream = unsafe state.pointee.stream(slot)
            unsafe stream.pointee.token = token
            // Nothing can have come behind a head that ended its stream.
            let isLast = unsafe batch.pointee.events[index].endsStream
            if unsafe isLast && !stream.pointee.marks.contains(.isReset) {
                unsafe batch.pointee.events[index].token = token
                return true
            }
        }
        for later in index..<(unsafe batch.pointee.count)
        where unsafe batch.pointee.events[later].stream == id {
            if unsafe batch.pointee.events[later].kind != .goAway {
                unsafe batch.pointee.events[later].token = token
            }
        }
        return slot != nil
    }

    // MARK: - Receiving

    /// Reads bytes received, all of them; `now` is in nanoseconds of a clock that does not go
    /// back.
    ///
    /// False if the connection is to be closed once what it has to send has left.
    @discardableResult
    public func receive(_ bytes: UnsafeRawPointer, _ count: Int, now: Int64) -> Bool {
        if unsafe state.pointee.isFailed { return false }
        unsafe state.pointee.budget.advance(to: now)
        unsafe state.pointee.faults.advance(to: now)
        unsafe state.pointee.received = bytes
        unsafe state.pointee.resumeHead()
        unsafe read(bytes, count)
        unsafe state.pointee.received = nil
        unsafe state.pointee.suspendHead()
        if queued > Self.mostQueued &+ options.streams &* 2 { fail(HTTP2Code.enhanceYourCalm) }
        return unsafe !state.pointee.isFailed
    }

    /// Frames that wait for being sent, DATA not among them.
    private var queued: Int { unsafe nghttp2_session_get_outbound_queue_size(session) }

    /// Whether there are any.
    var hasQueued: Bool { queued > 0 }

    /// Hands the bytes to nghttp2, stopping before frames that it may not see.
    private func read(_ bytes: UnsafeRawPointer, _ count: Int) {
        var position = 0
        var done = 0
        // Where the last frame begins, if it does so in these bytes.
        var start = 0
        unsafe state.pointee.queuedBefore = queued
        while position < count {
            let step = unsafe state.pointee.scanner.next(bytes, from: &position, to: count)
            var verdict = FrameVerdict.pass
            switch step {
            case .needMore: break
            case .frame:
                start = max(position &- FrameScanner.headSize, 0)
                verdict = unsafe state.pointee.frameBegan()
            case .captured: verdict = unsafe state.pointee.payloadBegan()
            }
            if verdict == .pass { continue }
            // Of a frame whose payload is at fault nghttp2 shall have seen the head.
            let end = step == .captured ? position : start
            if end > done {
                guard unsafe feed(bytes + done, end &- done) else { return }
                done = end
            }
            if verdict == .settle {
                unsafe state.pointee.queuedBefore = queued
                verdict = unsafe state.pointee.verdictOnKnown()
            }
            if case .fail(let code) = verdict {
                fail(code)
                return
            }
        }
        if count > done { _ = unsafe feed(bytes + done, count &- done) }
    }

    private func feed(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        let start = unsafe bytes.assumingMemoryBound(to: UInt8.self)
        let read = unsafe nghttp2_session_mem_recv(session, start, count)
        if read >= 0 { return true }
        let error = Int32(truncatingIfNeeded: read)
        fail(unsafe state.pointee.wantsEnd ?? code(answering: error))
        return false
    }

    /// Whether the peer has begun a head or a trailer section and not ended it: nothing else can
    /// come before it does.
    public var isInsideHead: Bool { unsafe state.pointee.scanner.isInsideHead }

    /// Ends the connection with GOAWAY.
    func fail(_ code: UInt32) {
        if unsafe state.pointee.isFailed { return }
        unsafe state.pointee.isFailed = true
        unsafe nghttp2_session_terminate_session(session, code)
    }

    // MARK: - Sending

    /// Writes frames to `output`, which has room for `room` bytes, at least 1 KiB; how many were
    /// written.
    ///
    /// Body bytes that were lent and not taken have to be lent again.
    public func send(into output: UnsafeMutableRawPointer, room: Int) -> Int {
        unsafe state.pointee.output = output
        unsafe state.pointee.room = room
        unsafe state.pointee.written = 0
        unsafe state.pointee.writePacked()
        if unsafe state.pointee.packed == nil {
            while unsafe state.pointee.written < room, unsafe state.pointee.leftover == nil,
                writeFrame()
            {}
        }
        let written = unsafe state.pointee.written
        unsafe state.pointee.endSupplies()
        unsafe state.pointee.output = nil
        unsafe state.pointee.keepLeftover()
        return written
    }

    /// Has nghttp2 write one frame, or several of DATA; false if there is none.
    private func writeFrame() -> Bool {
        if unsafe state.pointee.isBroken { return false }
        var frame: UnsafePointer<UInt8>?
        let count = unsafe nghttp2_session_mem_send(session, &frame)
        if count < 0 { fail(HTTP2Code.internalError) }
        guard count > 0, let frame = unsafe frame else { return false }
        unsafe state.pointee.noteFrame(frame, count)
        unsafe state.pointee.write(frame, count)
        return true
    }

    /// Whether frames wait, the rest of a head that was begun among them.
    private var owesFrames: Bool { unsafe hasQueued || state.pointee.isSendingHead }

    /// Puts all frames together that wait, DATA not among them, as far as there is room; whether
    /// none waits any more.
    func pack() -> Bool {
        guard owesFrames else { return true }
        guard unsafe state.pointee.packingRoom >= Int(weir_h2_frames) else { return false }
        unsafe state.pointee.beginPacking()
        while owesFrames, unsafe state.pointee.hasRoomForFrame, writeFrame() {}
        unsafe state.pointee.endPacking()
        return !owesFrames
    }

    /// Puts all frames together that can be sent now, as far as there is room.
    func packAll() {
        unsafe state.pointee.beginPacking()
        while unsafe state.pointee.hasRoomForFrame, writeFrame() {}
        unsafe state.pointee.endPacking()
    }

    /// Whether there may be something to send.
    public var wantsSend: Bool {
        if unsafe state.pointee.packed != nil { return true }
        return unsafe !state.pointee.isBroken && nghttp2_session_want_write(session) != 0
    }

    /// Whether nothing more is to be read or sent: the connection can be closed.
    public var isOver: Bool {
        if wantsSend { return false }
        if unsafe state.pointee.isFailed { return true }
        // A server that has only warned the client still owes it the last stream that counts.
        let owes = unsafe state.pointee.isServer && state.pointee.isDraining
        if unsafe owes && !state.pointee.isClosing { return false }
        return unsafe nghttp2_session_want_read(session) == 0
    }

    /// The code of the GOAWAY with which this side ended the connection for a fault of the
    /// peer's, once it has left; nil if it did not.
    public var endCode: UInt32? { unsafe state.pointee.endCode }

    /// Whether requests are of the scheme "https".
    var isSecure: Bool { options.isSecure }

    /// How many streams this side opens at most.
    var mostStreams: Int { options.streams }

    /// How many streams are open, those included that were asked for and are not sent yet.
    public var streamCount: Int { unsafe state.pointee.streams.count }
}

/// The code that answers an error of nghttp2's which it has not answered itself.
private func code(answering error: Int32) -> UInt32 {
    switch error {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: HTTP2Code.protocolError
    case NGHTTP2_ERR_NOMEM.rawValue, NGHTTP2_ERR_CALLBACK_FAILURE.rawValue:
        HTTP2Code.internalError
    default: HTTP2Code.enhanceYourCalm
    }
}

/// A session of nghttp2's; nil if there is no memory.
private func makeSession(
    _ role: HTTP2Role,
    _ pool: UnsafeMutablePointer<HTTP2Pool>,
    _ state: UnsafeMutablePointer<HTTP2State>
) -> OpaquePointer? {
    var options: OpaquePointer?
    let callbacks = unsafe pool.pointee.callbacks
    guard unsafe callbacks != nil, unsafe nghttp2_option_new(&options) == 0 else { return nil }
    defer { unsafe nghttp2_option_del(options) }
    // Windows open again as bodies are used.
    unsafe nghttp2_option_set_no_auto_window_update(options, 1)
    unsafe nghttp2_option_set_no_http_messaging(options, 1)
    unsafe nghttp2_option_set_no_closed_streams(options, 1)
    // Out of reach: resets are counted here.
    unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1 << 40, 1 << 40)
    // So are CONTINUATIONs, which nghttp2 counts anew with each piece that one arrives in.
    unsafe nghttp2_option_set_max_continuations(options, 1 << 30)
    unsafe nghttp2_option_set_max_send_header_block_length(options, 1 << 20)
    var session: OpaquePointer?
    let shared = unsafe pool.pointee.shared
    var memory = unsafe weir_h2_sharing(shared)
    unsafe shared.pointee.lends = 1
    let result =
        role == .server
        ? unsafe nghttp2_session_server_new3(&session, callbacks, state, options, &memory)
        : unsafe nghttp2_session_client_new3(&session, callbacks, state, options, &memory)
    unsafe shared.pointee.lends = 0
    return unsafe result == 0 ? session : nil
}
