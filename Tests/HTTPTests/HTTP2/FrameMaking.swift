/// Frames made by hand, so that they may be as wrong as a test wants them.
struct RawFrame: Equatable {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []
    /// What the length field says; the payload's length if it says the truth.
    var claimedLength: Int?

    var bytes: [UInt8] {
        let length = claimedLength ?? payload.count
        return [
            UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), type,
            flags,
        ] + bigEndian(stream) + payload
    }

    static let endStream: UInt8 = 1
    static let acknowledges: UInt8 = 1
    static let endHeaders: UInt8 = 4

    static func data(_ stream: UInt32, _ text: String, _ flags: UInt8 = 0) -> RawFrame {
        RawFrame(type: 0, flags: flags, stream: stream, payload: Array(text.utf8))
    }

    static func headers(
        _ stream: UInt32,
        _ fields: [(String, String)],
        _ flags: UInt8 = endStream | endHeaders
    ) -> RawFrame {
        RawFrame(type: 1, flags: flags, stream: stream, payload: block(fields))
    }

    static func continuation(
        _ stream: UInt32,
        _ payload: [UInt8],
        _ flags: UInt8 = endHeaders
    ) -> RawFrame {
        RawFrame(type: 9, flags: flags, stream: stream, payload: payload)
    }

    static func priority(_ stream: UInt32, on parent: UInt32) -> RawFrame {
        RawFrame(type: 2, stream: stream, payload: bigEndian(parent) + [15])
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> RawFrame {
        RawFrame(type: 3, stream: stream, payload: bigEndian(code))
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> RawFrame {
        let payload = entries.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] + bigEndian($1) }
        return RawFrame(type: 4, payload: payload)
    }

    static let settingsAnswer = RawFrame(type: 4, flags: acknowledges)

    static func ping(_ flags: UInt8 = 0) -> RawFrame {
        RawFrame(type: 6, flags: flags, payload: [1, 2, 3, 4, 5, 6, 7, 8])
    }

    static func goAway(_ last: UInt32, _ code: UInt32 = 0) -> RawFrame {
        RawFrame(type: 7, payload: bigEndian(last) + bigEndian(code))
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> RawFrame {
        RawFrame(type: 8, stream: stream, payload: bigEndian(increment))
    }
}

func bigEndian(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
}

/// Fields as literals that nobody remembers, without Huffman's code (RFC 7541 §6.2.2).
func block(_ fields: [(String, String)], first: UInt8 = 0) -> [UInt8] {
    fields.flatMap { [first] + literal(Array($0.utf8)) + literal(Array($1.utf8)) }
}

/// A string as HPACK has it (RFC 7541 §5.2).
func literal(_ bytes: [UInt8]) -> [UInt8] { integer(bytes.count, bits: 7) + bytes }

/// A number as HPACK has it (RFC 7541 §5.1).
func integer(_ number: Int, bits: Int, first: UInt8 = 0) -> [UInt8] {
    let most = 1 << bits - 1
    if number < most { return [first | UInt8(number)] }
    var bytes = [first | UInt8(most)]
    var rest = number - most
    while rest >= 128 {
        bytes.append(UInt8(rest & 127 | 128))
        rest >>= 7
    }
    return bytes + [UInt8(rest)]
}

let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

/// What a client says first.
func opening(_ settings: [(UInt16, UInt32)] = []) -> [UInt8] {
    preface + RawFrame.settings(settings).bytes
}

/// The fields of a GET, more of them, and some left out or replaced.
func get(
    _ path: String = "/",
    _ more: [(String, String)] = [],
    without dropped: String = "",
    _ replaced: (String, String)? = nil
) -> [(String, String)] {
    let usual = [
        (":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", path),
    ]
    return usual.filter { $0.0 != dropped }
        .map { if let replaced, replaced.0 == $0.0 { replaced } else { $0 } } + more
}

func post(_ more: [(String, String)] = []) -> [(String, String)] {
    get("/", more, (":method", "POST"))
}
