/// Reads the SRV records out of a DNS answer (RFC 1035 §4, RFC 2782), with their time to live.
///
/// The bytes are what somebody on the network sent: every index is checked, names are followed
/// backwards only, and what is not whole makes the answer malformed.
struct ServiceAnswer {
    /// Why an answer cannot be used.
    struct Malformed: Error {}

    /// Records beyond these are left out.
    static let maxRecords = 1024
    /// The longest name, in its text form.
    private static let maxName = 253
    /// Pointers followed in one name.
    private static let maxJumps = 64
    private static let typeCNAME = 5
    private static let typeSRV = 33
    private static let classInternet = 1

    /// The records whose target is a machine, in the order of the answer.
    private(set) var records: [ServiceRecord] = []
    /// Seconds for which all of them hold.
    private(set) var ttl = Int64.max
    private var reader: Reader

    /// Reads an answer.
    ///
    /// - Throws: ``Malformed`` if it is not a whole DNS message.
    init(_ bytes: [UInt8]) throws(Malformed) {
        reader = Reader(bytes: bytes)
        try reader.skip(4)
        let questions = try reader.number16()
        let answers = try reader.number16()
        try reader.skip(4)
        for _ in 0..<questions {
            _ = try reader.name()
            try reader.skip(4)
        }
        for _ in 0..<answers where records.count < Self.maxRecords { try readRecord() }
    }

    private mutating func readRecord() throws(Malformed) {
        _ = try reader.name()
        let type = try reader.number16()
        let dnsClass = try reader.number16()
        let seconds = try reader.number32()
        let size = try reader.number16()
        let end = reader.place + size
        guard end <= reader.bytes.count else { throw Malformed() }
        defer { reader.place = end }
        guard dnsClass == Self.classInternet, type == Self.typeSRV || type == Self.typeCNAME
        else { return }
        // RFC 2181 §8: with the highest bit set it is 0.
        ttl = min(ttl, seconds >> 31 == 0 ? Int64(seconds) : 0)
        guard type == Self.typeSRV else { return }
        let priority = UInt16(truncatingIfNeeded: try reader.number16())
        let weight = UInt16(truncatingIfNeeded: try reader.number16())
        let port = UInt16(truncatingIfNeeded: try reader.number16())
        let target = try reader.name()
        guard reader.place <= end else { throw Malformed() }
        // "." says that the service is not there; a name with odd signs is no machine's.
        guard let target, !target.isEmpty, port > 0 else { return }
        records.append(
            ServiceRecord(priority: priority, weight: weight, port: port, target: target)
        )
    }

    /// A place in the message.
    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func skip(_ count: Int) throws(Malformed) {
            guard count <= bytes.count - place else { throw Malformed() }
            place += count
        }

        mutating func number8() throws(Malformed) -> Int {
            guard place < bytes.count else { throw Malformed() }
            defer { place += 1 }
            return Int(bytes[place])
        }

        mutating func number16() throws(Malformed) -> Int {
            let high = try number8()
            return high << 8 | (try number8())
        }

        mutating func number32() throws(Malformed) -> Int {
            let high = try number16()
            return high << 16 | (try number16())
        }

        /// A name, with pointers followed; `nil` if it has other signs than letters, digits, `-`
        /// and `_`.
        mutating func name() throws(Malformed) -> String? {
            var text: [UInt8] = []
            var isPlain = true
            var end: Int?
            var segment = place
            var jumps = 0
            while true {
                let length = try number8()
                if length >= 0xc0 {
                    let target = (length & 0x3f) << 8 | (try number8())
                    end = end ?? place
                    jumps += 1
                    // Only to what came before, so that it comes to an end.
                    guard target < segment, jumps <= ServiceAnswer.maxJumps else {
                        throw Malformed()
                    }
                    segment = target
                    place = target
                    continue
                }
                guard length < 0x40, length <= bytes.count - place else { throw Malformed() }
                if length == 0 { break }
                if !text.isEmpty { text.append(0x2e) }
                for byte in bytes[place..<place + length] {
                    let lower = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
                    isPlain = isPlain && Self.isPlain(lower)
                    text.append(lower)
                }
                place += length
                guard text.count <= ServiceAnswer.maxName else { throw Malformed() }
            }
            if let end { place = end }
            return isPlain ? String(decoding: text, as: UTF8.self) : nil
        }

        private static func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f: true
            default: false
            }
        }
    }
}
