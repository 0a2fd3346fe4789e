import CLinux
import EventLoop
import TLS

/// TLS on connections for probes.
extension Worker {
    /// Marks sessions of probes, so that these take none from requests.
    private static let probeMachines: UInt64 = 1 << 63
    /// What is offered: probes speak HTTP/1.
    private static let probeProtocols = ["http/1.1"]

    /// The connection stands: TLS is agreed on before the probe's request leaves.
    ///
    /// `isEnding`: the connection's end was reported and will not be a second time.
    mutating func secureProbe(_ endpoint: Int, _ context: TLSClientContext, isEnding: Bool) {
        let probe = probes[endpoint]
        let connection = context.connect(
            secure,
            serverName: String(decoding: endpoints[endpoint].serverName, as: UTF8.self),
            machine: UInt64(endpoint) | Self.probeMachines,
            protocols: Self.probeProtocols
        )
        guard let connection else {
            fail(probe: endpoint, .tls("the server's name is none"))
            return
        }
        probe.pointee.secure.connection = connection
        probe.pointee.phase = .securing
        pumpProbeHandshake(endpoint, isEnding: isEnding)
    }

    /// Goes on with the handshake as far as what has come allows.
    mutating func pumpProbeHandshake(_ endpoint: Int, isEnding: Bool) {
        let probe = probes[endpoint]
        guard let connection = probe.pointee.secure.connection else { return }
        var offered = 0
        while true {
            connection.offer(sealedArea, offered)
            let step = connection.handshake()
            let isSent = sendSealed(probe)
            switch step {
            case .failed(let failure):
                fail(probe: endpoint, .tls(failure.text))
                return
            case _ where !isSent: offered = 0
            case .done:
                keepSealed(&probe.pointee.secure, offered)
                let generation = probe.pointee.generation
                ask(endpoint)
                // Nobody tells again of what came together with the handshake's end.
                if probe.pointee.phase == .asking, probe.pointee.generation == generation {
                    readProbe(endpoint, isEnding: isEnding)
                }
                return
            case .needMore:
                offered = weir_recv(probe.pointee.descriptor, sealedArea, Self.sealedSize)
                if offered == Int(-EAGAIN) { return }
            }
            guard offered > 0 else {
                fail(probe: endpoint, .tls("the server ended the connection in the handshake"))
                return
            }
        }
    }

    /// Encrypts and sends what is left of the probe's request; false if the connection is broken.
    mutating func sendSecureProbe(_ probe: UnsafeMutablePointer<Probe>) -> Bool {
        guard sendSealed(probe), let connection = probe.pointee.secure.connection else {
            return false
        }
        let request = probe.pointee.request
        guard let start = request.baseAddress else { return true }
        while probe.pointee.sent < request.count, probe.pointee.output.isEmpty {
            let count = connection.write(
                start + probe.pointee.sent,
                request.count &- probe.pointee.sent
            )
            guard count > 0 else {
                secure.clearOutput()
                return false
            }
            probe.pointee.sent &+= count
            guard sendSealed(probe) else { return false }
        }
        return true
    }

    /// Receives and decrypts to where answers are read.
    ///
    /// Returns how many bytes there are, 0 at the server's end, `-EAGAIN` if nothing is there,
    /// another negative number if the connection is broken.
    mutating func receiveSecureProbe(
        _ probe: UnsafeMutablePointer<Probe>,
        isEnding: Bool
    ) -> Int {
        let read = receiveSecure(
            &probe.pointee.secure,
            probe.pointee.descriptor,
            readBase,
            Self.readSize,
            mayReceive: true,
            hasEnded: isEnding
        )
        _ = sendSealed(probe)
        return read.count
    }

    /// Whether what came on an idle connection is TLS's own, session tickets say, rather than
    /// bytes that nobody asked for.
    mutating func staysIdle(_ probe: UnsafeMutablePointer<Probe>) -> Bool {
        guard probe.pointee.secure.isOn else { return false }
        return receiveSecureProbe(probe, isEnding: false) == Int(-EAGAIN)
    }

    /// Says good-bye, and lets go of what the connection has for TLS.
    mutating func releaseSecure(_ probe: UnsafeMutablePointer<Probe>) {
        guard let connection = probe.pointee.secure.connection else { return }
        if probe.pointee.output.isEmpty {
            connection.shutdown()
            _ = sendSealed(probe)
        }
        buffers.give(&probe.pointee.output)
        release(&probe.pointee.secure)
    }

    /// Sends what waits, and what stands in the worker's port, to the server; false if that failed.
    private mutating func sendSealed(_ probe: UnsafeMutablePointer<Probe>) -> Bool {
        let output = secure.output
        if let bytes = output.baseAddress, output.count > 0 {
            buffers.append(bytes, output.count, to: &probe.pointee.output)
        }
        secure.clearOutput()
        while let bytes = probe.pointee.output.head, !probe.pointee.output.isEmpty {
            let count = weir_send(probe.pointee.descriptor, bytes, probe.pointee.output.count)
            if count == Int(-EAGAIN) { return true }
            guard count > 0 else { return false }
            buffers.consume(count, from: &probe.pointee.output)
        }
        return true
    }
}
