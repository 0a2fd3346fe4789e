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
    private let connection: CheckConnection
    private let done: (Result) -> Void
    private var phase = Phase.connecting
    /// What is to be sent, up to when it can be.
    private var request: [UInt8]
    private var received: [UInt8] = []

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
        connection = CheckConnection(on: loop, room)
        request = Self.request(body, to: url)
    }

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
        guard let result = connection.open(address, port: port) else {
            later("no descriptor is left")
            return
        }
        guard result == 0 || result == -EINPROGRESS else {
            later(SystemError.words(result))
            return
        }
        let interest: Readiness = [.readable, .writable, .peerFinished]
        guard connection.watch(interest, { [unowned self] in ready($0) }) else {
            later("no descriptor is left")
            return
        }
        connection.limit(ExportMachine.timeout) { [unowned self] in
            finish(.failed(.later(after: 0), "no answer in time"))
        }
    }

    /// Gives it up: `done` is not called any more.
    func cancel() {
        phase = .over
        connection.close()
    }

    // MARK: The connection

    private func ready(_ readiness: Readiness) {
        if case .connecting = phase {
            guard let result = connection.connected(readiness) else { return }
            guard result == 0 else {
                finish(.failed(.later(after: 0), SystemError.words(result)))
                return
            }
            connected()
        }
        if case .securing = phase { secure() }
        guard case .asking = phase else { return }
        // What is broken is read from: its answer may be there already.
        _ = connection.send(request)
        request = []
        receive()
    }

    private func connected() {
        guard url.isSecure else {
            phase = .asking
            return
        }
        phase = .securing
        if !connection.secure(context, url.host, protocols: ["http/1.1"]) {
            finish(.failed(.later(after: 0), "no memory for TLS"))
        }
    }

    private func secure() {
        switch connection.handshake() {
        case .done: phase = .asking
        case .failed(let why): finish(.failed(.later(after: 0), why))
        case .needMore: return
        }
    }

    private func receive() {
        while case .asking = phase {
            let count = connection.receive()
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
        connection.close()
        done(result)
    }
}
