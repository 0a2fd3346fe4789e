import CLinux
import EventLoop
import Glibc
import Testing

@Suite("Listening sockets")
struct SocketTests {
    /// A path for a unix socket that no other test uses.
    private static func path(_ name: String) -> String {
        "/tmp/weir-test-\(getpid())-\(name).sock"
    }

    /// The errno of what listening there throws.
    private func failure(_ address: ListeningAddress, sharesPort: Bool = false) -> Int32? {
        do {
            let socket = try Socket.listening(
                at: address,
                backlog: 4,
                sharesPort: sharesPort,
                userTimeout: 1000
            )
            withExtendedLifetime(socket.descriptor) {}
            return nil
        } catch { return error.code }
    }

    private func option(_ descriptor: Int32, _ level: Int, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, Int32(level), name, &value, &size)
        return value
    }

    @Test("port 0 becomes a port of the kernel's choice, and connections bring their peer")
    func anyPort() throws {
        let listener = try listen(at: .internet(loopback4(0)))
        #expect(listener.localPort != 0)
        let client = try connecting(to: loopback4(listener.localPort))
        let (descriptor, peer) = try accepted(from: listener)
        let server = Socket(adopting: descriptor)
        #expect(peer.family == 4 && peer.low == 0x7f00_0001 && peer.high == 0)
        #expect(peer.port == client.localPort)
        client.send("hello")
        let poller = try Poller()
        _ = poller.addSource(server.descriptor, token: 1)
        _ = poller.wait(milliseconds: 2000)
        #expect(try server.receive().get() == "hello")
    }

    @Test("everywhere is both families, and IPv4 peers come as IPv4")
    func dualStack() throws {
        let listener = try listen(at: .any(port: 0))
        #expect(listener.localPort != 0)
        var addresses = [loopback4(listener.localPort)]
        if hasIPv6 { addresses.append(loopback6(listener.localPort)) }
        for address in addresses {
            let client = try connecting(to: address)
            let (descriptor, peer) = try accepted(from: listener)
            weir_close(descriptor)
            #expect(peer.family == address.family)
            #expect(peer.high == address.high && peer.low == address.low)
            #expect(peer.port == client.localPort)
        }
    }

    @Test("an address of IPv6 takes IPv6 alone", .enabled(if: hasIPv6))
    func onlyIPv6() throws {
        let listener = try listen(at: .internet(loopback6(0)))
        #expect(listener.localPort != 0)
        #expect(failure(.internet(loopback4(listener.localPort))) == nil)
        let client = try connecting(to: loopback6(listener.localPort))
        let (descriptor, peer) = try accepted(from: listener)
        weir_close(descriptor)
        #expect(peer.family == 6 && peer.low == 1)
        withExtendedLifetime(client.descriptor) {}
    }

    @Test("an address is taken once, unless all who take it share it")
    func sharing() throws {
        let alone = try listen(at: .internet(loopback4(0)))
        #expect(failure(.internet(loopback4(alone.localPort))) == EADDRINUSE)
        #expect(failure(.internet(loopback4(alone.localPort)), sharesPort: true) == EADDRINUSE)
        let first = try listen(at: .internet(loopback4(0)), sharesPort: true)
        #expect(failure(.internet(loopback4(first.localPort)), sharesPort: true) == nil)
        #expect(failure(.internet(loopback4(first.localPort))) == EADDRINUSE)
        let everywhere = try listen(at: .any(port: 0), sharesPort: true)
        #expect(failure(.any(port: everywhere.localPort), sharesPort: true) == nil)
        #expect(failure(.any(port: everywhere.localPort)) == EADDRINUSE)
    }

    @Test("a port is taken again while connections of its last owner linger")
    func reuse() throws {
        let port = try connectedAndClosed()
        #expect(failure(.internet(loopback4(port))) == nil)
    }

    /// The port of a listener that is gone while a connection waits in TIME_WAIT at its end.
    private func connectedAndClosed() throws -> UInt16 {
        let listener = try listen(at: .internet(loopback4(0)))
        let client = try connecting(to: loopback4(listener.localPort))
        let server = try accepted(from: listener).descriptor
        weir_close(server)
        _ = client.receive()
        return listener.localPort
    }

    @Test("accepted connections inherit no delay and the user time-out, and do not block")
    func options() throws {
        let listener = try listen(at: .internet(loopback4(0)))
        let client = try connecting(to: loopback4(listener.localPort))
        let server = Socket(adopting: try accepted(from: listener).descriptor)
        #expect(option(server.descriptor, IPPROTO_TCP, TCP_NODELAY) == 1)
        #expect(option(server.descriptor, IPPROTO_TCP, 18) == 30_000)
        #expect(server.receive().code == EAGAIN)
        #expect(fcntl(server.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        withExtendedLifetime(client.descriptor) {}
    }

    @Test("a unix socket's file has the rights asked for", arguments: [0o600, 0o660, 0o666, 0o777])
    func mode(mode: UInt32) throws {
        let path = Self.path("mode-\(mode)")
        defer { unlink(path) }
        let listener = try listen(at: .unix(path: path, mode: mode))
        var info = stat()
        #expect(stat(path, &info) == 0)
        #expect(info.st_mode & 0o7777 == mode)
        #expect(info.st_mode & S_IFMT == S_IFSOCK)
        #expect(listener.localPort == 0)
        let client = Socket(adopting: weir_socket(0, 1))
        #expect(weir_connect_unix(client.descriptor, path) == 0)
        let (descriptor, peer) = try accepted(from: listener)
        weir_close(descriptor)
        #expect(!peer.isInternet)
    }

    @Test("a socket file that nobody serves is replaced, one that is served stays")
    func staleFile() throws {
        let path = Self.path("stale")
        defer { unlink(path) }
        #expect(failure(.unix(path: path, mode: 0o600)) == nil)
        #expect(weir_file_kind(path) == 3, "the file must have stayed behind")
        let living = try listen(at: .unix(path: path, mode: 0o600))
        #expect(failure(.unix(path: path, mode: 0o600)) == EADDRINUSE)
        let client = Socket(adopting: weir_socket(0, 1))
        #expect(weir_connect_unix(client.descriptor, path) == 0)
        withExtendedLifetime(living.descriptor) {}
    }

    @Test("what is no socket is never replaced")
    func otherFiles() throws {
        let path = Self.path("file")
        defer { unlink(path) }
        let file = weir_open_append(path)
        #expect(file >= 0)
        weir_close(file)
        #expect(failure(.unix(path: path, mode: 0o600)) == EADDRINUSE)
        #expect(weir_file_kind(path) == 1)
        #expect(failure(.unix(path: "/tmp", mode: 0o600)) == EADDRINUSE)
        #expect(failure(.unix(path: "/nowhere/at/all.sock", mode: 0o600)) == ENOENT)
    }

    @Test("the longest path of a unix socket, and one byte more")
    func longPath() {
        let longest = "/tmp/weir-" + String(repeating: "l", count: 97)
        #expect(longest.utf8.count == 107)
        defer { unlink(longest) }
        #expect(failure(.unix(path: longest, mode: 0o600)) == nil)
        #expect(failure(.unix(path: longest + "l", mode: 0o600)) == ENAMETOOLONG)
    }

    @Test("an address that this machine does not have is refused")
    func foreign() {
        var address = weir_address()
        address.family = 4
        address.low = 0xcb00_7101
        #expect(failure(.internet(address)) == EADDRNOTAVAIL)
    }

    @Test("a socket closes its descriptor at its end, unless it was released")
    func ownership() throws {
        func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }
        // High up, so that no other test gets the number meanwhile.
        let source = weir_eventfd()
        defer { weir_close(source) }
        let high = fcntl(source, F_DUPFD, 900)
        func dropped() {
            let socket = Socket(adopting: high)
            #expect(isOpen(socket.descriptor))
        }
        dropped()
        #expect(!isOpen(high))
        let again = fcntl(source, F_DUPFD, 901)
        let released = Socket(adopting: again).release()
        #expect(released == again && isOpen(released))
        weir_close(released)
    }

    @Test("errors name the call and say the reason")
    func errors() {
        let error = SystemError(code: EADDRINUSE, call: "bind")
        #expect(error.description == "bind: Address already in use")
        #expect(SystemError(code: 99_999, call: "x").reason == "unknown error")
        #expect(throws: SystemError.self) { try SystemError.check(-ENOENT, "open") }
        #expect((try? SystemError.check(7, "open")) == 7)
    }
}
