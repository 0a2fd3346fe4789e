import CLinux
import Configuration
import EventLoop
import HTTP
import Routing

/// PROXY headers of clients' connections: read before TLS or HTTP begins.
extension Worker {
    /// The peer may say first whose connection it makes.
    mutating func awaitProxyHeader(_ slot: Int32) {
        let downstream = down[slot]
        downstream.pointee.phase = .header
        // Where TLS follows, this is a part of the handshake and bounded with it.
        if certificates[Int(downstream.pointee.listener)] != nil {
            handshakes &+= 1
            listUnheard(slot)
        }
        setDeadline(downstream: slot, now + limits.handshake)
        readProxyHeader(slot)
    }

    /// The connection is no longer one whose header is awaited.
    mutating func leaveHeaderPhase(_ slot: Int32) {
        // The list tells whether it was counted: a reload may have brought TLS, or taken it.
        if down[slot].pointee.flags.contains(.listedUnheard) {
            unlistUnheard(slot)
            handshakes &-= 1
        }
        down[slot].pointee.phase = .idle
    }

    /// Looks whether the header is there.
    ///
    /// Nothing is taken from the kernel before all of it is, and then not a byte more, so that it
    /// needs no memory and what follows is read by whoever it is for.
    mutating func readProxyHeader(_ slot: Int32) {
        let downstream = down[slot]
        guard downstream.pointee.flags.contains(.readable) else { return }
        let count = weir_peek(downstream.pointee.descriptor, readBase, ProxyHeader.mostBinary)
        if count == Int(-EAGAIN) {
            downstream.pointee.flags.remove(.readable)
            return
        }
        // Balancers check in this way whether anybody listens.
        guard count > 0 else {
            closeDownstream(slot)
            return
        }
        let reading: ProxyHeader.Reading
        do throws(ProxyHeaderError) {
            reading = try ProxyHeader.read(RawSpan(_unsafeStart: readBase, byteCount: count))
        } catch {
            refuseProxyHeader(slot, .badRequest, error.explanation)
            return
        }
        switch reading {
        case .header(let header, let size):
            guard weir_recv(downstream.pointee.descriptor, readBase, size) == size else {
                closeDownstream(slot)
                return
            }
            introduced(slot, header)
        case .absent:
            let listener = Int(downstream.pointee.listener)
            if snapshot.config.listeners[listener].proxyProtocol?.isRequired == false {
                introduced(slot, .local)
            } else {
                refuseProxyHeader(slot, .badRequest, "the peer has to send a PROXY header first")
            }
        case .needMore:
            guard downstream.pointee.flags.isDisjoint(with: [.finished, .broken]) else {
                refuseProxyHeader(slot, .badRequest, "the connection ended in its PROXY header")
                return
            }
            downstream.pointee.flags.remove(.readable)
        }
    }

    /// Whose connection it is has been said: TLS or HTTP begins.
    private mutating func introduced(_ slot: Int32, _ header: ProxyHeader) {
        let downstream = down[slot]
        leaveHeaderPhase(slot)
        switch header {
        case .client(let source, _): downstream.pointee.peer = weir_address(source)
        case .unix: downstream.pointee.peer = weir_address()
        // The peer speaks for itself.
        case .local, .unknown: break
        }
        guard let known = admitClient(downstream.pointee.peer) else {
            let row = statistics.listeners.row(Int(downstream.pointee.listener))
            row.add(ListenerColumn.refused)
            closeDownstream(slot)
            return
        }
        downstream.pointee.flags.formUnion(known)
        beginTalk(slot)
    }

    /// The peer does not say whose connection it is: it ends, and the log says why.
    mutating func refuseProxyHeader(_ slot: Int32, _ outcome: Outcome, _ reason: StaticString) {
        var entry = LogEntry(
            outcome: outcome,
            status: outcome.status,
            id: RequestID(high: random.next(), low: random.next())
        )
        entry.client = down[slot].pointee.peer
        entry.reason = reason.description
        countUnanswered(entry, of: slot)
        log(entry)
        closeDownstream(slot)
    }
}

extension Snapshot {
    /// Whether a peer of a listener may say by the PROXY protocol whose connection it makes.
    func mayIntroduce(_ peer: weir_address, _ listener: Int) -> Bool {
        guard peer.isInternet, let peers = config.listeners[listener].proxyProtocol
        else { return false }
        let address = IPAddress(peer)
        return peers.from.contains { $0.contains(address) }
    }
}

extension weir_address {
    /// An address that a PROXY header names; an IPv4-mapped one is one of IPv4.
    init(_ address: ProxyAddress) {
        let bits = UInt32(truncatingIfNeeded: address.low)
        self.init(
            address.isIPv6 ? IPAddress(v6High: address.high, low: address.low) : .v4(bits),
            port: address.port
        )
    }
}
