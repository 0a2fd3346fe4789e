import CLinux
import Configuration
import EventLoop
import HTTP
import Health
import Proxy
import TLS

/// Memory that all checks use in turn.
final class CheckRoom {
    /// Bytes received at once.
    static let size = 65_536
    /// Where bytes are received.
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: CheckRoom.size, alignment: 16)
    /// Where ciphertext is received, as many bytes.
    let sealed = UnsafeMutableRawPointer.allocate(byteCount: CheckRoom.size, alignment: 16)
    /// What checks of servers that speak TLS have in common.
    let port = TLSPort()
    /// What checks by HTTP/2 have in common.
    private(set) lazy var frames = HTTP2Memory()
    /// Where a head's fields are noted.
    var fields = FieldTable(capacity: CheckConversation.mostFields)

    deinit {
        bytes.deallocate()
        sealed.deallocate()
    }
}

/// One active check under way: a connection of its own, and what is said on it.
///
/// Six system calls: socket, connect, epoll_ctl, send, recv, close.
final class CheckAttempt {
    /// How a check ended.
    enum Result: Equatable {
        case passed
        case failed(CheckFailure)
        /// Weir itself had no descriptor: that says nothing of the server.
        case impossible
    }

    private enum Phase {
        /// The kernel's handshake runs. Next: `securing`, `asking`, `over`.
        case connecting
        /// That of TLS runs. Next: `asking`, `over`.
        case securing
        /// The request was sent, or a part of it. Next: `over`.
        case asking
        case over
    }

    /// When it began, in nanoseconds of the monotonic clock.
    let began: Int64
    private let loop: ControlLoop
    private let room: CheckRoom
    private let introduction: [UInt8]
    private let request: [UInt8]
    private let key: CheckKey
    private var conversation: CheckConversation?
    /// The conversation where it is one of HTTP/2.
    private var stream: CheckStream?
    private let context: TLSClientContext?
    private let connection: CheckConnection
    private var phase = Phase.connecting
    /// Bytes that the conversation could not use yet.
    private var kept: [UInt8] = []
    private let done: (CheckAttempt, Result) -> Void

    /// A check that has not begun; `done` is called once it has a result, unless ``begin(_:)``
    /// has it already.
    ///
    /// `context` is how TLS with it is begun, if it speaks that.
    init(
        _ target: CheckTarget,
        _ context: TLSClientContext?,
        on loop: ControlLoop,
        _ room: CheckRoom,
        _ done: @escaping (CheckAttempt, Result) -> Void
    ) {
        self.loop = loop
        self.room = room
        self.done = done
        introduction = target.introduction
        request = target.request
        self.context = context
        connection = CheckConnection(on: loop, room)
        key = target.key
        began = loop.now.nanoseconds
        if case .http(let question) = target.key.options.question {
            conversation = CheckConversation(question)
        }
    }

    /// Opens the connection; returns the result where that is known at once.
    func begin(_ target: CheckTarget) -> Result? {
        let opened: Int32? =
            switch target.key.address {
            case .ip(let ip, let port): connection.open(ip, port: port)
            case .unix(let path): connection.open(path)
            case .name, .service: nil
            }
        guard let result = opened else { return end(.impossible) }
        guard result == 0 || result == -EINPROGRESS else {
            return end(.failed(Self.noConnection(result)))
        }
        let onlyConnects = key.options.question == .tcp && key.security == nil
        if result == 0, onlyConnects {
            connection.introduce(introduction)
            return end(.passed)
        }
        let interest: Readiness =
            onlyConnects ? .writable : [.readable, .writable, .peerFinished]
        guard connection.watch(interest, { [unowned self] in ready($0) }) else {
            return end(.impossible)
        }
        connection.limit(target.key.options.timeout.inNanoseconds) { [unowned self] in
            if case .securing = phase {
                finish(.failed(.handshakeTimeout))
            } else {
                finish(.failed(.timeout))
            }
        }
        return nil
    }

    /// Gives the check up without a result.
    func cancel() { _ = end(.impossible) }

    // MARK: The conversation

    private func ready(_ readiness: Readiness) {
        if case .connecting = phase {
            guard let result = connection.connected(readiness) else { return }
            guard result == 0 else {
                finish(.failed(Self.noConnection(result)))
                return
            }
            connected()
        }
        if case .securing = phase {
            secure()
            // Nobody tells again of what came together with the handshake's end.
            if case .asking = phase { receive(isEnding: true) }
            return
        }
        if case .asking = phase, readiness.contains(.writable) { send() }
        guard case .asking = phase else { return }
        let isEnding = readiness.isBroken || readiness.contains(.peerFinished)
        if isEnding || readiness.contains(.readable) { receive(isEnding: isEnding) }
    }

    private func connected() {
        connection.introduce(introduction)
        guard let security = key.security else {
            agreed()
            return
        }
        guard connection.secure(context, security.name, protocols: key.protocols) else {
            finish(.impossible)
            return
        }
        phase = .securing
    }

    private func secure() {
        switch connection.handshake() {
        case .done: agreed()
        case .failed(let why): finish(.failed(.tls(why)))
        case .needMore: return
        }
    }

    /// Everything that comes before the question has succeeded.
    private func agreed() {
        guard key.options.question != .tcp else {
            finish(.passed)
            return
        }
        var question = request
        if key.http2 == .cleartext || connection.channel?.isHTTP2 == true {
            stream = key.stream(request, room.frames)
            guard let stream else {
                finish(.impossible)
                return
            }
            question = stream.output()
        } else if conversation == nil {
            finish(.failed(.tls("the server does not speak HTTP/2")))
            return
        }
        phase = .asking
        send(question)
    }

    private func send(_ bytes: [UInt8] = []) {
        // What has come before the end may be the answer.
        if !connection.send(bytes) { receive(isEnding: true) }
    }

    /// Reads as far as there is something; `isEnding`: up to the end, of which nobody tells again.
    private func receive(isEnding: Bool) {
        while case .asking = phase {
            let count = connection.receive()
            if count == Int(-EAGAIN) { return }
            guard count > 0 else {
                ended(isCut: connection.channel != nil && count < 0)
                return
            }
            take(count)
            // The next event tells of what comes later.
            if connection.channel == nil, count < CheckRoom.size, !isEnding { return }
        }
    }

    private func take(_ count: Int) {
        var step: CheckConversation.Step
        let received = UnsafeRawBufferPointer(start: room.bytes, count: count)
        if let stream {
            step = stream.take(received, now: loop.now.nanoseconds, with: &room.fields)
            let output = stream.output()
            if case .needMore = step, stream.isBroken { step = .failed(.malformed) }
            if !output.isEmpty { send(output) }
        } else if kept.isEmpty {
            step = look(at: received)
            if case .needMore(let used) = step, used < count { kept += received[used...] }
        } else {
            kept += received
            step = kept.withUnsafeBytes { look(at: $0) }
            if case .needMore(let used) = step { kept.removeFirst(min(used, kept.count)) }
        }
        conclude(step)
    }

    private func look(at bytes: UnsafeRawBufferPointer) -> CheckConversation.Step {
        conversation?.take(RawSpan(_unsafeBytes: bytes), with: &room.fields) ?? .passed
    }

    /// `isCut`: the end is not the server's own by TLS.
    private func ended(isCut: Bool) {
        if isCut {
            finish(.failed(connection.channel?.failure.map { .tls($0) } ?? .closed))
            return
        }
        switch stream == nil ? conversation?.ended() : nil {
        case .passed: finish(.passed)
        case .failed(let failure): finish(.failed(failure))
        case .needMore, nil: finish(.failed(.closed))
        }
    }

    private func conclude(_ step: CheckConversation.Step) {
        switch step {
        case .needMore: return
        case .passed: finish(.passed)
        case .failed(let failure): finish(.failed(failure))
        }
    }

    // MARK: The end

    private func finish(_ result: Result) {
        if case .over = phase { return }
        done(self, end(result))
    }

    private func end(_ result: Result) -> Result {
        phase = .over
        connection.close()
        return result
    }

    private static func noConnection(_ error: Int32) -> CheckFailure {
        .noConnection(SystemError.words(error))
    }
}
