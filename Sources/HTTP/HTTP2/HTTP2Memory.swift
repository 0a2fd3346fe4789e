import CNghttp2

/// The memory that all HTTP/2 connections of one worker share, so that idle ones have none of it
/// and busy ones allocate nothing.
@safe
public final class HTTP2Memory {
    /// What it consists of.
    let pool: UnsafeMutablePointer<HTTP2Pool>

    /// Memory without any connection.
    public init() {
        unsafe pool = .allocate(capacity: 1)
        unsafe pool.initialize(to: HTTP2Pool())
    }

    /// Bytes of blocks in which frames wait to be sent.
    public var bytesInUse: Int { unsafe pool.pointee.bytesLent }

    deinit {
        unsafe pool.pointee.deallocate()
        unsafe pool.deinitialize(count: 1)
        unsafe pool.deallocate()
    }
}

/// Slots of streams, batches of events, blocks of frames, and room for the fields of a head that
/// is sent.
@safe
struct HTTP2Pool {
    /// The slots; they move when there are more.
    private(set) var slots: UnsafeMutablePointer<HTTP2Stream>
    private var slotCapacity = 16
    private var freeSlot: Int32 = 0
    private var freeBatch: UnsafeMutablePointer<HTTP2Batch>?
    private var freeBlock: UnsafeMutableRawPointer?
    private var freeBlocks = 0
    /// Bytes of the blocks that are lent.
    private(set) var bytesLent = 0
    /// Room for the fields of one head.
    private(set) var fields: UnsafeMutablePointer<nghttp2_nv>
    /// How many fields there is room for.
    private(set) var fieldCapacity = 64
    /// Room for names in lower case.
    private(set) var names: UnsafeMutablePointer<UInt8>
    private var nameCapacity = 4 << 10
    /// What nghttp2 calls.
    let callbacks: OpaquePointer?
    /// What the sessions of nghttp2 share.
    let shared: UnsafeMutablePointer<weir_h2_memory>

    /// A pool without any stream.
    init() {
        unsafe slots = .allocate(capacity: slotCapacity)
        unsafe fields = .allocate(capacity: fieldCapacity)
        unsafe names = .allocate(capacity: nameCapacity)
        unsafe callbacks = makeCallbacks()
        unsafe shared = .allocate(capacity: 1)
        unsafe shared.initialize(to: weir_h2_memory())
        link(from: 0)
    }

    /// Gives all memory back; no batch is lent any more.
    func deallocate() {
        unsafe slots.deallocate()
        unsafe fields.deallocate()
        unsafe names.deallocate()
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe weir_h2_release(shared)
        unsafe shared.deallocate()
        var batch = unsafe freeBatch
        while let free = unsafe batch {
            unsafe batch = free.pointee.next
            unsafe free.pointee.deallocate()
            unsafe free.deallocate()
        }
        var block = unsafe freeBlock
        while let free = unsafe block {
            unsafe block = free.load(as: UnsafeMutableRawPointer?.self)
            unsafe free.deallocate()
        }
    }

    private mutating func link(from first: Int) {
        var index = first
        while index < slotCapacity {
            let next = index &+ 1 < slotCapacity ? Int32(truncatingIfNeeded: index &+ 1) : -1
            var slot = HTTP2Stream()
            slot.next = next
            unsafe (slots + index).initialize(to: slot)
            index &+= 1
        }
        freeSlot = Int32(truncatingIfNeeded: first)
    }

    /// Takes a slot for the stream of this number.
    mutating func takeSlot(_ id: Int32) -> Int32 {
        if freeSlot < 0 {
            let first = slotCapacity
            let larger = UnsafeMutablePointer<HTTP2Stream>.allocate(capacity: first &* 2)
            unsafe larger.update(from: slots, count: first)
            unsafe slots.deallocate()
            unsafe slots = larger
            slotCapacity &*= 2
            link(from: first)
        }
        let slot = freeSlot
        freeSlot = unsafe slots[Int(slot)].next
        var stream = HTTP2Stream()
        stream.id = id
        unsafe slots[Int(slot)] = stream
        return slot
    }

    /// Gives a slot back.
    mutating func freeSlot(_ slot: Int32) {
        if let trailers = unsafe slots[Int(slot)].trailers { unsafe trailers.deallocate() }
        unsafe slots[Int(slot)].trailers = nil
        unsafe slots[Int(slot)].id = 0
        unsafe slots[Int(slot)].next = freeSlot
        freeSlot = slot
    }

    /// Lends an empty batch.
    mutating func takeBatch() -> UnsafeMutablePointer<HTTP2Batch> {
        if let batch = unsafe freeBatch {
            unsafe freeBatch = batch.pointee.next
            return unsafe batch
        }
        let batch = UnsafeMutablePointer<HTTP2Batch>.allocate(capacity: 1)
        unsafe batch.initialize(to: HTTP2Batch())
        return unsafe batch
    }

    /// Takes a batch back.
    mutating func giveBack(_ batch: UnsafeMutablePointer<HTTP2Batch>) {
        unsafe batch.pointee.removeAll()
        unsafe batch.pointee.next = freeBatch
        unsafe freeBatch = batch
    }

    /// Bytes of a block.
    static let blockSize = 64 << 10
    /// Bytes behind it, for one frame.
    static let blockSpare = Int(weir_h2_frames)
    /// Blocks that are kept for the next time.
    private static let mostFreeBlocks = 32

    /// Lends a block of memory.
    mutating func takeBlock() -> UnsafeMutableRawPointer {
        let size = Self.blockSize &+ Self.blockSpare
        bytesLent &+= size
        guard let block = unsafe freeBlock else {
            return .allocate(byteCount: size, alignment: 64)
        }
        unsafe freeBlock = block.load(as: UnsafeMutableRawPointer?.self)
        freeBlocks &-= 1
        return unsafe block
    }

    /// Takes a block back; the first bytes of free ones point to the next.
    mutating func giveBack(_ block: UnsafeMutableRawPointer) {
        bytesLent &-= Self.blockSize &+ Self.blockSpare
        if freeBlocks == Self.mostFreeBlocks {
            unsafe block.deallocate()
            return
        }
        freeBlocks &+= 1
        unsafe block.storeBytes(of: freeBlock, as: UnsafeMutableRawPointer?.self)
        unsafe freeBlock = block
    }

    /// Makes room for names of so many bytes altogether.
    mutating func reserveNames(_ count: Int) {
        guard count > nameCapacity else { return }
        unsafe names.deallocate()
        nameCapacity = max(count, nameCapacity &* 2)
        unsafe names = .allocate(capacity: nameCapacity)
    }

    /// Makes room for `count` fields, and for a few pseudo-header fields besides; the first `kept`
    /// stay.
    mutating func reserveFields(_ count: Int, keeping kept: Int) {
        guard count &+ Self.pseudoFields > fieldCapacity else { return }
        let capacity = max(count &+ Self.pseudoFields, fieldCapacity &* 2)
        let larger = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: capacity)
        unsafe larger.update(from: fields, count: kept)
        unsafe fields.deallocate()
        unsafe fields = larger
        fieldCapacity = capacity
    }

    /// Fields of a head that no line of its text stands for, at most.
    private static let pseudoFields = 8
}
