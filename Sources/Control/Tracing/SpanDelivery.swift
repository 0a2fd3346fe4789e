import CLinux
import Configuration
import EventLoop
import HTTP
import Health
import Proxy
import Routing
import TLS

/// One request to a collector of spans, on a connection of its own.
final class SpanDelivery {
    /// How it ended.
    enum Result: Equatable {
        case taken
        case failed(ExportMachine.Failure, String)
    }

    /// Bytes of an answer that are read.
    private static let mostOfAnswer = 65_536

    private enum Phase {
        /// The kernel's handshake runs. Next: `securing`, `asking`, `over`.
        case connecting
        /// That of TLS runs. Next: `asking`, `over`.
        case securing
        /// The request leaves, or its answer is awaited. Next: `over`.
        case asking
        case over
    }

    private let loop: ControlLoop
    private let room: CheckRoom
    private let url: CollectorURL
    private let context: TLSClientContext?
    private let done: (Result) -> Void
    private var phase = Phase.connecting
    private var descriptor: Int32 = -1
    private var channel: CheckChannel?
    private var outgoing: [UInt8]
    private var sent = 0
    private var received: [UInt8] = []
    private var deadline: Deadline?

    /// A request that has not begun; `done` is called once, from the loop.
    init(
        _ body: [UInt8],
        to url: CollectorURL,
        _ context: TLSClientContext?,
        on loop: ControlLoop,
        _ room: CheckRoom,
        _ done: @escaping (Result) -> Void
    ) {
        self.loop = loop
        self.room = room
        self.url = url
        self.context = context
        self.done = done
        outgoing = Self.request(body, to: url)
    }

    deinit { close() }

    /// The whole request.
    static func request(_ body: [UInt8], to url: CollectorURL) -> [UInt8] {
        let head =
            "POST \(url.path) HTTP/1.1\r\nHost: \(url.authority)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
            + "User-Agent: weir\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// Opens the connection.
    func begin(_ address: IPAddress, port: UInt16) {
        var internet = weir_address(address, port: port)
        descriptor = weir_socket(Int32(internet.family), 0)
        guard descriptor >= 0 else {
            later("no descriptor is left")
            return
        }
        let result = weir_connect(descriptor, &internet)
        guard result == 0 || result == -EINPROGRESS else {
            later(Self.words(result))
            return
        }
        let interest: Readiness = [.readable, .writable, .peerFinished]
        let isWatched = loop.watch(descriptor, interest, isEdgeTriggered: true) {
            [unowned self] in ready($0)
        }
        guard isWatched else {
            later("no descriptor is left")
            return
        }
        deadline = loop.after(ExportMachine.timeout) { [unowned self] in
            finish(.failed(.later(after: 0), "no answer in time"))
        }
    }

    /// Gives it up: `done` is not called any more.
    func cancel() {
        phase = .over
        close()
    }

    // MARK: The connection

    private func ready(_ readiness: Readiness) {
        let isBroken = !readiness.isDisjoint(with: [.failed, .ended])
        if case .connecting = phase {
            if isBroken {
                let error = weir_socket_error(descriptor)
                if error < 0 {
                    finish(.failed(.later(after: 0), Self.words(error)))
                    return
                }
            }
            guard isBroken || readiness.contains(.writable) else { return }
            connected()
        }
        if case .securing = phase { secure() }
        guard case .asking = phase else { return }
        send()
        if case .asking = phase { receive() }
    }

    private func connected() {
        guard url.isSecure else {
            phase = .asking
            return
        }
        channel = context.flatMap {
            CheckChannel($0, url.host, on: descriptor, room, protocols: ["http/1.1"])
        }
        phase = .securing
        if channel == nil { finish(.failed(.later(after: 0), "no memory for TLS")) }
    }

    private func secure() {
        switch channel?.handshake() {
        case .done:
            phase = .asking
        case .failed(let why): finish(.failed(.later(after: 0), why))
        case .needMore, nil: return
        }
    }

    private func send() {
        if let channel {
            let bytes = outgoing
            outgoing = []
            if !channel.send(bytes) || !channel.flush() { receive() }
            return
        }
        while sent < outgoing.count {
            let count = outgoing.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    weir_send(descriptor, $0 + sent, bytes.count - sent)
                } ?? 0
            }
            // What is broken is read from: its answer may be there already.
            guard count > 0 else { return }
            sent += count
        }
    }

    private func receive() {
        while case .asking = phase {
            let count = channel?.receive() ?? weir_recv(descriptor, room.bytes, CheckRoom.size)
            if count == Int(-EAGAIN) { return }
            if count > 0 {
                received += UnsafeRawBufferPointer(start: room.bytes, count: count)
            }
            read(isEnd: count <= 0)
        }
    }

    private func read(isEnd: Bool) {
        var reader = AnswerReader(to: .post)
        var offset = 0
        var answer: ResponseHead?
        var wait: Int64 = 0
        let limits = HeadLimits(
            headSize: 16 << 10,
            fields: CheckConversation.mostFields,
            targetSize: 0
        )
        reading: while true {
            let event: AnswerReader.Event
            do throws(AnswerFault) {
                event = try reader.next(
                    received.span.bytes,
                    from: offset,
                    into: &room.fields,
                    limits: limits
                )
            } catch {
                finish(.failed(.later(after: 0), "its answer is not valid HTTP"))
                return
            }
            switch event {
            case .head(let head, let start):
                answer = head
                wait = retryAfter(start)
                offset = start + head.headSize
            case .data(let range): offset = range.end
            case .needMore:
                if isEnd || received.count > Self.mostOfAnswer { break reading }
                return
            case .end: break reading
            }
        }
        guard let answer, !isEnd || reader.closed() || answer.status >= 300 else {
            finish(.failed(.later(after: 0), "the connection ended before an answer"))
            return
        }
        conclude(Int(answer.status), wait)
    }

    /// Nanoseconds of `Retry-After` in the head that stands at `start` of what was received.
    private func retryAfter(_ start: Int) -> Int64 {
        guard let index = room.fields.first(.retryAfter) else { return 0 }
        let value = room.fields[index].value
        let range = (start + value.start)..<(start + value.end)
        guard range.upperBound <= received.count else { return 0 }
        let text = String(decoding: received[range], as: UTF8.self)
        return (UInt16(text).map(Int64.init) ?? 0) * 1_000_000_000
    }

    /// What may be sent again is said by OTLP's specification, "OTLP/HTTP Response".
    private func conclude(_ status: Int, _ wait: Int64) {
        let words = "it answered \(status)"
        switch status {
        case 200..<300: finish(.taken)
        case 429, 502, 503, 504: finish(.failed(.later(after: wait), words))
        default: finish(.failed(.refused, words))
        }
    }

    // MARK: The end

    private func later(_ words: String) {
        loop.after(0) { [weak self] in self?.finish(.failed(.later(after: 0), words)) }
    }

    private func finish(_ result: Result) {
        if case .over = phase { return }
        phase = .over
        close()
        done(result)
    }

    private func close() {
        loop.cancel(deadline)
        deadline = nil
        channel?.end()
        channel = nil
        if descriptor >= 0 {
            loop.close(descriptor)
            descriptor = -1
        }
    }

    private static func words(_ error: Int32) -> String {
        String(cString: weir_error_text(-error)).lowercased()
    }
}
