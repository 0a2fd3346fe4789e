import CLinux
import Configuration
import EventLoop

extension ListeningAddress {
    /// The address of the file in the kernel's terms; `mode` are the rights of a unix socket.
    init(_ address: ListenAddress, mode: UInt32) {
        switch address {
        case .any(let port): self = .any(port: port)
        case .ip(let ip, let port): self = .internet(weir_address(ip, port: port))
        case .unix(let path): self = .unix(path: path, mode: mode)
        }
    }

    /// The port; 0 for one that the kernel chooses, and for a unix socket.
    var port: UInt16 {
        switch self {
        case .any(let port): port
        case .internet(let internet): internet.port
        case .unix: 0
        }
    }

    /// The same address with this port.
    func with(port: UInt16) -> ListeningAddress {
        switch self {
        case .any: return .any(port: port)
        case .internet(var internet):
            internet.port = port
            return .internet(internet)
        case .unix: return self
        }
    }
}

extension ListenAddress {
    /// As an operator would type it; `port` is the one that the kernel chose.
    func display(scheme: String, port: UInt16) -> String {
        switch self {
        case .any: "\(scheme)://[::]:\(port)"
        case .ip(let ip, _): "\(scheme)://\(ip.text(port: port))"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension StartError {
    /// An address cannot be listened on.
    static func listening(_ address: ListenAddress, _ error: SystemError) -> StartError {
        var text = "cannot listen on \(address): \(error.reason.lowercased())"
        if error.code == EACCES {
            text += "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
        } else if error.code == EADDRINUSE {
            text += "; another process listens there"
        }
        return StartError(description: text)
    }
}
