import CNghttp2

/// What a connection and its callbacks know, apart from nghttp2's own session.
///
/// It lies behind a pointer: callbacks run while nghttp2 works for the connection, and no
/// mutating method of it calls anything that calls back.
@safe
struct HTTP2State {
    let pool: UnsafeMutablePointer<HTTP2Pool>
    let options: HTTP2Options
    let isServer: Bool
    /// Events that the caller has not cleared yet, and their text.
    var batch: UnsafeMutablePointer<HTTP2Batch>?
    /// Streams that are open, or were asked for.
    var streams = StreamTable()
    var scanner: FrameScanner
    var budget: FrameBudget
    /// Counts streams that had to be reset for a fault of the peer's; apart, as they turn up
    /// behind frames that were counted before, so that it does not matter how the bytes arrive.
    var faults: FrameBudget
    var closed = ClosedStreams()
    /// The head that is arriving.
    var head = HeadBuilder()
    /// Its text so far, where it does not arrive in one go.
    var carried: UnsafeMutablePointer<UInt8>?
    var carriedCount = 0
    /// The bytes that are being read.
    var received: UnsafeRawPointer?

    /// Where frames are written to, and how many bytes there is room for.
    var output: UnsafeMutableRawPointer?
    var room = 0
    var written = 0
    /// Frames that were put together before they are asked for, which come first.
    var packed: UnsafeMutableRawPointer?
    var packedCount = 0
    /// How many bytes of them have been handed on.
    var packedTaken = 0
    /// What of nghttp2's last frame did not fit.
    var leftover: UnsafePointer<UInt8>?
    var leftoverCount = 0
    /// Bytes behind ``room`` that nghttp2's own frames may take.
    var spare = 0
    /// Whether the frame sent last leaves a head unfinished.
    var isSendingHead = false
    /// Whether nghttp2 must not be asked for frames any more.
    var isBroken = false
    /// The first stream with body bytes lent to it; -1 if there is none.
    var firstSupplied: Int32 = -1

    /// Whether the connection is being ended for a fault of the peer's, or of nghttp2's.
    var isFailed = false
    /// The code of the GOAWAY that ended it, once it has left.
    var endCode: UInt32?
    /// Whether the last GOAWAY has been sent: streams that come are not taken up.
    var isClosing = false
    /// Frames that waited for being sent when the last SETTINGS began to be read.
    var queuedBefore = 0
    /// Whether the peer's settings have come.
    var hasSettings = false
    /// Whether the PING of a graceful end is out.
    var isDraining = false
    /// The stream whose message has just turned out to be malformed; 0 if none has.
    var flawed: Int32 = 0
    /// The code to end the connection with, as soon as nghttp2 has returned.
    var wantsEnd: UInt32?

    init(role: HTTP2Role, options: HTTP2Options, pool: UnsafeMutablePointer<HTTP2Pool>) {
        unsafe self.pool = pool
        self.options = options
        isServer = role == .server
        scanner = FrameScanner(preface: isServer ? FrameScanner.prefaceSize : 0)
        budget = FrameBudget(perSecond: options.budget)
        faults = budget
    }

    /// Adds an event.
    mutating func tell(_ event: HTTP2Event) {
        unsafe currentBatch().pointee.append(event)
    }

    /// The batch to add events to.
    mutating func currentBatch() -> UnsafeMutablePointer<HTTP2Batch> {
        if let batch = unsafe batch { return unsafe batch }
        let fresh = unsafe pool.pointee.takeBatch()
        unsafe batch = fresh
        return unsafe fresh
    }

    /// Gives the batch back.
    mutating func clearBatch() {
        guard let used = unsafe batch else { return }
        unsafe batch = nil
        unsafe pool.pointee.giveBack(used)
    }

    /// Opens a stream.
    mutating func open(_ id: Int32) -> Int32 {
        let slot = unsafe pool.pointee.takeSlot(id)
        streams.insert(id, slot)
        return slot
    }

    /// Takes a stream out that has not come about.
    mutating func abandon(_ id: Int32) {
        if let slot = streams.remove(id) { unsafe pool.pointee.freeSlot(slot) }
    }

    /// The stream in a slot; the pointer is good until another stream is opened.
    func stream(_ slot: Int32) -> UnsafeMutablePointer<HTTP2Stream> {
        unsafe pool.pointee.slots + Int(slot)
    }

    /// A head's text that was cut off goes on in a new batch.
    mutating func resumeHead() {
        guard let text = unsafe carried else { return }
        // The stream may have been closed since.
        if head.slot >= 0 {
            let batch = unsafe currentBatch()
            head.base = unsafe batch.pointee.textCount
            unsafe batch.pointee.reserve(carriedCount)
            unsafe batch.pointee.write(text, carriedCount)
        }
        unsafe text.deallocate()
        unsafe carried = nil
        carriedCount = 0
    }

    /// The bytes end in the middle of a head: its text is put aside, out of the batch.
    mutating func suspendHead() {
        guard head.slot >= 0, let batch = unsafe batch else { return }
        carriedCount = unsafe batch.pointee.textCount &- head.base
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(carriedCount, 1))
        unsafe copy.update(from: batch.pointee.text + head.base, count: carriedCount)
        unsafe carried = copy
        unsafe batch.pointee.truncateText(to: head.base)
    }

    /// Remembers that body bytes were lent to the stream in this slot.
    mutating func noteSupplied(_ slot: Int32) {
        unsafe stream(slot).pointee.next = firstSupplied
        firstSupplied = slot
    }

    /// What was lent is the caller's again.
    mutating func endSupplies() {
        while firstSupplied >= 0 {
            let stream = unsafe stream(firstSupplied)
            firstSupplied = unsafe stream.pointee.next
            unsafe stream.pointee.next = -1
            // What ends behind bytes that are the caller's again does not end yet.
            if unsafe stream.pointee.supplied > 0 {
                unsafe stream.pointee.marks.remove(.finishing)
            }
            unsafe stream.pointee.supply = nil
            unsafe stream.pointee.supplied = 0
        }
    }

    /// Takes a stream that is over out of the list of those that bytes were lent to.
    mutating func forgetSupply(_ slot: Int32) {
        guard unsafe stream(slot).pointee.supply != nil else { return }
        let next = unsafe stream(slot).pointee.next
        if firstSupplied == slot {
            firstSupplied = next
            return
        }
        var before = firstSupplied
        while before >= 0 {
            let stream = unsafe stream(before)
            if unsafe stream.pointee.next == slot {
                unsafe stream.pointee.next = next
                return
            }
            before = unsafe stream.pointee.next
        }
    }

    /// Frees all memory; the session is gone.
    mutating func deallocate() {
        streams.visit { slot in unsafe pool.pointee.freeSlot(slot) }
        streams.deallocate()
        clearBatch()
        dropPacked()
        if let carried = unsafe carried { unsafe carried.deallocate() }
    }
}
