import CLinux
import EventLoop

/// A process that is to follow this one, from its start until it serves or has failed.
final class Upgrade {
    /// Nanoseconds in which it has to serve.
    private static let patience: Int64 = 60_000_000_000
    /// Nanoseconds in which a new process that does not serve in time has to end by itself.
    private static let grace: Int64 = 5_000_000_000

    private let loop: ControlLoop
    private let socket: HandoverSocket
    private let finished: (Result<Int32, StartError>) -> Void
    /// Its number.
    private let pid: Int32
    private var waiting: [(message: Handover.Message, descriptors: [Int32])]
    private var deadline: Deadline?
    private var isOver = false
    /// Whether its end was taken note of: its number may be somebody else's.
    private(set) var isReaped = false

    /// Starts `program` with these arguments, and hands over `messages` to it.
    ///
    /// `finished` is called once: with its number when it serves, or with why it does not.
    ///
    /// - Throws: ``StartError`` if it cannot even be started.
    init(
        program: String,
        arguments: [String],
        _ messages: [(message: Handover.Message, descriptors: [Int32])],
        on loop: ControlLoop,
        finished: @escaping (Result<Int32, StartError>) -> Void
    ) throws(StartError) {
        self.loop = loop
        self.finished = finished
        waiting = messages
        var (ours, theirs): (Int32, Int32) = (-1, -1)
        do throws(SystemError) {
            _ = try SystemError.check(weir_handover_pair(&ours, &theirs), "socketpair")
        } catch {
            throw StartError(description: "\(error)")
        }
        socket = HandoverSocket(descriptor: ours)
        pid = Self.spawn(program, arguments, theirs)
        weir_close(theirs)
        if pid < 0 {
            weir_close(ours)
            let reason = String(cString: weir_error_text(-pid))
            throw StartError(description: "cannot start \(program): \(reason)")
        }
        deadline = loop.after(Self.patience) { [weak self] in
            self?.giveUp()
        }
        _ = loop.watch(ours, [.readable, .writable]) { [weak self] in self?.ready($0) }
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        _ descriptor: Int32
    ) -> Int32 {
        let name = Handover.variable + "="
        // It is the new process that the service manager's watchdog is to be fed by.
        var environment = environmentList().filter {
            !$0.hasPrefix(name) && !$0.hasPrefix("WATCHDOG_PID=")
        }
        environment.append(name + String(descriptor))
        return withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                weir_spawn(program, arguments, environment, descriptor)
            }
        }
    }

    /// Ends the new process: nobody is to follow any more.
    ///
    /// Its workers may accept already: it has so many nanoseconds to finish what runs.
    func cancel(grace: Int64) {
        end(.failure(StartError(description: "this process is told to end")), grace: grace)
    }

    /// Ends the new process at once, whatever it does.
    func kill() {
        if !isReaped { _ = weir_signal_process(pid, SIGKILL) }
    }

    /// Its time is over, unless its word has come in the meantime.
    private func giveUp() {
        takeWord()
        let why = StartError(description: "it did not serve within a minute")
        end(.failure(why), grace: Self.grace)
    }

    /// Reads what it has said.
    private func takeWord() {
        while !isOver, let (message, descriptors) = socket.receive() {
            for descriptor in descriptors { weir_close(descriptor) }
            if message == .ready { end(.success(pid)) }
        }
    }

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { flush() }
        guard !isOver, !readiness.isDisjoint(with: [.readable, .ended, .peerFinished, .failed])
        else { return }
        takeWord()
        if !readiness.isDisjoint(with: [.ended, .peerFinished, .failed]) { hasGone() }
    }

    private func flush() {
        while let next = waiting.first {
            do throws(SystemError) {
                try socket.send(next.message, next.descriptors)
            } catch {
                if error.code != EAGAIN { hasGone() }
                return
            }
            waiting.removeFirst()
        }
        _ = loop.change(socket.descriptor, .readable)
    }

    /// It has closed its end: mostly it ends as well, in a moment, and its status says more.
    private func hasGone(looks: Int = 100) {
        guard !isOver else { return }
        loop.unwatch(socket.descriptor)
        var status: Int32 = 0
        var words = "it gave up"
        if weir_child_ended(pid, &status) == 1 {
            isReaped = true
            words =
                status > 128
                ? "it ended by signal \(status - 128)" : "it ended with status \(status)"
        } else if looks > 0 {
            loop.after(10_000_000) { [weak self] in self?.hasGone(looks: looks - 1) }
            return
        }
        end(.failure(StartError(description: "\(words); its messages are on standard error")))
    }

    private func end(_ result: Result<Int32, StartError>, grace: Int64 = 0) {
        guard !isOver else { return }
        isOver = true
        loop.cancel(deadline)
        loop.close(socket.descriptor)
        if case .failure = result, !isReaped {
            if grace > 0 {
                _ = weir_signal_process(pid, SIGTERM)
                loop.after(grace) { [self] in kill() }
            } else {
                kill()
            }
            reap()
        }
        finished(result)
    }

    /// Takes note of its end, so that no trace of it stays.
    private func reap() {
        var status: Int32 = 0
        if weir_child_ended(pid, &status) == 1 {
            isReaped = true
        } else {
            loop.after(100_000_000) { [self] in reap() }
        }
    }
}

/// The environment of this process.
private func environmentList() -> [String] {
    var list: [String] = []
    var next = weir_own_environment()
    while let text = next?.pointee {
        list.append(String(cString: text))
        next = next?.successor()
    }
    return list
}

/// Lends texts as C has them, with `NULL` behind the last.
private func withCStrings(
    _ texts: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
) -> Int32 {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { text in
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return copy
    }
    pointers.append(nil)
    defer { for pointer in pointers { pointer?.deallocate() } }
    return pointers.withUnsafeBufferPointer { list in
        list.baseAddress.map(body) ?? -EINVAL
    }
}
