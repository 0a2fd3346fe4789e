import Configuration

/// Takes a stream of server-sent events apart (HTML, section 9.2), as the admin API sends it.
struct EventBlocks {
    /// One event.
    struct Block {
        /// Its kind.
        var name: String
        /// Its number with the name of the run; `nil` where it has none.
        var id: String?
        var data: JSONValue
    }

    /// The most bytes of one event; beyond, what comes is no such stream.
    private static let mostBytes = 64 << 20

    private var rest: [UInt8] = []
    /// How much of `rest` has been looked at.
    private var searched = 0

    /// The events that these bytes end; `nil` if this is no stream of events.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [Block]? {
        rest += bytes
        var blocks: [Block] = []
        var start = 0
        while searched + 1 < rest.count {
            guard rest[searched] == 0x0A, rest[searched + 1] == 0x0A else {
                searched += 1
                continue
            }
            if let block = Self.block(rest[start..<searched]) { blocks.append(block) }
            searched += 2
            start = searched
        }
        rest.removeFirst(start)
        searched -= start
        return rest.count > Self.mostBytes ? nil : blocks
    }

    private static func block(_ bytes: ArraySlice<UInt8>) -> Block? {
        var name = "message"
        var id: String?
        var data: [UInt8] = []
        for line in bytes.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            var value = line[(colon + 1)...]
            if value.first == 0x20 { value.removeFirst() }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "event": name = String(decoding: value, as: UTF8.self)
            case "id": id = String(decoding: value, as: UTF8.self)
            case "data": data += value
            default: break
            }
        }
        guard let document = JSONReader.document(data) else { return nil }
        return Block(name: name, id: id, data: document)
    }
}
