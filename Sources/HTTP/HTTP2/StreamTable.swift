/// Finds the slot of a stream by its number: open addressing with linear probing.
///
/// Numbers come in order, so that a probe is nearly always the first one.
@safe
struct StreamTable {
    private struct Entry {
        var id: Int32
        var slot: Int32
    }

    private var entries: UnsafeMutablePointer<Entry>?
    private var mask = -1
    /// How many streams do not stand where a probe for them begins.
    private var displaced = 0
    /// How many streams are in it.
    private(set) var count = 0

    /// An empty table; it takes memory with its first stream.
    init() {}

    /// Gives its memory back.
    func deallocate() {
        if let entries = unsafe entries { unsafe entries.deallocate() }
    }

    private func home(_ id: Int32) -> Int { Int(id >> 1) & mask }

    /// The slot of a stream; nil if it is not in it.
    func slot(_ id: Int32) -> Int32? {
        guard let entries = unsafe entries, id > 0 else { return nil }
        var place = home(id)
        while true {
            let entry = unsafe entries[place]
            if entry.id == id { return entry.slot }
            if entry.id == 0 { return nil }
            place = (place &+ 1) & mask
        }
    }

    /// Adds a stream, whose number is above 0 and not in it.
    mutating func insert(_ id: Int32, _ slot: Int32) {
        if count &* 2 > mask { grow() }
        guard let entries = unsafe entries else { return }
        var place = home(id)
        while unsafe entries[place].id != 0 { place = (place &+ 1) & mask }
        if place != home(id) { displaced &+= 1 }
        unsafe entries[place] = Entry(id: id, slot: slot)
        count &+= 1
    }

    private mutating func grow() {
        let old = unsafe entries
        let oldCapacity = mask &+ 1
        let capacity = max(16, oldCapacity &* 2)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        unsafe larger.initialize(repeating: Entry(id: 0, slot: 0), count: capacity)
        unsafe entries = larger
        mask = capacity &- 1
        count = 0
        displaced = 0
        guard let old = unsafe old else { return }
        for place in 0..<oldCapacity where unsafe old[place].id != 0 {
            insert(unsafe old[place].id, unsafe old[place].slot)
        }
        unsafe old.deallocate()
    }

    /// Takes a stream out and returns its slot; nil if it is not in it.
    mutating func remove(_ id: Int32) -> Int32? {
        guard let entries = unsafe entries, let slot = slot(id) else { return nil }
        var hole = home(id)
        while unsafe entries[hole].id != id { hole = (hole &+ 1) & mask }
        if hole != home(id) { displaced &-= 1 }
        // What stands behind moves up where a probe would otherwise end in the hole.
        var place = hole
        while displaced > 0 {
            place = (place &+ 1) & mask
            let entry = unsafe entries[place]
            if entry.id == 0 { break }
            let distance = (place &- home(entry.id)) & mask
            guard distance >= (place &- hole) & mask else { continue }
            unsafe entries[hole] = entry
            if hole == home(entry.id) { displaced &-= 1 }
            hole = place
        }
        unsafe entries[hole].id = 0
        count &-= 1
        return slot
    }

    /// Goes through the slots of all streams, in no order.
    func visit(_ body: (Int32) -> Void) {
        guard let entries = unsafe entries else { return }
        for place in 0...mask where unsafe entries[place].id != 0 {
            body(unsafe entries[place].slot)
        }
    }
}
