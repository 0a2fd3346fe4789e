import CLinux
import EventLoop

/// One connection to the admin API with one request on it; never waits.
final class AdminLink {
    private let client: AdminClient
    private let socket: Socket
    private let channel: SecureChannel?
    private let request: [UInt8]
    /// Bytes of the request that the other side has been sent.
    private(set) var sent = 0
    /// Whether the other side may be told the request: by TLS, only once it has shown who it is.
    private var isTrusted: Bool
    /// What has come and nobody has taken out.
    var received: [UInt8] = []

    /// Connects, and sends this request as soon as that is possible.
    ///
    /// - Throws: ``AdminClient/NoAnswer`` if nothing listens.
    init(_ client: AdminClient, _ request: String) throws(AdminClient.NoAnswer) {
        self.client = client
        self.request = Array(request.utf8)
        let socket = try client.open()
        isTrusted = client.security == nil
        channel = client.security?.channel(on: socket.descriptor)
        self.socket = socket
        if client.security != nil, channel == nil {
            throw AdminClient.NoAnswer(description: "no memory for TLS")
        }
    }

    /// What to watch, edge-triggered.
    var descriptor: Int32 { socket.descriptor }

    /// Does what can be done now; true at the end, behind which nothing comes.
    ///
    /// - Throws: ``AdminClient/NoAnswer`` if the connection is of no use, or who is at its other
    ///   end is not whom the client trusts.
    func advance() throws(AdminClient.NoAnswer) -> Bool {
        guard weir_socket_error(descriptor) == 0 else { throw client.nobody }
        if let channel, !channel.flush() { throw client.nobody }
        try send()
        let isOver = try receive()
        // The end of a handshake brings nobody else to send.
        try send()
        return isOver
    }

    private func send() throws(AdminClient.NoAnswer) {
        while isTrusted, sent < request.count {
            let count = request.withUnsafeBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                let left = bytes.count - sent
                return channel?.send(base + sent, left) ?? weir_send(descriptor, base + sent, left)
            }
            if count == 0 || count == Int(-EAGAIN) { return }
            guard count > 0 else { throw client.nobody }
            sent += count
        }
    }

    private func receive() throws(AdminClient.NoAnswer) -> Bool {
        while true {
            let reading = channel?.receive(into: &received) ?? receivePlain()
            // Before anything that came with the handshake's end is believed.
            if !isTrusted, let channel, channel.isOpen {
                try client.check(channel)
                isTrusted = true
            }
            switch reading {
            case .nothing: return false
            case .some: continue
            case .ended: return true
            case .failed(let why): throw client.broken(why)
            case .plainHTTP: throw client.stranger
            }
        }
    }

    private func receivePlain() -> SecureChannel.Reading {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { weir_recv(descriptor, $0, memory.count) } ?? 0
        }
        if count == Int(-EAGAIN) { return .nothing }
        if count == 0 { return .ended }
        guard count > 0 else { return .failed("the connection broke") }
        received += buffer[..<count]
        return .some
    }
}
