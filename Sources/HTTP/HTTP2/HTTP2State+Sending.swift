import CNghttp2

/// What becomes of what is sent: called while nghttp2 writes.
extension HTTP2State {
    /// What there is to send of a stream's body.
    enum NextData {
        /// Nothing yet.
        case wait
        /// Something, but no room for it.
        case full
        /// So many bytes.
        case some(Int)
        /// So many bytes, the last ones; trailers may follow.
        case last(Int, hasTrailers: Bool)
    }

    /// A DATA frame is not begun for fewer bytes than this if there are more.
    static let leastData = 512

    /// How much a DATA frame of the stream in this slot may hold, at most `most`.
    mutating func nextData(_ slot: Int32, _ most: Int) -> NextData {
        let stream = unsafe stream(slot)
        let supplied = unsafe stream.pointee.supplied
        let isFinishing = unsafe stream.pointee.marks.contains(.finishing)
        if supplied == 0, !isFinishing { return .wait }
        let space = room &- written &- FrameScanner.headSize
        if space < min(supplied, Self.leastData) { return .full }
        let count = min(min(supplied, most), space)
        if isFinishing, count == supplied {
            return unsafe .last(
                count,
                hasTrailers: stream.pointee.marks.contains(.trailers)
            )
        }
        return .some(count)
    }

    /// Writes a DATA frame for which there is room.
    mutating func writeData(_ head: UnsafePointer<UInt8>, _ count: Int, slot: Int32) {
        guard let output = unsafe output else { return }
        unsafe (output + written).copyMemory(from: head, byteCount: FrameScanner.headSize)
        written &+= FrameScanner.headSize
        budget.sentData(count)
        let stream = unsafe stream(slot)
        guard count > 0, let bytes = unsafe stream.pointee.supply else { return }
        unsafe (output + written).copyMemory(from: bytes, byteCount: count)
        written &+= count
        unsafe stream.pointee.supply = bytes + count
        unsafe stream.pointee.supplied &-= count
        unsafe stream.pointee.taken &+= count
    }

    /// A frame of nghttp2's is about to be written: notes whether a head goes on behind it
    /// (RFC 9113 §6.2, §6.10).
    mutating func noteFrame(_ frame: UnsafePointer<UInt8>, _ count: Int) {
        guard count >= FrameScanner.headSize else { return }
        let (kind, flags) = unsafe (frame[3], frame[4])
        let isOfHead = kind == 1 || kind == 5 || kind == 9
        isSendingHead = isOfHead && flags & 4 == 0
    }

    /// Writes bytes of nghttp2's as far as there is room; what does not fit is written next time.
    mutating func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard let output = unsafe output else { return }
        let fitting = min(count, room &+ spare &- written)
        unsafe (output + written).copyMemory(from: bytes, byteCount: fitting)
        written &+= fitting
        unsafe leftover = fitting < count ? bytes + fitting : nil
        leftoverCount = count &- fitting
    }

    /// Bytes that can still be put together beforehand.
    var packingRoom: Int { packedTaken == 0 ? HTTP2Pool.blockSize &- packedCount : 0 }

    /// Has frames written behind those that are put together already, of which none has been handed
    /// on.
    mutating func beginPacking() {
        let block = unsafe packed ?? pool.pointee.takeBlock()
        unsafe packed = block
        unsafe output = block
        room = HTTP2Pool.blockSize
        // A frame of nghttp2's may come behind DATA that has taken the room meant for it.
        spare = HTTP2Pool.blockSpare
        written = packedCount
    }

    /// The frames that were written wait to be asked for.
    mutating func endPacking() {
        packedCount = written
        spare = 0
        unsafe output = nil
        if packedCount == 0 { dropPacked() }
    }

    /// Whether any frame fits into what is being written.
    var hasRoomForFrame: Bool { room &- written >= Int(weir_h2_frames) }

    /// What of a frame did not fit waits as what is put together beforehand does: nghttp2's own
    /// memory is that of other sessions too.
    mutating func keepLeftover() {
        guard let rest = unsafe leftover else { return }
        let count = leftoverCount
        unsafe leftover = nil
        beginPacking()
        unsafe write(rest, count)
        endPacking()
    }

    /// Writes what was put together, as far as there is room.
    mutating func writePacked() {
        guard let block = unsafe packed, let output = unsafe output else { return }
        let count = min(packedCount &- packedTaken, room &- written)
        unsafe (output + written).copyMemory(from: block + packedTaken, byteCount: count)
        written &+= count
        packedTaken &+= count
        if packedTaken == packedCount { dropPacked() }
    }

    /// Gives the memory of what was put together back.
    mutating func dropPacked() {
        if let block = unsafe packed { unsafe pool.pointee.giveBack(block) }
        unsafe packed = nil
        packedCount = 0
        packedTaken = 0
    }

    /// This side's END_STREAM has left; whether the stream is to be reset, as what else the peer
    /// sends is not wanted (RFC 9113 §8.1).
    mutating func endSent(_ id: Int32) -> Bool {
        guard let slot = streams.slot(id) else { return false }
        let stream = unsafe stream(slot)
        unsafe stream.pointee.marks.insert(.localEnd)
        let marks = unsafe stream.pointee.marks
        guard isServer, marks.contains(.discards), !marks.contains(.remoteEnd) else {
            return false
        }
        unsafe stream.pointee.marks.insert(.isReset)
        return true
    }

    /// Has the last stream that counts be told: the client opens no more.
    mutating func nameLastStream(_ session: OpaquePointer?) {
        isClosing = true
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, 0, last, HTTP2Code.noError, nil, 0)
    }

    /// A RST_STREAM has left.
    mutating func resetSent(_ id: Int32) { closed.drop(id) }

    /// A GOAWAY has left.
    mutating func goAwaySent(_ code: UInt32) {
        if code != HTTP2Code.noError { endCode = code }
    }
}
