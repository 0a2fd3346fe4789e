import CLinux

/// A pooled stretch of memory with unread bytes in it.
///
/// A plain value: whoever holds it must give it back to the ``BufferPool`` it came from, once.
public struct Buffer: BitwiseCopyable {
    /// Where the memory begins; `nil` while there is none.
    public var base: UnsafeMutableRawPointer?
    /// Bytes of memory.
    public var capacity: UInt32
    /// The first unread byte.
    public var start: UInt32
    /// Past the last unread byte.
    public var end: UInt32

    /// No memory.
    public init() {
        base = nil
        capacity = 0
        start = 0
        end = 0
    }

    /// Unread bytes.
    public var count: Int { Int(end &- start) }
    /// Whether no byte is unread.
    public var isEmpty: Bool { end == start }
    /// Room behind the last unread byte.
    public var room: Int { Int(capacity &- end) }
    /// The first unread byte; only where there is memory.
    public var head: UnsafeMutableRawPointer? { base.map { $0 + Int(start) } }
    /// Where the next byte goes; only where there is memory.
    public var tail: UnsafeMutableRawPointer? { base.map { $0 + Int(end) } }
}

/// Buffers of 2, 4, 16, 64 and 72 KiB, and single larger ones.
///
/// 72 KiB is what a loop receives into: 64 KiB and room in front for a rewritten head.
///
/// Buffers that come back are kept up to ``keptLimit`` bytes and given out again, last returned
/// first, so that steady traffic allocates nothing.
public struct BufferPool: ~Copyable {
    private static let sizes: [5 of Int] = [2048, 4096, 16_384, 65_536, 73_728]
    private var free: [5 of UnsafeMutableRawPointer?] = .init(repeating: nil)
    private var keptBytes = 0
    /// Bytes given out and not yet returned.
    public private(set) var bytesInUse = 0
    /// Bytes of returned buffers that are kept for later.
    public let keptLimit: Int

    /// A pool that keeps at most `keptLimit` bytes of returned buffers.
    public init(keptLimit: Int = 16 << 20) { self.keptLimit = keptLimit }

    deinit {
        for index in 0..<5 {
            var next = free[index]
            while let buffer = next {
                next = buffer.load(as: UnsafeMutableRawPointer?.self)
                buffer.deallocate()
            }
        }
    }

    private static func sizeClass(_ count: Int) -> Int {
        if count <= 4096 { return count <= 2048 ? 0 : 1 }
        if count <= 65_536 { return count <= 16_384 ? 2 : 3 }
        return count <= 73_728 ? 4 : 5
    }

    /// An empty buffer for at least `count` bytes.
    public mutating func take(_ count: Int) -> Buffer {
        let sizeClass = Self.sizeClass(count)
        var buffer = Buffer()
        let size = sizeClass < 5 ? Self.sizes[sizeClass] : (count &+ 65_535) & ~65_535
        if sizeClass < 5, let kept = free[sizeClass] {
            free[sizeClass] = kept.load(as: UnsafeMutableRawPointer?.self)
            keptBytes &-= size
            buffer.base = kept
        } else {
            buffer.base = .allocate(byteCount: size, alignment: 16)
        }
        buffer.capacity = UInt32(truncatingIfNeeded: size)
        bytesInUse &+= size
        return buffer
    }

    /// Takes a buffer back and empties the variable that held it.
    public mutating func give(_ buffer: inout Buffer) {
        guard let base = buffer.base else { return }
        let size = Int(buffer.capacity)
        bytesInUse &-= size
        buffer = Buffer()
        let sizeClass = Self.sizeClass(size)
        guard sizeClass < 5, keptBytes &+ size <= keptLimit else {
            base.deallocate()
            return
        }
        base.storeBytes(of: free[sizeClass], as: UnsafeMutableRawPointer?.self)
        free[sizeClass] = base
        keptBytes &+= size
    }

    /// Appends bytes, moving to a larger buffer where there is no room.
    public mutating func append(_ bytes: UnsafeRawPointer, _ count: Int, to buffer: inout Buffer) {
        guard count > 0 else { return }
        reserve(count, in: &buffer)
        buffer.tail?.copyMemory(from: bytes, byteCount: count)
        buffer.end &+= UInt32(truncatingIfNeeded: count)
    }

    /// Makes room for `count` more bytes behind the unread ones.
    public mutating func reserve(_ count: Int, in buffer: inout Buffer) {
        if buffer.room >= count { return }
        let unread = buffer.count
        if let base = buffer.base, let head = buffer.head, Int(buffer.capacity) >= unread &+ count {
            base.copyMemory(from: head, byteCount: unread)
            buffer.start = 0
            buffer.end = UInt32(truncatingIfNeeded: unread)
            return
        }
        var larger = take(unread &+ count)
        if let head = buffer.head { larger.base?.copyMemory(from: head, byteCount: unread) }
        larger.end = UInt32(truncatingIfNeeded: unread)
        give(&buffer)
        buffer = larger
    }

    /// Marks bytes as read and gives the buffer back once all are.
    public mutating func consume(_ count: Int, from buffer: inout Buffer) {
        buffer.start &+= UInt32(truncatingIfNeeded: count)
        if buffer.start >= buffer.end { give(&buffer) }
    }
}
