import CNghttp2
import HTTP
import Testing

let someLimits = HeadLimits(headSize: 4096, fields: 40, targetSize: 1024)

/// A connection under test with what it says taken apart.
final class HTTP2Peer {
    let connection: HTTP2Connection
    private let decoder: HeadDecoder
    private var unread: [UInt8] = []
    var now: Int64 = 0

    init(
        _ role: HTTP2Role = .server,
        options: HTTP2Options = HTTP2Options(headLimits: someLimits),
        memory: HTTP2Memory = HTTP2Memory()
    ) throws {
        connection = try #require(
            HTTP2Connection(role: role, options: options, memory: memory)
        )
        decoder = HeadDecoder()
    }

    /// A server that has heard a client's first words and said its own.
    static func server(
        _ settings: [(UInt16, UInt32)] = [],
        options: HTTP2Options = HTTP2Options(headLimits: someLimits)
    ) throws -> HTTP2Peer {
        let peer = try HTTP2Peer(.server, options: options)
        peer.receive(opening(settings) + RawFrame.settingsAnswer.bytes)
        _ = peer.sent()
        return peer
    }

    /// Receives bytes and returns the events in words; they stay until the next call.
    @discardableResult
    func receive(_ bytes: [UInt8], cuts: [Int] = []) -> [String] {
        connection.clearEvents()
        var words: [String] = []
        var start = 0
        for cut in cuts.sorted() + [bytes.count] {
            // Exactly as large as what arrives, so that a read past it is found by sanitizers.
            let piece = Array(bytes[start..<cut])
            start = cut
            connection.clearEvents()
            piece.withUnsafeBytes { buffer in
                guard let base = buffer.baseAddress else { return }
                connection.receive(base, buffer.count, now: now)
                words += (0..<connection.eventCount).map { describe($0, buffer) }
            }
        }
        return words
    }

    @discardableResult
    func receive(_ frames: RawFrame...) -> [String] { receive(frames.flatMap(\.bytes)) }

    /// What an event says.
    func describe(_ index: Int, _ received: UnsafeRawBufferPointer) -> String {
        let event = connection.event(index)
        var words = "\(event.kind) \(event.stream)"
        let range = Int(event.offset)..<Int(event.offset) + Int(event.count)
        switch event.kind {
        case .head, .interim, .trailers:
            words += " " + String(decoding: connection.text[range], as: UTF8.self)
        case .data: words += " " + String(decoding: received[range], as: UTF8.self)
        case .malformed: words += " \(event.flaw)"
        case .reset, .reject, .goAway, .refused: words += " \(event.code)"
        case .end: break
        }
        if event.isWebSocket { words += " websocket" }
        if event.endsStream { words += " end" }
        if event.isGone { words += " gone" }
        if event.token != 0 { words += " #\(event.token)" }
        return words
    }

    /// All that it has to send now, or as much as there is room for.
    func bytesSent(room: Int = 1 << 20) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: room)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { connection.send(into: $0, room: room) } ?? 0
        }
        return Array(bytes[..<count])
    }

    /// The whole frames among what it has to send now, in words.
    func sent(room: Int = 1 << 20) -> [String] {
        unread += bytesSent(room: room)
        var words: [String] = []
        while let frame = takeFrame() { words.append(describe(frame)) }
        return words
    }

    private func takeFrame() -> RawFrame? {
        guard unread.count >= 9 else { return nil }
        let length = Int(unread[0]) << 16 | Int(unread[1]) << 8 | Int(unread[2])
        guard unread.count >= 9 + length else { return nil }
        let stream = unread[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let frame = RawFrame(
            type: unread[3],
            flags: unread[4],
            stream: stream,
            payload: Array(unread[9..<9 + length])
        )
        unread.removeFirst(9 + length)
        return frame
    }

    private func describe(_ frame: RawFrame) -> String {
        let number = { (offset: Int) -> UInt32 in
            frame.payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        let end = frame.type < 2 && frame.flags & RawFrame.endStream != 0 ? " end" : ""
        let acknowledges = frame.flags & RawFrame.acknowledges != 0 ? " ack" : ""
        switch frame.type {
        case 0:
            return "data \(frame.stream) \(String(decoding: frame.payload, as: UTF8.self))" + end
        case 1:
            guard frame.flags & RawFrame.endHeaders != 0 else { return "headers, cut" }
            return "headers \(frame.stream) \(decoder.decode(frame.payload))" + end
        case 3: return "reset \(frame.stream) \(number(0))"
        case 4: return "settings" + acknowledges
        case 6: return "ping" + acknowledges
        case 7: return "goaway \(number(0)) \(number(4))"
        case 8: return "window \(frame.stream) \(number(0))"
        default: return "frame \(frame.type)"
        }
    }

    /// Answers a request.
    @discardableResult
    func respond(_ stream: Int32, _ head: String, end: Bool = true) -> Bool {
        Array(head.utf8).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            return connection.respond(stream, base, bytes.count, endsStream: end)
        }
    }

    /// Sends a request.
    @discardableResult
    func request(_ head: String, end: Bool = true, token: UInt64 = 0) -> Int32 {
        Array(head.utf8).withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return connection.request(base, bytes.count, endsStream: end, token: token)
        }
    }

    /// Lends bytes for one send, and returns what was sent and how many were taken.
    func send(_ stream: Int32, _ text: String, room: Int = 1 << 20) -> ([String], Int?) {
        Array(text.utf8).withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { connection.supply(stream, base, bytes.count) }
            let frames = sent(room: room)
            return (frames, connection.taken(stream))
        }
    }

    func finish(_ stream: Int32, trailers: String = "") {
        let bytes = Array(trailers.utf8)
        bytes.withUnsafeBytes { bytes in
            _ = connection.finish(stream, trailers: bytes.baseAddress, bytes.count)
        }
    }
}

/// Decodes heads with nghttp2, which remembers what HPACK wants remembered.
final class HeadDecoder {
    private var inflater: OpaquePointer?

    init() { nghttp2_hd_inflate_new(&inflater) }
    deinit { nghttp2_hd_inflate_del(inflater) }

    /// The fields as `name=value`, a `!` before those that are never to be remembered.
    func decode(_ bytes: [UInt8]) -> String {
        var words: [String] = []
        bytes.withUnsafeBufferPointer { buffer in
            guard var next = buffer.baseAddress else { return }
            var left = buffer.count
            while true {
                var field = nghttp2_nv()
                var flags: Int32 = 0
                let used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, next, left, 1)
                guard used >= 0 else { return words.append("undecodable") }
                next += used
                left -= used
                if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                    let isSensitive =
                        UInt32(field.flags) & NGHTTP2_NV_FLAG_NO_INDEX.rawValue != 0
                    words.append(
                        (isSensitive ? "!" : "") + text(field.name, field.namelen) + "="
                            + text(field.value, field.valuelen)
                    )
                }
                if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                    nghttp2_hd_inflate_end_headers(inflater)
                    return
                }
                if left == 0, flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) == 0 { return }
            }
        }
        return words.joined(separator: " ")
    }

    private func text(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
