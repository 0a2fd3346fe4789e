/// What became of the last streams that a client opened, as far as they are over.
///
/// nghttp2 passes over frames of streams that it does not know. RFC 9113 §5.1 wants more: a
/// number that was never used is an error of another kind than one that the client itself has
/// ended, and where this side has reset a stream, frames may still be under way.
struct ClosedStreams {
    /// How many streams back it remembers.
    static let reach: Int32 = 256

    /// The highest number that the client has used.
    private(set) var last: Int32 = 0
    private var opened = InlineArray<4, UInt64>(repeating: 0)
    private var dropped = InlineArray<4, UInt64>(repeating: 0)

    /// What is known of a stream that is not open.
    enum Fate {
        /// Its number was passed over.
        case neverOpened
        /// The client ended or reset it, or it ended on both sides.
        case ended
        /// This side has reset it or never took it up, or it is too long ago to know.
        case dropped
    }

    private func bit(_ id: Int32) -> (word: Int, mask: UInt64) {
        let index = Int(id >> 1) & 255
        return (index >> 6, 1 &<< UInt64(index & 63))
    }

    /// A client opens a stream, whose number is odd and above ``last``.
    mutating func open(_ id: Int32) {
        var skipped = max(last &+ (last == 0 ? 1 : 2), id &- Self.reach &* 2 &+ 2)
        while skipped <= id {
            let (word, mask) = bit(skipped)
            opened[word] &= ~mask
            dropped[word] &= ~mask
            if skipped == id { break }
            skipped &+= 2
        }
        let (word, mask) = bit(id)
        opened[word] |= mask
        last = id
    }

    /// This side has nothing to do with a stream any more, though the client may not know yet.
    mutating func drop(_ id: Int32) {
        guard id & 1 == 1, id <= last, id > last &- Self.reach &* 2 else { return }
        let (word, mask) = bit(id)
        dropped[word] |= mask
    }

    /// The client has reset a stream: whatever this side did, the client knows that it is over.
    mutating func endByPeer(_ id: Int32) {
        guard id & 1 == 1, id <= last, id > last &- Self.reach &* 2 else { return }
        let (word, mask) = bit(id)
        dropped[word] &= ~mask
    }

    /// What became of a stream that is not open; `id` is odd and at most ``last``.
    func fate(_ id: Int32) -> Fate {
        if id <= last &- Self.reach &* 2 { return .dropped }
        let (word, mask) = bit(id)
        if dropped[word] & mask != 0 { return .dropped }
        return opened[word] & mask != 0 ? .ended : .neverOpened
    }
}
