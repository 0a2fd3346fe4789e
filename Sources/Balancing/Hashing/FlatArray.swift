/// Plain values in memory that somebody else frees.
///
/// Copying it counts no references: workers that read a shared table on every pick would otherwise
/// all write its reference count. Indices are checked.
@safe struct FlatArray<Element: BitwiseCopyable>: @unchecked Sendable {
    /// How many values there are.
    let count: Int
    private let base: UnsafeMutablePointer<Element>

    /// A copy of the values.
    init(_ values: [Element]) {
        count = values.count
        unsafe base = UnsafeMutablePointer.allocate(capacity: max(1, values.count))
        for index in values.indices { unsafe (base + index).initialize(to: values[index]) }
    }

    /// Bytes that it takes.
    var memory: Int { count * MemoryLayout<Element>.stride }

    /// The value at an index from 0 to `count` - 1.
    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return unsafe base[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count)
            unsafe base[index] = newValue
        }
    }

    /// Frees the memory; by its owner, after the last use.
    func deallocate() { unsafe base.deallocate() }
}
