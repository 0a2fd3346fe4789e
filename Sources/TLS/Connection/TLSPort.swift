import COpenSSL

/// Where a worker's TLS connections read ciphertext from and write it to.
///
/// One for each worker, not shared between threads; it must outlive the connections that were made
/// on it. Nothing is kept in it between two calls but output that has not been taken yet: what
/// OpenSSL has of a partial record lies in the connection's own buffer.
public final class TLSPort {
    let state: UnsafeMutablePointer<PortState>

    /// A port with room for `capacity` bytes of ciphertext, at least 160 KiB.
    public init(capacity: Int = 160 << 10) {
        let room = max(capacity, 160 << 10)
        state = .allocate(capacity: 1)
        state.initialize(to: PortState(output: .allocate(byteCount: room, alignment: 64), room))
    }

    deinit {
        state.pointee.output.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// How many of the bytes last offered no connection has taken yet.
    public var unread: Int { state.pointee.inputCount }

    /// Ciphertext to be sent by the connection called last, valid until the next call.
    public var output: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: state.pointee.output, count: state.pointee.outputCount)
    }

    /// Forgets what is unread, since the bytes go away; the connection still needs them.
    public func withdraw() {
        state.pointee.input = nil
        state.pointee.inputCount = 0
    }

    /// Puts ciphertext into the empty output that a connection made before and that nobody has
    /// sent, so that it leaves with what the connection makes next.
    public func restore(_ bytes: UnsafeRawPointer, _ count: Int) {
        _ = state.pointee.put(bytes, count)
    }

    /// Forgets the output: it has been sent, or copied.
    public func clearOutput() { state.pointee.outputCount = 0 }
}

/// The inside of a port, at a fixed address for OpenSSL's callbacks.
struct PortState {
    /// The connection that `input` was offered to.
    var owner: OpaquePointer?
    var input: UnsafeRawPointer?
    var inputCount = 0
    let output: UnsafeMutableRawPointer
    var outputCount = 0
    let capacity: Int
    /// Whether the peer of the call under way has asked for too much; see ``HandshakeFlood``.
    var isFlooded = false
    /// Why the last call that failed has failed.
    var failure = TLSFailure(kind: .none)

    init(output: UnsafeMutableRawPointer, _ capacity: Int) {
        self.output = output
        self.capacity = capacity
    }

    var room: Int { capacity &- outputCount }

    /// Moves up to `count` bytes of input to `target`; 0: there are none.
    mutating func take(_ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let taken = min(count, inputCount)
        guard taken > 0, let source = input else { return 0 }
        target.copyMemory(from: source, byteCount: taken)
        input = source + taken
        inputCount &-= taken
        return taken
    }

    /// Appends up to `count` bytes to the output; 0: it is full.
    mutating func put(_ source: UnsafeRawPointer, _ count: Int) -> Int {
        let taken = min(count, room)
        guard taken > 0 else { return 0 }
        (output + outputCount).copyMemory(from: source, byteCount: taken)
        outputCount &+= taken
        return taken
    }
}

/// OpenSSL's view of a port: a source and sink that asks to try again when it is empty or full.
struct PortMethod: @unchecked Sendable {
    // Unchecked: nobody changes the method once it is made.
    static let shared = PortMethod()

    private let method: OpaquePointer?

    private init() {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir port")
        guard let method else { return }
        BIO_meth_set_read_ex(method) { bio, target, count, done in
            guard let state = portState(bio), let target, let done else { return 0 }
            weir_bio_clear_retry(bio)
            done.pointee = state.pointee.take(target, count)
            if done.pointee == 0 { weir_bio_retry_read(bio) }
            return done.pointee > 0 ? 1 : 0
        }
        BIO_meth_set_write_ex(method) { bio, source, count, done in
            guard let state = portState(bio), let source, let done else { return 0 }
            weir_bio_clear_retry(bio)
            done.pointee = state.pointee.put(source, count)
            if done.pointee == 0 { weir_bio_retry_write(bio) }
            return done.pointee > 0 ? 1 : 0
        }
        // All that is written is in the output already.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    }

    /// A BIO over `port`; `nil`: no memory.
    func open(_ port: TLSPort) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, port.state)
        BIO_set_init(bio, 1)
        return bio
    }
}

private func portState(_ bio: OpaquePointer?) -> UnsafeMutablePointer<PortState>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: PortState.self)
}
