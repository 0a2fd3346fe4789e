import CBytes

/// One field line of a head: where its parts are in the buffer that was parsed.
public struct Field: BitwiseCopyable, Sendable {
    /// The name as sent.
    public var name: ByteRange
    /// The value without the white space around it.
    public var value: ByteRange
    /// Past the line's CRLF.
    public var lineEnd: UInt32
    /// Which name it is.
    public var id: FieldName
    /// Whether the line concerns this connection only and must not be passed on: one of the names
    /// that never are, one that Connection lists, the length of an answer that has none, or, of a
    /// trailer, one forbidden there.
    public var isHopByHop: Bool

    /// A field of these parts.
    public init(
        name: ByteRange,
        value: ByteRange,
        lineEnd: UInt32,
        id: FieldName,
        isHopByHop: Bool
    ) {
        self.name = name
        self.value = value
        self.lineEnd = lineEnd
        self.id = id
        self.isHopByHop = isHopByHop
    }
}

extension Field {
    /// Whether the line is `name: value` with one space and nothing else around the value.
    public var isUsual: Bool {
        value.start &- name.end == 2 && Int(lineEnd) &- value.end == 2
    }
}

extension cbytes_field {
    /// The same in CBytes's form.
    fileprivate init(_ field: Field) {
        self.init(
            name_start: field.name.offset,
            name_count: field.name.count,
            value_start: field.value.offset,
            value_count: field.value.count,
            line_end: field.lineEnd,
            name: field.id.rawValue,
            is_hop_by_hop: field.isHopByHop ? 1 : 0
        )
    }
}

/// The fields of one head, in the order sent.
///
/// Its storage is allocated once and reused for every head that a worker parses.
@safe
public struct FieldTable: ~Copyable {
    /// How many fields fit.
    public let capacity: Int
    /// How many fields are in it.
    public var count: Int { content.count }
    /// Which known names occur.
    public var names: FieldNameSet { FieldNameSet(bits: content.names) }
    /// Which of the first 64 lines cannot simply be copied on, a bit for each: those that concern
    /// this connection only, and those whose value stands in unusual white space.
    public var odd: UInt64 { content.odd }
    private let storage: UnsafeMutablePointer<cbytes_field>
    /// What is in it, as CBytes counts on.
    private var content = cbytes_field_run()

    /// An empty table with room for `capacity` fields, at least one.
    public init(capacity: Int) {
        self.capacity = max(capacity, 1)
        // One more is where a line is read for which there is no room.
        unsafe storage = .allocate(capacity: self.capacity + 1)
    }

    deinit { unsafe storage.deallocate() }

    /// The field at `index`, which is at least 0 and below `count`.
    public subscript(_ index: Int) -> Field {
        get {
            precondition(index >= 0 && index < count, "no field has this index")
            return unsafe Field(storage[index])
        }
    }

    /// Whether a field of this known name is in it; O(1).
    public func contains(_ id: FieldName) -> Bool { names.contains(id) }

    /// The index of the first field of this known name.
    ///
    /// O(count) if there is one, else O(1).
    public func first(_ id: FieldName) -> Int? {
        guard names.contains(id) else { return nil }
        var index = 0
        while index < count {
            if unsafe storage[index].name == id.rawValue { return index }
            index &+= 1
        }
        return nil
    }

    /// The index of the field of this known name, if there is exactly one.
    ///
    /// O(count) if there is one, else O(1).
    public func only(_ id: FieldName) -> Int? {
        guard let found = first(id) else { return nil }
        var index = found &+ 1
        while index < count {
            if unsafe storage[index].name == id.rawValue { return nil }
            index &+= 1
        }
        return found
    }

    /// The index of the first field, from `start` on, of this name.
    ///
    /// `id` is what the name is classified as; for `other` the names are compared, whatever their
    /// case. `bytes` are those that were parsed. O(count) if a field of this `id` is there.
    public func first(
        _ id: FieldName,
        named name: RawSpan,
        in bytes: RawSpan,
        from start: Int = 0
    ) -> Int? {
        guard names.contains(id) else { return nil }
        var index = max(0, start)
        while index < count {
            let field = self[index]
            if field.id == id, id != .other || bytes.equalIgnoringCase(field.name, name) {
                return index
            }
            index &+= 1
        }
        return nil
    }

    /// Empties it; the storage stays.
    public mutating func removeAll() { content = cbytes_field_run() }

    /// Adds a field; false if there is no room.
    mutating func append(_ field: Field) -> Bool {
        guard count < capacity else { return false }
        unsafe storage[count] = cbytes_field(field)
        let isPlain = field.isUsual && !field.isHopByHop
        content.odd |= (isPlain ? 0 : 1) << UInt64(truncatingIfNeeded: count)
        content.count &+= 1
        content.names |= field.id.bit
        return true
    }

    /// What ``readLines(_:from:to:_:_:)`` has come upon.
    struct Run {
        /// Whether it ended for want of room, rather than at a line that is no plain field line,
        /// the blank one among them.
        var isFull: Bool
        /// A bit for each line whose name was wanted; the highest one for all from the 64th on.
        var wanted: UInt64
    }

    /// Adds the plain lines from `position` on, which moves past them.
    ///
    /// `limit`: the most lines in the table. `wanted`: a bit for each name to take note of.
    mutating func readLines(
        _ input: RawSpan,
        from position: inout Int,
        to end: Int,
        _ limit: Int,
        _ wanted: UInt64
    ) -> Run {
        guard position >= 0, position < end else { return Run(isFull: false, wanted: 0) }
        content.position = position
        content.wanted = 0
        let reason = unsafe input.readFields(
            to: end,
            into: storage,
            capacity: min(max(limit, content.count), capacity),
            wanted: wanted,
            run: &content
        )
        position = content.position
        return Run(isFull: reason == CBYTES_RUN_FULL, wanted: content.wanted)
    }

    /// Marks the field at `index` as one that must not be passed on.
    mutating func markHopByHop(_ index: Int) {
        precondition(index >= 0 && index < count, "no field has this index")
        unsafe storage[index].is_hop_by_hop = 1
        content.odd |= 1 << UInt64(truncatingIfNeeded: index)
    }
}
