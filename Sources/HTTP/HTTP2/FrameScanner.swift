/// The types of frames (RFC 9113 §6).
enum FrameType {
    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let reset: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let pushPromise: UInt8 = 0x5
    static let ping: UInt8 = 0x6
    static let goAway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9
}

/// The flags of frames (RFC 9113 §6).
enum FrameFlag {
    static let endStream: UInt8 = 0x1
    static let acknowledges: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
}

/// Finds where frames begin in the bytes received, before nghttp2 sees them.
///
/// nghttp2 tells of a frame only if it has something to say about it; budgets and the rules of
/// closed streams need all of them.
struct FrameScanner {
    /// Bytes of a frame's head.
    static let headSize = 9
    /// Bytes that a client sends before its first frame (RFC 9113 §3.4).
    static let prefaceSize = 24

    /// Where reading stands.
    enum Step {
        /// All bytes are read.
        case needMore
        /// A frame's head was read.
        case frame
        /// The first bytes of the payload were read that ``capture(_:)`` asked for.
        case captured
    }

    private var head = InlineArray<9, UInt8>(repeating: 0)
    private var headCount = 0
    /// Bytes of the payload, or of the preface, that are still to come.
    private var left: Int
    private var toCapture = 0
    /// The first bytes of the payload as far as they were asked for.
    private(set) var captured: UInt32 = 0

    /// The payload's length of the frame read last.
    private(set) var length = 0
    /// Its type.
    private(set) var type: UInt8 = 0
    /// Its flags.
    private(set) var flags: UInt8 = 0
    /// Its stream.
    private(set) var stream: Int32 = 0

    /// Whether a head or a trailer section has begun and not ended.
    var isInsideHead: Bool {
        (type == FrameType.headers || type == FrameType.continuation)
            && (left > 0 || flags & FrameFlag.endHeaders == 0)
    }

    /// A scanner at the beginning of a connection, of which `preface` bytes are no frame.
    init(preface: Int) { left = preface }

    /// Reads on from `position`, which moves past what was read.
    mutating func next(_ bytes: UnsafeRawPointer, from position: inout Int, to end: Int) -> Step {
        while position < end {
            if toCapture > 0, left > 0 {
                captured = captured << 8 | UInt32(unsafe byte(bytes, position))
                position &+= 1
                left &-= 1
                toCapture &-= 1
                if toCapture == 0 { return .captured }
                continue
            }
            if left > 0 {
                let step = min(left, end &- position)
                left &-= step
                position &+= step
                continue
            }
            if headCount == 0, end &- position >= Self.headSize {
                unsafe unpack(bytes + position)
                position &+= Self.headSize
                return .frame
            }
            head[headCount] = unsafe byte(bytes, position)
            headCount &+= 1
            position &+= 1
            if headCount == Self.headSize {
                unpack()
                return .frame
            }
        }
        return .needMore
    }

    private func byte(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        unsafe bytes.load(fromByteOffset: offset, as: UInt8.self)
    }

    private mutating func unpack() {
        headCount = 0
        let copy = head
        unsafe withUnsafeBytes(of: copy) { bytes in
            if let base = bytes.baseAddress { unsafe unpack(base) }
        }
    }

    private mutating func unpack(_ head: UnsafeRawPointer) {
        let first = UInt32(bigEndian: unsafe head.loadUnaligned(as: UInt32.self))
        length = Int(first >> 8)
        type = UInt8(truncatingIfNeeded: first)
        flags = unsafe byte(head, 4)
        let id = UInt32(bigEndian: unsafe head.loadUnaligned(fromByteOffset: 5, as: UInt32.self))
        stream = Int32(truncatingIfNeeded: id & 0x7fff_ffff)
        left = length
        toCapture = 0
    }

    /// Asks for the first `count` bytes of the payload, at most 4 and no more than it has.
    mutating func capture(_ count: Int) {
        captured = 0
        toCapture = min(count, left)
    }
}
