import CBytes

/// Events and the text that they point into: lent to a connection while it has events.
@safe
struct HTTP2Batch {
    /// Room that stays for the next time, in bytes.
    static let lastingText = 1 << 20

    private(set) var events: UnsafeMutablePointer<HTTP2Event>
    private(set) var count = 0
    private var capacity = 64
    /// The text.
    private(set) var text: UnsafeMutablePointer<UInt8>
    /// How much of it is used.
    private(set) var textCount = 0
    private var textCapacity = 16 << 10
    /// The next one that is free.
    var next: UnsafeMutablePointer<HTTP2Batch>?

    /// An empty batch.
    init() {
        unsafe events = .allocate(capacity: capacity)
        unsafe text = .allocate(capacity: textCapacity)
    }

    /// Gives its memory back.
    func deallocate() {
        unsafe events.deallocate()
        unsafe text.deallocate()
    }

    /// Empties it; memory that one large load took is given back.
    mutating func removeAll() {
        count = 0
        textCount = 0
        if textCapacity > Self.lastingText { resizeText(to: 16 << 10) }
    }

    /// Adds an event.
    mutating func append(_ event: HTTP2Event) {
        if count == capacity {
            let larger = UnsafeMutablePointer<HTTP2Event>.allocate(capacity: capacity &* 2)
            unsafe larger.update(from: events, count: count)
            unsafe events.deallocate()
            unsafe events = larger
            capacity &*= 2
        }
        unsafe events[count] = event
        count &+= 1
    }

    /// Ends the stream with the last event, if that is DATA of it.
    mutating func endLast(_ id: Int32) -> Bool {
        guard count > 0, unsafe events[count &- 1].kind == .data,
            unsafe events[count &- 1].stream == id
        else { return false }
        unsafe events[count &- 1].endsStream = true
        return true
    }

    /// Makes room for so many bytes of text more.
    mutating func reserve(_ more: Int) {
        let wanted = textCount &+ more
        if wanted > textCapacity { resizeText(to: max(wanted, textCapacity &* 2)) }
    }

    private mutating func resizeText(to capacity: Int) {
        let other = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        unsafe other.update(from: text, count: min(textCount, capacity))
        unsafe text.deallocate()
        unsafe text = other
        textCapacity = capacity
    }

    /// Adds bytes for which there is room.
    mutating func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        unsafe (text + textCount).update(from: bytes, count: count)
        textCount &+= count
    }

    /// Adds bytes for which there is room.
    mutating func write(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let from = bytes.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(text + textCount)
                .copyMemory(from: from, byteCount: bytes.count)
        }
        textCount &+= bytes.byteCount
    }

    /// Adds a field's line, for which there is room.
    mutating func writeLine(_ name: RawSpan, _ value: RawSpan) {
        unsafe name.withUnsafeBytes { name in
            unsafe value.withUnsafeBytes { value in
                guard let from = name.baseAddress else { return }
                // An empty value may be nowhere.
                let bytes = unsafe value.baseAddress ?? from
                let written = unsafe cbytes_write_line(
                    text + textCount,
                    from.assumingMemoryBound(to: UInt8.self),
                    name.count,
                    bytes.assumingMemoryBound(to: UInt8.self),
                    value.count
                )
                textCount &+= written
            }
        }
    }

    /// Adds bytes for which there is room.
    mutating func write(_ string: StaticString) {
        unsafe write(string.utf8Start, string.utf8CodeUnitCount)
    }

    /// Adds a stretch of the text itself, for which there is room.
    mutating func write(_ range: ByteRange, from base: Int) {
        unsafe write(text + base + range.start, Int(range.count))
    }

    /// Adds one byte for which there is room.
    mutating func write(_ byte: UInt8) {
        unsafe text[textCount] = byte
        textCount &+= 1
    }

    /// Drops the text from `count` on.
    mutating func truncateText(to count: Int) { textCount = min(textCount, count) }

    /// Moves the stretch between two places to the end of the text.
    mutating func moveToEnd(from start: Int, to end: Int) {
        let length = end &- start
        reserve(length)
        unsafe (text + textCount).update(from: text + start, count: length)
        unsafe (text + start).update(from: text + end, count: textCount &- start)
    }
}
