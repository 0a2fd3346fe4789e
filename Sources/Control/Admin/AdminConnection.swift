import CLinux
import EventLoop
import HTTP

/// One client of the admin API: reads requests, writes answers, streams events.
final class AdminConnection {
    /// The most bytes of a request's body.
    private static let mostBody = 65_536
    /// The most bytes that may wait for a client that streams; beyond, it is cut.
    private static let mostStreamed = 1 << 20
    /// Nanoseconds for a whole request from its first byte, and for one to begin.
    private static let requestTime: Int64 = 10_000_000_000
    private static let idleTime: Int64 = 60_000_000_000
    /// Nanoseconds and bytes for what a client goes on sending behind a refusal.
    private static let lingerTime: Int64 = 2_000_000_000
    private static let mostDropped = 1 << 20
    private static let limits = HeadLimits(headSize: 16_384, fields: 64, targetSize: 4096)

    private let descriptor: Int32
    private let loop: ControlLoop
    /// `nil` for plain HTTP.
    private var channel: SecureChannel?
    /// Nanoseconds for the handshake of TLS.
    private let handshakeTime: Int64
    private let answer: (AdminRequest) -> AdminResponse
    private let closed: (AdminConnection) -> Void
    private var parser = RequestParser()
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var sent = 0
    private var deadline: Deadline?
    private var interest = Readiness.readable
    private var closesAfterOutput = false
    private var isClosed = false
    /// Whether an answer takes a while.
    private var awaitsAnswer = false
    /// Whether a client may still be sending what is not read any more.
    private var lingers = false
    /// Whether the end has been said, and what still comes is dropped.
    private var isLingering = false
    /// How many bytes have been dropped.
    private var dropped = 0
    /// When it last began to wait for its client.
    private(set) var waitsSince: Instant
    /// Whether it waits for its client, to whom nothing is owed.
    var isWaiting: Bool { !isStreaming && !awaitsAnswer && output.isEmpty }
    /// Whether its client does not take what was answered.
    var isUnread: Bool { !isStreaming && !awaitsAnswer }
    /// Whether no further request is taken.
    private var isRetired = false
    /// Whether it began as one of TLS.
    let isSecure: Bool
    /// Whether events are sent as they happen.
    private(set) var isStreaming = false
    /// What was asked for where ``isStreaming``.
    private(set) var streamQuery = ""

    /// A client that was just accepted; `closed` is called once, at its end.
    ///
    /// It speaks by `channel`, if there is one, whose handshake has `handshakeTime` nanoseconds.
    init(
        _ descriptor: Int32,
        _ channel: SecureChannel?,
        handshakeTime: Int64,
        on loop: ControlLoop,
        answer: @escaping (AdminRequest) -> AdminResponse,
        closed: @escaping (AdminConnection) -> Void
    ) {
        self.descriptor = descriptor
        self.channel = channel
        self.handshakeTime = handshakeTime
        isSecure = channel != nil
        self.loop = loop
        waitsSince = loop.now
        self.answer = answer
        self.closed = closed
    }

    /// Begins to read; false if the kernel refuses.
    func start() -> Bool {
        rest(channel == nil ? Self.requestTime : handshakeTime)
        return loop.watch(descriptor) { [weak self] in self?.ready($0) }
    }

    /// Ends the connection at once.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.cancel(deadline)
        channel?.end()
        channel = nil
        loop.close(descriptor)
        closed(self)
    }

    /// Ends it as soon as what was asked is answered.
    func retire() {
        isRetired = true
        if isStreaming || (isWaiting && input.isEmpty) {
            close()
        } else if !output.isEmpty {
            closesAfterOutput = true
        }
    }

    /// Sends a part of the event stream.
    func stream(_ text: String) {
        guard isStreaming, !isClosed else { return }
        if sent > 65_536 {
            output.removeFirst(sent)
            sent = 0
        }
        output += Array(text.utf8)
        if output.count - sent > Self.mostStreamed { close() } else { flush() }
    }

    private func rest(_ span: Int64) {
        waitsSince = loop.now
        loop.cancel(deadline)
        deadline = loop.after(span) { [weak self] in self?.timedOut() }
    }

    private func timedOut() {
        guard isWaiting, !input.isEmpty, !closesAfterOutput else {
            close()
            return
        }
        rest(Self.lingerTime)
        refuse(AdminProblem(408, "the request did not come in time", "It has 10 seconds."))
    }

    // MARK: Reading

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.failed) {
            close()
            return
        }
        if readiness.contains(.writable) {
            flush()
            takeRequests()
        }
        if !isClosed, !readiness.isDisjoint(with: [.readable, .peerFinished, .ended]) { read() }
    }

    /// Says the end, and reads on for a while: unread bytes would make a reset of it, to which the
    /// answer could be lost.
    private func linger() {
        channel?.end()
        channel = nil
        _ = weir_shutdown_write(descriptor)
        isLingering = true
        interest = .readable
        _ = loop.change(descriptor, interest)
        rest(Self.lingerTime)
        drop()
    }

    private func drop() {
        var forgotten: [UInt8] = []
        while dropped <= Self.mostDropped {
            switch receive(&forgotten) {
            case .some: dropped += forgotten.count
            case .nothing: return
            default:
                close()
                return
            }
            forgotten.removeAll(keepingCapacity: true)
        }
        close()
    }

    private func read() {
        if isLingering {
            drop()
            return
        }
        var received: [UInt8] = []
        let wasOpen = channel?.isOpen ?? true
        switch channel?.receive(into: &received) ?? receive(&received) {
        case .nothing: return
        case .some:
            if !wasOpen, channel?.isOpen == true { rest(Self.requestTime) }
            if !received.isEmpty { take(received) }
            // What was made on the way, such as an answer to a key update, may wait.
            if !isClosed { watch() }
        case .plainHTTP:
            channel = nil
            refuse(
                AdminProblem(
                    400,
                    "the request is not valid",
                    "This port speaks HTTPS; use https:// instead."
                )
            )
        case .ended:
            if !received.isEmpty { take(received) }
            // Who has said all in words of TLS may wait for an answer.
            closesAfterOutput = true
            if channel != nil, awaitsAnswer {
                interest = []
                _ = loop.change(descriptor, interest)
            } else if channel == nil || output.isEmpty || isStreaming {
                close()
            }
        case .failed: close()
        }
    }

    /// Receives in the clear.
    private func receive(_ received: inout [UInt8]) -> SecureChannel.Reading {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { weir_recv(descriptor, $0, memory.count) } ?? 0
        }
        if count == Int(-EAGAIN) { return .nothing }
        guard count > 0 else { return .ended }
        received += buffer[..<count]
        return .some
    }

    private func take(_ received: [UInt8]) {
        // A client that streams has nothing more to say.
        if isStreaming || closesAfterOutput { return }
        if awaitsAnswer, input.count > Self.mostBody {
            close()
            return
        }
        if input.isEmpty { rest(Self.requestTime) }
        input += received
        takeRequests()
    }

    /// Answers one request after the other, each once the answer before it has left.
    private func takeRequests() {
        while !isClosed, !closesAfterOutput, !isStreaming, !awaitsAnswer, output.isEmpty,
            takeRequest()
        {}
    }

    /// Answers the request that the input begins with; false if it is not complete.
    private func takeRequest() -> Bool {
        guard !input.isEmpty else { return false }
        var fields = FieldTable(capacity: Self.limits.fields)
        let head: RequestHead?
        do throws(HeadError) {
            let bytes = input
            head = try parser.parse(bytes.span.bytes, into: &fields, limits: Self.limits)
        } catch {
            let status = error == .headTooLarge || error == .tooManyFields ? 431 : 400
            refuse(AdminProblem(status, "the request is not valid", "\(error.explanation)"))
            return false
        }
        guard let head else { return false }
        let length: Int
        switch head.framing {
        case .none: length = 0
        case .length(let count) where count <= UInt64(Self.mostBody): length = Int(count)
        case .length:
            refuse(AdminProblem(413, "the body is too long", "At most 64 KiB are read."))
            return false
        case .chunked, .untilClose:
            refuse(AdminProblem(413, "the body's length is not said", "Send Content-Length."))
            return false
        }
        if head.expectsContinue, input.count == head.headSize, length > 0 {
            output += Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            flush()
        }
        guard input.count >= head.headSize + length else { return false }
        let request = request(head, fields, length)
        input.removeFirst(head.headSize + length)
        serve(request, keepsAlive: head.keepAlive)
        return true
    }

    private func request(
        _ head: RequestHead,
        _ fields: borrowing FieldTable,
        _ length: Int
    ) -> AdminRequest {
        let text = { [input] (range: ByteRange) in
            String(decoding: input[range.start..<range.end], as: UTF8.self)
        }
        var list: [(name: String, value: String)] = []
        for index in 0..<fields.count {
            let field = fields[index]
            list.append((text(field.name).lowercased(), text(field.value)))
        }
        let path = text(head.path)
        return AdminRequest(
            method: text(head.methodName),
            path: path.isEmpty ? "/" : path,
            query: head.hasQuery ? text(head.query) : "",
            host: text(head.authority),
            fields: list,
            body: Array(input[head.headSize..<(head.headSize + length)])
        )
    }

    // MARK: Writing

    private func refuse(_ problem: AdminProblem) {
        lingers = true
        send(problem.response, isHead: false, keepsAlive: false)
    }

    private func serve(_ request: AdminRequest, keepsAlive: Bool) {
        let response = answer(request)
        if let later = response.later {
            awaitsAnswer = true
            loop.cancel(deadline)
            later { [weak self] response in
                self?.awaitsAnswer = false
                self?.answer(request, by: response, keepsAlive: keepsAlive)
                self?.takeRequests()
            }
            return
        }
        answer(request, by: response, keepsAlive: keepsAlive)
    }

    private func answer(
        _ request: AdminRequest,
        by response: AdminResponse,
        keepsAlive: Bool
    ) {
        guard !isClosed else { return }
        if response.isEventStream, request.method != "HEAD" {
            isStreaming = true
            streamQuery = request.query
            loop.cancel(deadline)
        }
        send(response, isHead: request.method == "HEAD", keepsAlive: keepsAlive)
        if !isStreaming, !isClosed { rest(input.isEmpty ? Self.idleTime : Self.requestTime) }
    }

    private func send(_ response: AdminResponse, isHead: Bool, keepsAlive: Bool) {
        let keepsAlive = keepsAlive && !isRetired
        if !keepsAlive, !response.isEventStream { closesAfterOutput = true }
        output += Array(response.head(keepsAlive: keepsAlive).utf8)
        if !isHead { output += response.body }
        flush()
    }

    /// While an answer waits to leave nothing more is read: a client that does not read gets no
    /// second answer to keep.
    private func watch() {
        let waits = !output.isEmpty || channel?.hasUnsent == true
        let wanted: Readiness =
            !waits ? .readable : isStreaming ? [.readable, .writable] : .writable
        if wanted != interest {
            interest = wanted
            _ = loop.change(descriptor, wanted)
        }
    }

    /// Sends a part of the output; returns how much has left, or `-EAGAIN`.
    private func transmit() -> Int {
        output.withUnsafeBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return 0 }
            guard let channel else { return weir_send(descriptor, base + sent, bytes.count - sent) }
            let count = channel.send(base + sent, bytes.count - sent)
            return count == 0 ? Int(-EAGAIN) : count
        }
    }

    private func flush() {
        if let channel, !channel.flush() {
            close()
            return
        }
        while sent < output.count, !isClosed {
            let count = transmit()
            if count == Int(-EAGAIN) { break }
            guard count > 0 else {
                close()
                return
            }
            sent += count
        }
        guard !isClosed else { return }
        if sent == output.count, channel?.hasUnsent != true {
            output.removeAll(keepingCapacity: output.count <= 65_536)
            sent = 0
            if closesAfterOutput {
                if lingers { linger() } else { close() }
                return
            }
            channel?.rest()
        }
        watch()
    }
}
