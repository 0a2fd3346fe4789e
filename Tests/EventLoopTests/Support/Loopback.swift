import CLinux
import EventLoop

/// 127.0.0.1 with this port.
func loopback4(_ port: UInt16) -> weir_address {
    var address = weir_address()
    address.family = 4
    address.low = 0x7f00_0001
    address.port = port
    return address
}

/// ::1 with this port.
func loopback6(_ port: UInt16) -> weir_address {
    var address = weir_address()
    address.family = 6
    address.low = 1
    address.port = port
    return address
}

/// Whether this machine has ::1.
let hasIPv6: Bool = {
    let probe = weir_socket(6, 0)
    guard probe >= 0 else { return false }
    defer { weir_close(probe) }
    var address = loopback6(0)
    return weir_bind(probe, &address) == 0
}()

/// A listening socket with the options that tests do not vary.
func listen(
    at address: ListeningAddress,
    backlog: Int = 16,
    sharesPort: Bool = false
) throws -> Socket {
    try Socket.listening(
        at: address,
        backlog: backlog,
        sharesPort: sharesPort,
        userTimeout: 30_000
    )
}

/// A client's socket whose handshake with this address is on its way or done.
func connecting(to address: weir_address) throws -> Socket {
    let socket = Socket(
        adopting: try SystemError.check(weir_socket(Int32(address.family), 0), "socket")
    )
    let result = withUnsafePointer(to: address) { weir_connect(socket.descriptor, $0) }
    if result != -EINPROGRESS { _ = try SystemError.check(result, "connect") }
    return socket
}

/// The next connection of a listener, waited for.
func accepted(from listener: borrowing Socket) throws -> (descriptor: Int32, peer: weir_address) {
    let poller = try Poller()
    _ = poller.addSource(listener.descriptor, token: 1)
    _ = poller.wait(milliseconds: 5000)
    var peer = weir_address()
    let descriptor = try SystemError.check(weir_accept(listener.descriptor, &peer), "accept")
    return (descriptor, peer)
}

/// Two connected sockets of loopback.
struct Pair: ~Copyable {
    let client: Socket
    let server: Socket

    init() throws {
        let listener = try listen(at: .internet(loopback4(0)))
        let connected = try connecting(to: loopback4(listener.localPort))
        server = Socket(adopting: try accepted(from: listener).descriptor)
        client = connected
    }
}

extension Socket {
    /// Sends text; returns what the kernel says.
    @discardableResult
    borrowing func send(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { bytes in
            bytes.baseAddress.map { weir_send(descriptor, $0, bytes.count) } ?? 0
        }
    }

    /// Receives at most `count` bytes; the negated errno if that fails.
    borrowing func receive(_ count: Int = 100) -> Result<String, SystemError> {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { weir_recv(descriptor, $0, count) } ?? 0
        }
        if received < 0 {
            return .failure(SystemError(code: Int32(-received), call: "recv"))
        }
        return .success(String(decoding: bytes[..<received], as: UTF8.self))
    }
}
