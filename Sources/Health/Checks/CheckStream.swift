import HTTP

/// The conversation of one active check over HTTP/2: bytes in, bytes and verdict out.
public final class CheckStream {
    /// Frames written at once.
    private static let room = 16 * 1024
    /// Nobody floods a check for longer than it may take.
    private static let budget = 10_000

    private let connection: HTTP2Connection
    private var stream: Int32 = 0
    private var judge: Judge
    /// Text for a judge of HTTP/1 that was not used yet.
    private var text: [UInt8] = []
    private var isChunked = false

    /// Who tells what an answer means.
    private enum Judge {
        case http(CheckConversation)
        case grpc(HealthAnswer)
    }

    /// Asks by a request of HTTP/1's form; `nil` if the codec has no memory, or the text is no
    /// request.
    ///
    /// `isSecure`: whether that is over TLS.
    public convenience init?(
        _ question: HTTPQuestion,
        _ request: [UInt8],
        isSecure: Bool,
        memory: HTTP2Memory
    ) {
        self.init(.http(CheckConversation(question)), request, [], isSecure, memory)
    }

    /// Asks by `grpc.health.v1.Health/Check`; `nil` as above.
    ///
    /// `host`: the server's name.
    public convenience init?(
        service: String,
        host: String,
        isSecure: Bool,
        memory: HTTP2Memory
    ) {
        let head =
            "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: \(host)\r\n"
            + "Content-Type: application/grpc\r\nUser-Agent: weir-check\r\n\r\n"
        self.init(
            .grpc(HealthAnswer()),
            Array(head.utf8),
            HealthAnswer.request(service),
            isSecure,
            memory
        )
    }

    private init?(
        _ judge: Judge,
        _ head: [UInt8],
        _ body: [UInt8],
        _ isSecure: Bool,
        _ memory: HTTP2Memory
    ) {
        let limits = HeadLimits(
            headSize: CheckConversation.mostHead,
            fields: CheckConversation.mostFields,
            targetSize: CheckConversation.mostHead
        )
        let options = HTTP2Options(
            headLimits: limits,
            streams: 1,
            budget: Self.budget,
            isSecure: isSecure
        )
        guard let connection = HTTP2Connection(role: .client, options: options, memory: memory)
        else { return nil }
        self.connection = connection
        self.judge = judge
        stream = unsafe head.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe connection.request(
                base,
                bytes.count,
                endsStream: body.isEmpty,
                token: 0
            )
        }
        if stream <= 0 { return nil }
        self.body = body
    }

    /// What is to be sent behind the head and was not yet.
    private var body: [UInt8] = []

    /// Whether what has come is no HTTP/2, as ``output()`` has told the server.
    public var isBroken: Bool { connection.endCode != nil }

    /// Frames that are to be sent now; empty if there are none.
    public func output() -> [UInt8] {
        var output: [UInt8] = []
        while true {
            let before = output.count
            unsafe body.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress, bytes.count > 0 {
                    unsafe connection.supply(stream, base, bytes.count)
                    unsafe connection.finish(stream)
                }
                output.append(
                    contentsOf: unsafe [UInt8](unsafeUninitializedCapacity: Self.room) {
                        buffer,
                        count in
                        count =
                            unsafe buffer.baseAddress.map {
                                unsafe connection.send(into: $0, room: Self.room)
                            } ?? 0
                    }
                )
            }
            if !body.isEmpty { body.removeFirst(connection.taken(stream) ?? body.count) }
            if output.count == before { break }
        }
        return output
    }

    /// Takes bytes as they come; `now` is in nanoseconds of a clock that does not go back.
    ///
    /// A step that needs more has used all of them.
    public func take(
        _ bytes: UnsafeRawBufferPointer,
        now: Int64,
        with fields: inout FieldTable
    ) -> CheckConversation.Step {
        guard let base = bytes.baseAddress else { return .needMore(used: 0) }
        let goesOn = unsafe connection.receive(base, bytes.count, now: now)
        defer { connection.clearEvents() }
        for index in 0..<connection.eventCount {
            let event = connection.event(index)
            if event.kind == .goAway { continue }
            let step = unsafe take(event, bytes, &fields)
            if case .needMore = step { continue }
            return step
        }
        return goesOn ? .needMore(used: bytes.count) : .failed(.malformed)
    }

    private func take(
        _ event: HTTP2Event,
        _ bytes: UnsafeRawBufferPointer,
        _ fields: inout FieldTable
    ) -> CheckConversation.Step {
        let range = Int(event.offset)..<Int(event.offset &+ event.count)
        let isData = event.kind == .data
        let content = unsafe UnsafeRawBufferPointer(
            rebasing: isData ? bytes[range] : connection.text[range]
        )
        switch event.kind {
        case .head, .interim, .data, .trailers, .end: break
        case .refused, .reset: return .failed(.closed)
        default: return .failed(.malformed)
        }
        if isData { connection.credit(stream, content.count) }
        switch judge {
        case .http(var conversation):
            unsafe note(event, content)
            let step = unsafe text.withUnsafeBytes {
                unsafe conversation.take(RawSpan(_unsafeBytes: $0), with: &fields)
            }
            if case .needMore(let used) = step { text.removeFirst(min(used, text.count)) }
            judge = .http(conversation)
            return step
        case .grpc(var answer):
            let span = unsafe RawSpan(_unsafeBytes: content)
            switch event.kind {
            case .head: answer.takeHead(span, isLast: event.endsStream)
            case .data: answer.takeData(span)
            case .trailers: answer.takeTrailers(span)
            default: break
            }
            judge = .grpc(answer)
            return event.endsStream ? answer.verdict : .needMore(used: 0)
        }
    }

    /// Writes an event as HTTP/1 has it.
    private func note(_ event: HTTP2Event, _ content: UnsafeRawBufferPointer) {
        switch event.kind {
        case .head, .interim:
            unsafe text.append(contentsOf: content)
            isChunked = text.suffix(30).elementsEqual("transfer-encoding: chunked\r\n\r\n".utf8)
        case .data:
            if isChunked { text += Array("\(String(content.count, radix: 16))\r\n".utf8) }
            unsafe text.append(contentsOf: content)
            if isChunked { text += [13, 10] }
        default: break
        }
        if event.endsStream, isChunked { text += Array("0\r\n\r\n".utf8) }
    }
}

/// The answer to `grpc.health.v1.Health/Check`.
struct HealthAnswer {
    /// Bytes of the one message that is looked at.
    private static let mostBytes = 1024

    private var httpStatus: UInt16 = 0
    private var status: GRPCStatus?
    private var message: [UInt8] = []

    /// The message that asks for a service; the server as a whole is called "".
    static func request(_ service: String) -> [UInt8] {
        let name = Array(service.utf8)
        // HealthCheckRequest: field 1 is the service's name; a field that is "" is left out.
        let body: [UInt8] = name.isEmpty ? [] : [0x0a] + varint(name.count) + name
        let count = UInt32(truncatingIfNeeded: body.count)
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
        return [0] + length + body
    }

    private static func varint(_ number: Int) -> [UInt8] {
        var rest = number
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest & 0x7f | 0x80))
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }

    mutating func takeHead(_ text: RawSpan, isLast: Bool) {
        for index in 9..<12 where text.byteCount > 12 {
            let digit = unsafe text.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- 0x30
            httpStatus = httpStatus &* 10 &+ UInt16(digit)
        }
        if isLast { status = GRPCStatus(head: text) }
    }

    mutating func takeData(_ bytes: RawSpan) {
        let count = min(bytes.byteCount, Self.mostBytes - message.count)
        for index in 0..<max(0, count) {
            message.append(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
        }
    }

    mutating func takeTrailers(_ lines: RawSpan) { status = GRPCStatus(lines: lines) }

    /// What the whole answer says.
    var verdict: CheckConversation.Step {
        guard httpStatus == 200 else { return .failed(.status(httpStatus)) }
        guard let status else { return .failed(.malformed) }
        guard status == .ok else { return .failed(.call(status)) }
        // HealthCheckResponse: field 1 is the state, of which 1 is SERVING.
        guard message.count >= 5, message[0] == 0 else { return .failed(.malformed) }
        return Array(message[5...]).starts(with: [0x08, 0x01]) ? .passed : .failed(.notServing)
    }
}
