import CLinux
import EventLoop
import Proxy
import Routing
import TLS

/// A connection that the control thread opens for one purpose: what is sent and received on it, in
/// cleartext or by TLS, and when its time is over.
///
/// It ends with ``close()``, at the latest when nobody has it any more.
final class CheckConnection {
    /// TLS on it, once that was begun.
    private(set) var channel: CheckChannel?
    private let loop: ControlLoop
    private let room: CheckRoom
    private var descriptor: Int32 = -1
    private var deadline: Deadline?
    /// What is to be sent in cleartext, and how much of it has left.
    private var outgoing: [UInt8] = []
    private var sent = 0

    /// A connection that is not open yet; what it receives lies in the room's bytes.
    init(on loop: ControlLoop, _ room: CheckRoom) {
        self.loop = loop
        self.room = room
    }

    deinit { close() }

    /// Begins to connect; returns 0, `-EINPROGRESS` or a negated errno, `nil` if there is no
    /// descriptor for it.
    func open(_ address: IPAddress, port: UInt16) -> Int32? {
        var internet = weir_address(address, port: port)
        descriptor = weir_socket(Int32(internet.family), 0)
        return descriptor < 0 ? nil : weir_connect(descriptor, &internet)
    }

    /// As ``open(_:port:)``, at the path of a Unix socket.
    func open(_ path: String) -> Int32? {
        descriptor = weir_socket(0, 1)
        return descriptor < 0 ? nil : weir_connect_unix(descriptor, path)
    }

    /// Calls `ready` at each change of what `interest` says; false if the kernel refuses.
    func watch(_ interest: Readiness, _ ready: @escaping ControlLoop.Handler) -> Bool {
        loop.watch(descriptor, interest, isEdgeTriggered: true, ready)
    }

    /// Calls `action` after so many nanoseconds, unless the connection was closed before.
    func limit(_ span: Int64, _ action: @escaping () -> Void) {
        deadline = loop.after(span, action)
    }

    /// How connecting ended: 0 or a negated errno, `nil` if it goes on.
    func connected(_ readiness: Readiness) -> Int32? {
        if readiness.isBroken {
            let error = weir_socket_error(descriptor)
            if error < 0 { return error }
        } else if !readiness.contains(.writable) {
            return nil
        }
        return 0
    }

    /// Sends a few bytes ahead of everything, also of TLS: a new connection always takes them.
    func introduce(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress, bytes.count > 0 {
                _ = weir_send(descriptor, base, bytes.count)
            }
        }
    }

    // MARK: TLS

    /// Begins TLS with a server of this name; false if that cannot be.
    func secure(_ context: TLSClientContext?, _ name: String, protocols: [String]) -> Bool {
        channel = context.flatMap {
            CheckChannel($0, name, on: descriptor, room, protocols: protocols)
        }
        return channel != nil
    }

    /// Goes on with the handshake of TLS.
    func handshake() -> CheckChannel.Step { channel?.handshake() ?? .needMore }

    // MARK: Bytes

    /// Sends these bytes behind those that still wait, as far as the kernel takes them; false if
    /// the connection is broken.
    ///
    /// The rest leaves with the next call, which may bring nothing.
    func send(_ bytes: [UInt8] = []) -> Bool {
        if let channel { return channel.send(bytes) && channel.flush() }
        outgoing += bytes
        while sent < outgoing.count {
            let count = outgoing.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    weir_send(descriptor, $0 + sent, bytes.count - sent)
                } ?? 0
            }
            if count == Int(-EAGAIN) { return true }
            guard count > 0 else { return false }
            sent += count
        }
        outgoing = []
        sent = 0
        return true
    }

    /// Receives into the room's bytes.
    ///
    /// Returns how many there are, 0 at the server's end, `-EAGAIN` if nothing is there, another
    /// negative number if the connection is broken.
    func receive() -> Int {
        channel?.receive() ?? weir_recv(descriptor, room.bytes, CheckRoom.size)
    }

    /// Ends it; nothing that was asked for is called any more.
    func close() {
        loop.cancel(deadline)
        deadline = nil
        channel?.end()
        channel = nil
        if descriptor >= 0 {
            loop.close(descriptor)
            descriptor = -1
        }
    }
}
