import CLinux
import EventLoop
import TLS

/// TLS on connections to endpoints.
extension Worker {
    /// Nanoseconds between two notes in the log about handshakes that failed.
    private static let noteEvery: Int64 = 1_000_000_000
    /// What is offered for a single exchange, which has the connection to itself.
    private static let onlyHTTP1 = ["http/1.1"]

    /// The connection is open: TLS is agreed on before the request leaves.
    ///
    /// False if it cannot be.
    mutating func beginUpstreamHandshake(_ slot: Int32, _ context: TLSClientContext) -> Bool {
        let upstream = up[slot]
        let endpoint = Int(upstream.pointee.endpoint)
        let name = String(decoding: endpoints[endpoint].serverName, as: UTF8.self)
        let connection = context.connect(
            secure,
            serverName: name,
            machine: UInt64(endpoint),
            protocols: upstream.pointee.exchange >= 0 ? Self.onlyHTTP1 : []
        )
        guard let connection else { return false }
        upstream.pointee.secure.connection = connection
        upstream.pointee.transport = .secure
        upstream.pointee.phase = .securing
        return true
    }

    /// Goes on with the handshake as far as what has come allows.
    mutating func pumpUpstreamHandshake(_ slot: Int32) {
        let upstream = up[slot]
        guard let connection = upstream.pointee.secure.connection else { return }
        while true {
            var offered = 0
            if upstream.pointee.flags.contains(.readable) {
                let received = weir_recv(upstream.pointee.descriptor, sealedArea, Self.sealedSize)
                if received == Int(-EAGAIN) || (received > 0 && received < Self.sealedSize) {
                    upstream.pointee.flags.remove(.readable)
                } else if received <= 0 {
                    handshakeFailed(slot, "the server ended the connection in the handshake")
                    return
                }
                offered = max(0, received)
            }
            connection.offer(sealedArea, offered)
            let step = connection.handshake()
            guard sendSealed(upstream) else {
                handshakeFailed(slot, "the server ended the connection in the handshake")
                return
            }
            switch step {
            case .done:
                keepSealed(&upstream.pointee.secure, offered)
                upstreamSecured(slot)
                return
            case .needMore:
                if offered == 0 { return }
            case .failed(let failure):
                handshakeFailed(slot, failure.text)
                return
            }
        }
    }

    private mutating func upstreamSecured(_ slot: Int32) {
        let upstream = up[slot]
        if !upstream.pointee.secure.sealed.isEmpty { upstream.pointee.flags.insert(.readable) }
        if upstream.pointee.exchange < 0 {
            if upstream.pointee.secure.connection?.isHTTP2 == true {
                becomeServerCarrier(slot)
                return
            }
            guard fallBackToHTTP1(server: slot) else { return }
        }
        upstream.pointee.phase = .busy
        upstream.pointee.sentBefore = upstream.pointee.sent
        let generation = upstream.pointee.generation
        sendRequest(upstream.pointee.exchange)
        if up.find(slot, generation: generation) != nil,
            upstream.pointee.flags.contains(.readable)
        {
            queueUpstream(slot)
        }
    }

    private mutating func handshakeFailed(_ slot: Int32, _ reason: String) {
        let upstream = up[slot]
        secure.clearOutput()
        if now >= handshakeNoted {
            handshakeNoted = now + Self.noteEvery
            let entry = endpoints + Int(upstream.pointee.endpoint)
            let name = String(decoding: entry.pointee.name, as: UTF8.self)
            shared.logs.note(level: .warning, "TLS to \(name) failed: \(reason)")
        }
        connectionFailed(slot, .handshakeFailed)
    }

    /// Encrypts and sends bytes to the server; returns how many were taken, -1 if sending failed.
    ///
    /// What the kernel does not take waits, and nothing more is taken until it has left.
    mutating func sendSecure(
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Int {
        var taken = 0
        while taken < count, upstream.pointee.output.isEmpty {
            let part = min(count &- taken, Self.readSize)
            let isSealed = seal(
                &upstream.pointee.secure,
                bytes + taken,
                part,
                nil,
                0,
                spare: 0
            )
            guard isSealed, sendSealed(upstream) else {
                secure.clearOutput()
                return -1
            }
            taken &+= part
        }
        return taken
    }

    /// Sends what stands in the worker's port to the server; false if that failed.
    mutating func sendSealed(_ upstream: UnsafeMutablePointer<Upstream>) -> Bool {
        let output = secure.output
        defer { secure.clearOutput() }
        guard let bytes = output.baseAddress, output.count > 0 else { return true }
        var sent = 0
        if upstream.pointee.output.isEmpty {
            sent = weir_send(upstream.pointee.descriptor, bytes, output.count)
            if sent < 0 {
                guard sent == Int(-EAGAIN) else { return false }
                sent = 0
            }
        }
        upstream.pointee.sent &+= UInt64(sent)
        if sent < output.count {
            buffers.append(bytes + sent, output.count &- sent, to: &upstream.pointee.output)
        }
        return true
    }

    /// Tells a server that speaks TLS that nothing follows, so that it can tell the end from a cut.
    mutating func sayEnd(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard let connection = upstream.pointee.secure.connection else { return }
        connection.shutdown()
        _ = sendSealed(upstream)
    }

    /// Sends ciphertext that waits; false if some still does, or sending failed.
    mutating func flushSealed(_ upstream: UnsafeMutablePointer<Upstream>) -> Bool {
        guard let bytes = upstream.pointee.output.head else { return true }
        let sent = weir_send(upstream.pointee.descriptor, bytes, upstream.pointee.output.count)
        guard sent > 0 else { return false }
        upstream.pointee.sent &+= UInt64(sent)
        buffers.consume(sent, from: &upstream.pointee.output)
        return upstream.pointee.output.isEmpty
    }

    /// Whether what came on an idle connection is TLS's own, session tickets say, rather than an
    /// end or bytes that nobody asked for.
    mutating func staysIdle(_ slot: Int32, _ readiness: Readiness) -> Bool {
        let upstream = up[slot]
        guard upstream.pointee.secure.isOn,
            readiness.isDisjoint(with: [.peerFinished, .ended, .failed])
        else { return false }
        upstream.pointee.flags.insert(.readable)
        return receiveSecure(upstream, scratch, 1) == Int(-EAGAIN)
    }

    /// Receives from a server and decrypts, as ``receive`` does in the clear.
    ///
    /// An end without close_notify is an error: it may be somebody else's doing (RFC 8446 §6.1).
    mutating func receiveSecure(
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ memory: UnsafeMutableRawPointer,
        _ room: Int
    ) -> Int {
        let flags = upstream.pointee.flags
        let hasEnded = !flags.isDisjoint(with: [.finished, .broken])
        let read = receiveSecure(
            &upstream.pointee.secure,
            upstream.pointee.descriptor,
            memory,
            room,
            mayReceive: flags.contains(.readable),
            hasEnded: hasEnded
        )
        if read.count == Int(-EAGAIN) || (read.isDrained && !hasEnded) {
            upstream.pointee.flags.remove(.readable)
        }
        _ = sendSealed(upstream)
        return read.count
    }
}
