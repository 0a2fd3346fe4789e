import CLinux
import EventLoop
import Routing
import Synchronization

extension Worker {
    /// Connections accepted per event, so that a flood of them leaves room for requests.
    private static let acceptBatch = 16
    /// Nanoseconds until accepting is tried again where only a try can tell.
    private static let acceptRetry: Int64 = 50_000_000

    /// A listener is readable.
    mutating func accept(_ index: Int) {
        guard index < listeners.count else { return }
        var left = Self.acceptBatch
        while left > 0, acceptOne(index) { left &-= 1 }
    }

    /// Accepts one connection; false if none waits or none may be accepted now.
    mutating func acceptOne(_ index: Int) -> Bool {
        let listener = listeners[index]
        guard makeRoom(listener.index) else {
            pauseAccepting(index)
            return false
        }
        var peer = weir_address()
        let descriptor = weir_accept(listener.descriptor, &peer)
        if descriptor >= 0 {
            begin(descriptor, peer, listener.index)
            return true
        }
        switch -descriptor {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            // The oldest idle connection makes room at once; without one, time must.
            if !closeOldestIdle() {
                acceptsAgain = now + Self.acceptRetry
                pauseAccepting(index)
                return false
            }
            return true
        case EAGAIN: return false
        // The client left while it waited (accept(2), "Error handling").
        default: return -descriptor != EBADF && -descriptor != EINVAL
        }
    }

    /// Whether one more connection may be accepted, after closing an idle one if need be.
    private mutating func makeRoom(_ listener: Int) -> Bool {
        let count = shared.listenerConnections[listener].value.load(ordering: .relaxed)
        if count >= shared.listenerLimits[listener] {
            guard closeOldestIdle(of: listener) else { return false }
        }
        if shared.connections.value.load(ordering: .relaxed) >= shared.maxConnections {
            return closeOldestIdle()
        }
        return down.count < down.capacity || closeOldestIdle()
    }

    private mutating func begin(_ descriptor: Int32, _ peer: weir_address, _ listener: Int) {
        var flags: Downstream.Flags = .readable
        if peer.isInternet {
            let address = IPAddress(peer)
            if snapshot.config.trustedProxies.contains(where: { $0.contains(address) }) {
                flags.insert(.trustedPeer)
            } else if let clients = shared.clients {
                guard clients.enter(address) else {
                    weir_close(descriptor)
                    return
                }
                flags.insert(.countedClient)
            }
        }
        let slot = down.allocate()
        guard slot >= 0 else {
            weir_close(descriptor)
            if flags.contains(.countedClient) { shared.clients?.leave(IPAddress(peer)) }
            return
        }
        shared.connections.value.add(1, ordering: .relaxed)
        shared.listenerConnections[listener].value.add(1, ordering: .relaxed)
        let downstream = down[slot]
        downstream.pointee.descriptor = descriptor
        downstream.pointee.peer = peer
        downstream.pointee.listener = UInt16(truncatingIfNeeded: listener)
        downstream.pointee.flags = flags
        listIdle(slot)
        setDeadline(downstream: slot, now + limits.keepAlive)
        // Mostly the request is there already; what comes later finds the descriptor registered.
        let generation = downstream.pointee.generation
        readRequests(slot)
        guard let again = down.find(slot, generation: generation) else { return }
        register(slot, again)
    }

    private mutating func register(_ slot: Int32, _ downstream: UnsafeMutablePointer<Downstream>) {
        downstream.pointee.flags.insert(.registered)
        let token = Self.token(.downstream, slot, downstream.pointee.generation)
        if !poller.addConnection(downstream.pointee.descriptor, token: token) {
            if downstream.pointee.exchange >= 0 {
                abort(downstream.pointee.exchange, .overloaded)
            } else {
                closeDownstream(slot)
            }
        }
    }

    // MARK: Pausing

    private mutating func pauseAccepting(_ index: Int) {
        guard !isDraining, !listeners[index].isPaused else { return }
        listeners[index].isPaused = true
        poller.remove(listeners[index].descriptor)
        isAcceptPaused = true
        // What pauses again and again is told once a second.
        guard now >= pauseTold else { return }
        pauseTold = now + 1_000_000_000
        shared.logs.note(level: .warning, "out of connections: accepting pauses")
    }

    /// Listens again where there is room; called on every turn while accepting is paused.
    mutating func resumeAccepting() {
        guard isAcceptPaused, !isDraining, now >= acceptsAgain else { return }
        isAcceptPaused = false
        for index in listeners.indices where listeners[index].isPaused {
            guard mayHaveRoom(listeners[index].index) else {
                isAcceptPaused = true
                continue
            }
            listeners[index].isPaused = false
            let token = Self.token(.listener, Int32(index), 0)
            let descriptor = listeners[index].descriptor
            let isShared = listeners[index].isShared
            _ = poller.addSource(descriptor, token: token, exclusive: isShared)
        }
    }

    private mutating func mayHaveRoom(_ listener: Int) -> Bool {
        let count = shared.listenerConnections[listener].value.load(ordering: .relaxed)
        if count >= shared.listenerLimits[listener] {
            // Whether one of the idle connections is this listener's is for a try to find out.
            guard oldestIdle >= 0 else { return false }
            acceptsAgain = now + Self.acceptRetry
            return true
        }
        let hasRoom =
            shared.connections.value.load(ordering: .relaxed) < shared.maxConnections
            && down.count < down.capacity
        return hasRoom || oldestIdle >= 0
    }

    // MARK: Idle connections

    /// Puts a connection at the end of the list of idle ones.
    mutating func listIdle(_ slot: Int32) {
        let downstream = down[slot]
        guard !downstream.pointee.flags.contains(.listedIdle) else { return }
        downstream.pointee.flags.insert(.listedIdle)
        downstream.pointee.idlePrevious = newestIdle
        downstream.pointee.idleNext = -1
        if newestIdle >= 0 {
            down[newestIdle].pointee.idleNext = slot
        } else {
            oldestIdle = slot
        }
        newestIdle = slot
    }

    /// Takes a connection out of the list of idle ones.
    mutating func unlistIdle(_ slot: Int32) {
        let downstream = down[slot]
        guard downstream.pointee.flags.contains(.listedIdle) else { return }
        downstream.pointee.flags.remove(.listedIdle)
        let previous = downstream.pointee.idlePrevious
        let next = downstream.pointee.idleNext
        if previous >= 0 { down[previous].pointee.idleNext = next } else { oldestIdle = next }
        if next >= 0 { down[next].pointee.idlePrevious = previous } else { newestIdle = previous }
    }

    /// Closes the connection that has been idle longest, on this listener if one is named; false
    /// if none is idle.
    mutating func closeOldestIdle(of listener: Int? = nil) -> Bool {
        var slot = oldestIdle
        while slot >= 0 {
            if listener == nil || Int(down[slot].pointee.listener) == listener {
                closeDownstream(slot)
                return true
            }
            slot = down[slot].pointee.idleNext
        }
        return false
    }
}
