import HTTP

/// What reading an HTTP/2 connection came to, told so that it does not depend on how the bytes
/// arrived.
struct HTTP2Result: Equatable, CustomStringConvertible {
    /// A word for each event; DATA that stands together is one.
    var words: [String] = []
    /// What was sent in the end.
    var sent: [UInt8] = []
    /// Whether the peer has taken its leave; nghttp2 reads what follows only if it comes at once.
    var isOver = false
    /// Whether the last word is about DATA of this stream.
    private var dataStream: Int32 = 0

    var description: String { "\(words) \(sent)" }

    /// Takes in an event; the text of those with one, or their bytes.
    mutating func add(_ event: HTTP2Event, _ bytes: String?) {
        if isOver { return }
        isOver = event.kind == .goAway
        let content = bytes ?? "<outside>"
        if event.kind == .data, dataStream == event.stream, !words.isEmpty {
            words[words.count - 1] += content
        } else if event.kind != .end {
            words.append(
                "\(event.kind) \(event.stream) \(event.flaw) \(event.code) \(event.token) "
                    + "\(event.isWebSocket) \(event.sensitive.isEmpty) \(content)"
            )
        }
        dataStream = event.kind == .data && !event.endsStream ? event.stream : 0
        if event.endsStream { words.append("end \(event.stream)") }
    }
}

/// The bytes of an event, which lie in the text or in those received; nil if they lie outside.
private func content(
    _ event: HTTP2Event,
    _ text: UnsafeRawBufferPointer,
    _ received: UnsafeRawBufferPointer
) -> String? {
    let place = event.kind == .data ? received : text
    let (start, count) = (Int(event.offset), Int(event.count))
    guard start >= 0, count >= 0, start + count <= place.count else { return nil }
    return String(decoding: place[start..<start + count], as: UTF8.self)
}

private func makeConnection(_ role: HTTP2Role, _ limits: HeadLimits) -> HTTP2Connection? {
    var options = HTTP2Options(headLimits: limits)
    // Small, so that inputs meet the limits too.
    options.streams = 5
    options.streamWindow = 200
    options.budget = 20
    guard
        let connection = HTTP2Connection(role: role, options: options, memory: HTTP2Memory())
    else { return nil }
    if role == .client {
        for (index, method) in ["GET", "HEAD", "POST"].enumerated() {
            let head = Array("\(method) / HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
            head.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                _ = connection.request(
                    base,
                    bytes.count,
                    endsStream: index < 2,
                    token: UInt64(index + 1)
                )
            }
        }
    }
    return connection
}

private func send(_ connection: HTTP2Connection, room: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: room)
    let count = bytes.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { connection.send(into: $0, room: room) } ?? 0
    }
    return Array(bytes[..<count])
}

/// What a peer of this role says before the input.
private func beginning(_ role: HTTP2Role) -> [UInt8] {
    role == .server ? Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) : []
}

/// Feeds bytes that arrive up to each of `cuts` in turn to a connection that only listens.
func feedHTTP2(_ role: HTTP2Role, _ bytes: [UInt8], cuts: [Int], limits: HeadLimits) -> HTTP2Result
{
    var result = HTTP2Result()
    guard let connection = makeConnection(role, limits) else { return result }
    let start = beginning(role)
    _ = send(connection, room: 1 << 16)
    feed(connection, start, into: &result)
    var gone = 0
    for cut in cuts where cut >= gone {
        feed(connection, Array(bytes[gone..<cut]), into: &result)
        gone = cut
    }
    if !result.isOver { result.sent = send(connection, room: 1 << 20) }
    return result
}

private func feed(_ connection: HTTP2Connection, _ piece: [UInt8], into result: inout HTTP2Result) {
    piece.withUnsafeBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        connection.receive(base, buffer.count, now: 1)
        for index in 0..<connection.eventCount {
            let event = connection.event(index)
            result.add(event, content(event, connection.text, buffer))
        }
        connection.clearEvents()
    }
}

/// Feeds bytes to a connection whose owner does something after each piece; what is wrong with
/// it, nil if nothing is.
func driveHTTP2(
    _ role: HTTP2Role,
    _ bytes: [UInt8],
    limits: HeadLimits,
    _ random: inout TestRandom
) -> String? {
    guard let connection = makeConnection(role, limits) else { return "no connection" }
    var result = HTTP2Result()
    feed(connection, beginning(role), into: &result)
    var gone = 0
    var turns = 0
    while gone < bytes.count || (connection.wantsSend && turns < 50) {
        let next = min(bytes.count, gone + 1 + random.below(60))
        feed(connection, Array(bytes[gone..<next]), into: &result)
        gone = next
        turns += 1
        for _ in 0..<random.below(4) { act(connection, &random) }
        if random.once(in: 2) {
            let room = random.pick([1024, 1100, 20_000])
            if send(connection, room: room).count > room { return "more was sent than fits" }
        }
        if connection.streamCount > 5 { return "\(connection.streamCount) streams" }
    }
    if result.words.contains(where: { $0.contains("<outside>") }) { return "\(result)" }
    return nil
}

/// Something that the owner of a connection may do at any time.
private func act(_ connection: HTTP2Connection, _ random: inout TestRandom) {
    let stream = Int32(1 + 2 * random.below(4))
    let body = [UInt8](repeating: 0x62, count: 1 + random.below(600))
    switch random.below(12) {
    case 0, 1:
        let status = random.pick([101, 103, 200, 204])
        let head = Array("HTTP/1.1 \(status) x\r\nx: y\r\n\r\n".utf8)
        let ends = random.once(in: 3)
        head.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            _ = connection.respond(stream, base, bytes.count, endsStream: ends)
            _ = connection.request(base, bytes.count, endsStream: ends, token: 1)
        }
    case 2, 3, 4:
        body.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            connection.supply(stream, base, bytes.count)
            if random.once(in: 3) { connection.finish(stream) }
            _ = send(connection, room: random.pick([1024, 5000]))
            _ = connection.taken(stream)
        }
    case 5: connection.finish(stream)
    case 6:
        let trailers = Array("x-a: b\r\nx-c: d\r\n".utf8)
        trailers.withUnsafeBytes { bytes in
            _ = connection.finish(stream, trailers: bytes.baseAddress, bytes.count)
        }
    case 7, 8: connection.credit(stream, random.below(300))
    case 9: connection.discardInput(stream)
    case 10: connection.reset(stream, UInt32(random.below(14)))
    default:
        if random.once(in: 10) { connection.goAway() }
        if random.once(in: 20) { connection.terminate(2) }
    }
}
