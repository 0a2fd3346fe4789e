import CLinux

/// An entry of a ``Slab``: a trivial struct with room for the slab's own bookkeeping.
public protocol SlabEntry: BitwiseCopyable {
    /// Counts the uses of this slot; odd while it is in use. Only the slab writes it.
    var generation: UInt32 { get set }
    /// The next free slot. Only the slab writes it.
    var nextFree: Int32 { get set }
    /// A free entry.
    init()
}

/// Slots of one type at addresses that never change.
///
/// The memory is reserved whole at the start and becomes resident page by page as slots are used
/// for the first time; freed slots are used again, last freed first. A slot number with its
/// generation names one use of a slot, so that a stale event never reaches its successor.
public struct Slab<Entry: SlabEntry>: ~Copyable {
    private let entries: UnsafeMutablePointer<Entry>
    /// A free entry, copied into each slot taken: making it anew costs three copies.
    private let blank: UnsafeMutablePointer<Entry>
    /// How many slots there are.
    public let capacity: Int
    /// How many slots are in use.
    public private(set) var count = 0
    private var firstFree: Int32 = -1
    private var untouched: Int32 = 0

    /// Reserves room for `capacity` entries, at least one.
    public init(capacity: Int) {
        self.capacity = max(1, min(capacity, Int(Int32.max)))
        entries = .allocate(capacity: self.capacity)
        blank = .allocate(capacity: 1)
        blank.initialize(to: Entry())
    }

    deinit {
        entries.deallocate()
        blank.deallocate()
    }

    /// Takes a slot and returns its number, or -1 if all are in use.
    public mutating func allocate() -> Int32 {
        let slot: Int32
        var generation: UInt32 = 0
        if firstFree >= 0 {
            slot = firstFree
            generation = entries[Int(slot)].generation
            firstFree = entries[Int(slot)].nextFree
        } else {
            guard Int(untouched) < capacity else { return -1 }
            slot = untouched
            untouched &+= 1
        }
        let entry = entries + Int(slot)
        // By `initialize` this would go through the type's metadata.
        UnsafeMutableRawPointer(entry)
            .copyMemory(from: blank, byteCount: MemoryLayout<Entry>.stride)
        entry.pointee.generation = generation &+ 1
        count &+= 1
        return slot
    }

    /// Gives a slot back that ``allocate()`` returned.
    public mutating func free(_ slot: Int32) {
        let entry = entries + Int(slot)
        assert(entry.pointee.generation & 1 == 1, "a slot was freed twice")
        entry.pointee.generation &+= 1
        entry.pointee.nextFree = firstFree
        firstFree = slot
        count &-= 1
    }

    /// The entry of a slot that is in use.
    public subscript(_ slot: Int32) -> UnsafeMutablePointer<Entry> {
        entries + Int(slot)
    }

    /// The entry if this use of the slot has not ended, else `nil`.
    public func find(_ slot: Int32, generation: UInt32) -> UnsafeMutablePointer<Entry>? {
        guard slot >= 0, slot < untouched else { return nil }
        let entry = entries + Int(slot)
        return entry.pointee.generation == generation ? entry : nil
    }

    /// The slots that have been used so far lie below this number; they may be free now.
    public var usedLimit: Int32 { untouched }

    /// Bytes of the slots that have been used so far.
    public var usedBytes: Int { Int(untouched) &* MemoryLayout<Entry>.stride }

    /// Whether the slot is in use.
    public func isInUse(_ slot: Int32) -> Bool {
        slot >= 0 && slot < untouched && entries[Int(slot)].generation & 1 == 1
    }
}
