import CLinux

/// The one owner of a socket's descriptor, for sockets outside a slab.
public struct Socket: ~Copyable, Sendable {
    /// The descriptor, valid while the socket lives.
    public let descriptor: Int32

    /// Takes over an open, non-blocking descriptor.
    public init(adopting descriptor: Int32) { self.descriptor = descriptor }

    deinit { weir_close(descriptor) }

    /// Gives the descriptor away; the socket no longer closes it.
    public consuming func release() -> Int32 {
        let released = descriptor
        discard self
        return released
    }
}

extension weir_address {
    /// Whether it is an address of IPv4 or IPv6 rather than a unix socket.
    public var isInternet: Bool { family != 0 }
}

/// Where to listen, in the kernel's terms.
public enum ListeningAddress: Sendable {
    /// Every address of the machine, IPv4 and IPv6.
    case any(port: UInt16)
    /// One address.
    case internet(weir_address)
    /// A unix socket, with the rights of its file.
    case unix(path: String, mode: UInt32)
}

extension Socket {
    /// A listening socket.
    ///
    /// Options that accepted sockets inherit (no delay, user time-out) are set here, once.
    ///
    /// `sharesPort` says whether other sockets of this process listen at the same address;
    /// `userTimeout` is in milliseconds, after which unacknowledged data ends a connection.
    ///
    /// - Throws: ``SystemError`` for whatever the kernel refuses.
    public static func listening(
        at address: ListeningAddress,
        backlog: Int,
        sharesPort: Bool,
        userTimeout: UInt32
    ) throws(SystemError) -> Socket {
        switch address {
        case .unix(let path, let mode):
            let socket = Socket(adopting: try SystemError.check(weir_socket(0, 1), "socket"))
            _ = try SystemError.check(weir_bind_unix(socket.descriptor, path, mode), "bind")
            _ = try SystemError.check(weir_listen(socket.descriptor, Int32(backlog)), "listen")
            return socket
        case .internet(let internet):
            let socket = try make(family: Int32(internet.family), sharesPort, userTimeout)
            let bound = withUnsafePointer(to: internet) { weir_bind(socket.descriptor, $0) }
            _ = try SystemError.check(bound, "bind")
            _ = try SystemError.check(weir_listen(socket.descriptor, Int32(backlog)), "listen")
            return socket
        case .any(let port):
            return try listeningAnywhere(port, backlog, sharesPort, userTimeout)
        }
    }

    private static func listeningAnywhere(
        _ port: UInt16,
        _ backlog: Int,
        _ sharesPort: Bool,
        _ userTimeout: UInt32
    ) throws(SystemError) -> Socket {
        // Kernels without IPv6 refuse the socket or the address: then IPv4 alone is everything.
        if let socket = try? make(family: 6, sharesPort, userTimeout) {
            let bound = weir_bind_any(socket.descriptor, port)
            if bound == 0 {
                _ = try SystemError.check(weir_listen(socket.descriptor, Int32(backlog)), "listen")
                return socket
            }
            if bound != -EADDRNOTAVAIL { throw SystemError(code: -bound, call: "bind") }
        }
        var everywhere = weir_address()
        everywhere.family = 4
        everywhere.port = port
        return try listening(
            at: .internet(everywhere),
            backlog: backlog,
            sharesPort: sharesPort,
            userTimeout: userTimeout
        )
    }

    private static func make(
        family: Int32,
        _ sharesPort: Bool,
        _ userTimeout: UInt32
    ) throws(SystemError) -> Socket {
        let socket = Socket(adopting: try SystemError.check(weir_socket(family, 0), "socket"))
        let reuse = weir_set_reuse(socket.descriptor, sharesPort ? 1 : 0)
        _ = try SystemError.check(reuse, "setsockopt")
        _ = try SystemError.check(weir_set_nodelay(socket.descriptor), "setsockopt")
        // Unknown to kernels before 2.6.37; a connection then lives as long as TCP lets it.
        _ = weir_set_user_timeout(socket.descriptor, userTimeout)
        return socket
    }

    /// Gives a listening socket that another process has opened the options of ``listening``.
    ///
    /// `userTimeout` is in milliseconds.
    ///
    /// - Throws: ``SystemError`` for whatever the kernel refuses.
    public static func adoptListening(
        _ descriptor: Int32,
        backlog: Int,
        userTimeout: UInt32
    ) throws(SystemError) {
        _ = try SystemError.check(weir_listen(descriptor, Int32(backlog)), "listen")
        // A unix socket knows neither.
        _ = weir_set_nodelay(descriptor)
        _ = weir_set_user_timeout(descriptor, userTimeout)
    }

    /// The port that the socket is bound to; 0 for a unix socket.
    public var localPort: UInt16 { Self.localPort(of: descriptor) }

    /// The port that a socket is bound to; 0 for a unix socket.
    public static func localPort(of descriptor: Int32) -> UInt16 {
        let port = weir_local_port(descriptor)
        return port > 0 ? UInt16(truncatingIfNeeded: port) : 0
    }
}
