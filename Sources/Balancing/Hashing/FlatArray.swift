import CBytes

/// Plain values in memory that somebody else frees.
///
/// Copying it counts no references: workers that read a shared table on every pick would otherwise
/// all write its reference count. Indices are checked. The first value begins a cache line.
@safe struct FlatArray<Element: BitwiseCopyable>: @unchecked Sendable {
    /// How many values there are.
    let count: Int
    private let base: UnsafeMutablePointer<Element>

    /// A copy of the values.
    init(_ values: [Element]) {
        count = values.count
        unsafe base = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, values.count) * MemoryLayout<Element>.stride,
            alignment: max(64, MemoryLayout<Element>.alignment)
        ).bindMemory(to: Element.self, capacity: max(1, values.count))
        for index in values.indices { unsafe (base + index).initialize(to: values[index]) }
    }

    /// Bytes that it takes.
    var memory: Int { count * MemoryLayout<Element>.stride }

    /// The value at an index from 0 to `count` - 1.
    subscript(index: Int) -> Element {
        get {
            check(index)
            return unsafe base[index]
        }
        nonmutating set {
            check(index)
            unsafe base[index] = newValue
        }
    }

    /// One comparison for both ends: a negative index is a very large one without a sign.
    private func check(_ index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    }

    /// Changes the value at an index where it is.
    func modify(_ index: Int, _ change: (inout Element) -> Void) {
        check(index)
        unsafe change(&base[index])
    }

    /// Asks for the cache line of a value that is read soon.
    func prefetch(_ index: Int) {
        check(index)
        unsafe cbytes_prefetch(base + index)
    }

    /// Where so many values begin, for what takes them as memory; valid as long as the array.
    @unsafe func address(of index: Int, count: Int) -> UnsafePointer<Element> {
        precondition(index >= 0 && count >= 0 && index <= self.count - count)
        return unsafe UnsafePointer(base + index)
    }

    /// Frees the memory; by its owner, after the last use.
    func deallocate() { unsafe base.deallocate() }
}
