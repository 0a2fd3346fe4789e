import CBytes

/// What the Connection fields of a head ask for (RFC 9110 §7.6.1).
struct ConnectionOptions {
    /// The most options that all Connection fields of a head may list.
    static let most = 32

    /// Whether `close` is among them.
    var close = false
    /// Whether `keep-alive` is among them.
    var keepAlive = false
    /// Whether `upgrade` is among them.
    var upgrade = false
    /// Known names that were listed.
    var listed = FieldNameSet()
    /// Whether names were listed that are not known.
    var listsOthers = false
    private var count = 0

    /// Takes in one field's value.
    mutating func add(_ input: RawSpan, _ value: ByteRange) throws(HeadError) {
        // Nearly always the value is one option of those that say something here.
        if try addMeaningful(input, value) { return }
        var list = ListReader(value)
        while let option = list.next(input) {
            guard input.tokenEnd(from: option.start, to: option.end) == option.end else {
                throw .invalidConnection
            }
            if try addMeaningful(input, option) { continue }
            try countOne()
            try note(input.fieldName(from: option.start, to: option.end))
        }
    }

    /// Takes in an option that says something to the parser itself; false if it is no such one.
    private mutating func addMeaningful(
        _ input: RawSpan,
        _ option: ByteRange
    ) throws(HeadError) -> Bool {
        switch input.connectionOption(from: option.start, to: option.end) {
        case CBYTES_OPTION_CLOSE: close = true
        case CBYTES_OPTION_KEEP_ALIVE: keepAlive = true
        case CBYTES_OPTION_UPGRADE: upgrade = true
        default: return false
        }
        try countOne()
        return true
    }

    private mutating func countOne() throws(HeadError) {
        count &+= 1
        if count > Self.most { throw .tooManyConnectionOptions }
    }

    private mutating func note(_ id: FieldName) throws(HeadError) {
        if id.bit & FieldNameSet.framingBits != 0 { throw .connectionNamesFraming }
        if id == .other { listsOthers = true } else { listed.insert(id) }
    }

    /// Marks the fields that were listed.
    @inline(__always)
    func mark(_ input: RawSpan, in fields: inout FieldTable) {
        if listsOthers || listed.bits & ~FieldNameSet.hopByHopBits != 0 {
            markListed(input, in: &fields)
        }
    }

    private func markListed(_ input: RawSpan, in fields: inout FieldTable) {
        var index = 0
        while index < fields.count {
            let field = fields[index]
            if field.id == .other {
                if listsOthers, isListed(field.name, input, fields) { fields.markHopByHop(index) }
            } else if listed.contains(field.id) {
                fields.markHopByHop(index)
            }
            index &+= 1
        }
    }

    private func isListed(
        _ name: ByteRange,
        _ input: RawSpan,
        _ fields: borrowing FieldTable
    ) -> Bool {
        var index = 0
        while index < fields.count {
            let field = fields[index]
            index &+= 1
            guard field.id == .connection else { continue }
            var list = ListReader(field.value)
            while let option = list.next(input) {
                // An option of its own meaning, such as "close", lists no field.
                let isOption =
                    input.connectionOption(from: option.start, to: option.end)
                    != CBYTES_OPTION_OTHER
                if !isOption, input.equalIgnoringCase(option, name) { return true }
            }
        }
        return false
    }
}

/// Yields the elements of a comma-separated list without white space around them; empty ones
/// are passed over (RFC 9110 §5.6.1).
struct ListReader {
    private var position: Int
    private let end: Int

    /// A reader at the beginning of a list.
    init(_ list: ByteRange) {
        position = list.start
        end = list.end
    }

    /// The next element; nil behind the last one.
    mutating func next(_ input: RawSpan) -> ByteRange? {
        while position < end {
            let comma = input.first(Byte.comma, from: position, to: end)
            var from = position
            var to = comma
            position = comma &+ 1
            while from < to, isBlank(input.byte(at: from)) { from &+= 1 }
            while to > from, isBlank(input.byte(at: to &- 1)) { to &-= 1 }
            if from < to { return ByteRange(from: from, to: to) }
        }
        return nil
    }
}

/// The most digits that a Content-Length may have: what always fits a signed 64-bit number.
let longestContentLength = 18

/// The number that a Content-Length's value is (RFC 9112 §6.2): digits and nothing else.
func parseContentLength(_ input: RawSpan, _ value: ByteRange) throws(HeadError) -> UInt64 {
    if value.isEmpty { throw .invalidContentLength }
    var number: UInt64 = 0
    var index = value.start
    while index < value.end {
        let digit = input.byte(at: index) &- Byte.zero
        if digit > 9 { throw .invalidContentLength }
        number = number &* 10 &+ UInt64(digit)
        index &+= 1
    }
    if Int(value.count) > longestContentLength { throw .contentLengthTooLong }
    return number
}

/// The seconds that `timeout=` of a Keep-Alive value names; nil if it names none.
func parseKeepAliveTimeout(_ input: RawSpan, _ value: ByteRange) -> UInt32? {
    var list = ListReader(value)
    while let parameter = list.next(input) {
        let equals = input.first(Byte.equals, from: parameter.start, to: parameter.end)
        let name = ByteRange(from: parameter.start, to: equals)
        guard equals < parameter.end, input.equalIgnoringCase(name, "timeout") else { continue }
        var seconds: UInt64 = 0
        var index = equals &+ 1
        guard index < parameter.end else { return nil }
        while index < parameter.end {
            let digit = input.byte(at: index) &- Byte.zero
            if digit > 9 { return nil }
            seconds = min(seconds &* 10 &+ UInt64(digit), UInt64(UInt32.max))
            index &+= 1
        }
        return UInt32(truncatingIfNeeded: seconds)
    }
    return nil
}

/// Whether there is one Upgrade field and it is `websocket`.
func asksForWebSocket(_ input: RawSpan, _ fields: borrowing FieldTable) -> Bool {
    var found = false
    var index = 0
    while index < fields.count {
        let field = fields[index]
        index &+= 1
        guard field.id == .upgrade else { continue }
        if found || !input.equalIgnoringCase(field.value, "websocket") { return false }
        found = true
    }
    return found
}

/// Whether an Expect field is `100-continue`.
func expectsContinue(_ input: RawSpan, _ fields: borrowing FieldTable) -> Bool {
    guard let index = fields.first(.expect) else { return false }
    return input.equalIgnoringCase(fields[index].value, "100-continue")
}
