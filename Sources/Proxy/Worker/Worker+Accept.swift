import CLinux
import EventLoop
import Routing
import Synchronization

extension Worker {
    /// Nanoseconds after which, at most twice over, a new connection is registered in any case.
    static let briefTime: Int64 = 8_000_000
    /// Connections accepted per event, so that a flood of them leaves room for requests.
    private static let acceptBatch = 16

    /// A listener is readable.
    mutating func accept(_ index: Int) {
        guard index < listeners.count, listeners[index].descriptor >= 0 else { return }
        var left = Self.acceptBatch
        while left > 0, acceptOne(index) { left &-= 1 }
    }

    /// Accepts one connection; false if none waits or none may be accepted now.
    mutating func acceptOne(_ index: Int) -> Bool {
        let listener = listeners[index]
        // Before the listener closes what the kernel has accepted is served over the bounds, or it
        // would be reset.
        let isBounded = !isDraining && !snapshot.listeners[listener.index].isClosing
        if isBounded, !hasRoom(listener.index) {
            // Nobody who is idle has to go before somebody waits for the place.
            guard weir_is_readable(listener.descriptor) > 0 else { return false }
            guard makeRoom(listener.index) else {
                pauseAccepting(index, until: now)
                return false
            }
        }
        if certificates[listener.index] != nil, isBounded, !admitsHandshake(listener) {
            guard weir_is_readable(listener.descriptor) > 0 else { return false }
            pauseAccepting(index, until: now + Self.pause, .handshakes)
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
            if !closeOldestIdle(), !closeOldestUnheard() {
                if isBounded { pauseAccepting(index, until: now + Self.pause) }
                return false
            }
            return true
        case EAGAIN: return false
        // The client left while it waited (accept(2), "Error handling").
        default: return -descriptor != EBADF && -descriptor != EINVAL
        }
    }

    /// Accepts what waits at a listener that is about to close.
    ///
    /// What the kernel has accepted for us is served, not reset; what comes meanwhile, without an
    /// end, is not waited for.
    mutating func acceptWaiting(_ index: Int) {
        var left = snapshot.config.listeners[listeners[index].index].backlog &+ 1
        while left > 0, acceptOne(index) { left &-= 1 }
    }

    /// Whether one more connection stays within every bound.
    private mutating func hasRoom(_ listener: Int) -> Bool {
        shared.listenerConnections[listener].hasRoom && shared.connections.hasRoom
            && down.count < down.capacity
    }

    /// Closes idle connections until one more may be accepted; false if too few are idle.
    private mutating func makeRoom(_ listener: Int) -> Bool {
        if !shared.listenerConnections[listener].hasRoom, !closeOldestIdle(of: listener),
            !closeOldestUnheard(of: listener)
        {
            return false
        }
        return hasRoom(listener) || closeOldestIdle() || closeOldestUnheard()
    }

    private mutating func begin(_ descriptor: Int32, _ peer: weir_address, _ listener: Int) {
        // Who the client is comes with the PROXY header, where one may come.
        let speaksFor = snapshot.mayIntroduce(peer, listener)
        guard let known = speaksFor ? [] : admitClient(peer) else {
            statistics.listeners.row(listener).add(ListenerColumn.refused)
            weir_close(descriptor)
            return
        }
        let flags = known.union(.readable)
        let slot = down.allocate()
        guard slot >= 0 else {
            weir_close(descriptor)
            if flags.contains(.countedClient) { shared.clients.leave(IPAddress(peer)) }
            return
        }
        statistics.listeners.row(listener).add(ListenerColumn.connections)
        shared.connections.value.add(1, ordering: .relaxed)
        shared.listenerConnections[listener].value.add(1, ordering: .relaxed)
        let downstream = down[slot]
        downstream.pointee.descriptor = descriptor
        downstream.pointee.peer = peer
        downstream.pointee.listener = UInt16(truncatingIfNeeded: listener)
        downstream.pointee.flags = flags
        // Mostly the request is there already; what comes later finds the descriptor registered.
        let generation = downstream.pointee.generation
        if speaksFor { awaitProxyHeader(slot) } else { beginTalk(slot) }
        guard let again = down.find(slot, generation: generation) else { return }
        if isBrief(again) { registerLater(slot, again) } else { register(slot, again) }
    }

    /// Counts a client's connection and tells what is to be known of the client; `nil` if it has
    /// as many connections as it may.
    mutating func admitClient(_ peer: weir_address) -> Downstream.Flags? {
        guard peer.isInternet else { return [] }
        let address = IPAddress(peer)
        if snapshot.config.trustedProxies.contains(where: { $0.contains(address) }) {
            return .trustedPeer
        }
        guard shared.clients.isBounded else { return [] }
        return shared.clients.enter(address) ? .countedClient : nil
    }

    /// TLS or HTTP begins on a connection whose client is known.
    mutating func beginTalk(_ slot: Int32) {
        let downstream = down[slot]
        guard let context = certificates[Int(downstream.pointee.listener)] else {
            becomeIdle(slot, downstream)
            readRequests(slot)
            return
        }
        if !beginHandshake(slot, context) { closeDownstream(slot) }
    }

    /// Whether nothing is expected of the client any more: its one request is read whole.
    private mutating func isBrief(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        guard downstream.pointee.exchange >= 0, downstream.pointee.output.isEmpty else {
            return false
        }
        let flags = exchanges[downstream.pointee.exchange].pointee.flags
        return flags.contains(.requestComplete) && !flags.contains(.keepAlive)
    }

    /// Registers the connection only if it lives longer than most answers take.
    private mutating func registerLater(
        _ slot: Int32,
        _ downstream: UnsafeMutablePointer<Downstream>
    ) {
        if newcomers.isEmpty, earlierNewcomers.isEmpty { registerAt = now + Self.briefTime }
        newcomers.append(Self.token(.downstream, slot, downstream.pointee.generation))
    }

    /// Registers connections that were accepted a while ago; called on every turn.
    mutating func registerNewcomers() {
        guard !(newcomers.isEmpty && earlierNewcomers.isEmpty), now >= registerAt else { return }
        registerAt = now + Self.briefTime
        for token in earlierNewcomers {
            let slot = Self.slot(of: token)
            let generation = UInt32(truncatingIfNeeded: token)
            if let downstream = down.find(slot, generation: generation) {
                register(slot, downstream)
            }
        }
        earlierNewcomers.removeAll(keepingCapacity: true)
        swap(&newcomers, &earlierNewcomers)
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

    /// Nanoseconds between two looks at what keeps accepting paused.
    private static let pause: Int64 = 50_000_000
    /// Nanoseconds between two notes in the log that accepting pauses.
    private static let noteEvery: Int64 = 10_000_000_000

    /// Descriptors ran out for connecting: newcomers wait in the kernel's queue, rather than be
    /// accepted and closed again for those who are served.
    mutating func holdNewcomers() {
        for index in listeners.indices where listeners[index].descriptor >= 0 {
            pauseAccepting(index, until: now + Self.pause)
        }
    }

    /// What keeps a worker from accepting.
    private enum PauseCause {
        case connections
        case handshakes

        /// In words for the log.
        var words: StaticString {
            switch self {
            case .connections: "out of connections"
            case .handshakes: "too many TLS handshakes"
            }
        }

        /// Where it is counted.
        var column: Int {
            switch self {
            case .connections: ListenerColumn.pauses
            case .handshakes: ListenerColumn.handshakePauses
            }
        }
    }

    private mutating func pauseAccepting(
        _ index: Int,
        until again: Instant,
        _ cause: PauseCause = .connections
    ) {
        guard !listeners[index].isPaused, !isDraining else { return }
        listeners[index].isPaused = true
        statistics.listeners.row(listeners[index].index).add(cause.column)
        isAcceptPaused = true
        acceptAgain = again
        poller.remove(listeners[index].descriptor)
        askForRoom(listeners[index].index)
        if now >= pauseNoted {
            pauseNoted = now + Self.noteEvery
            shared.logs.note(level: .warning, "\(cause.words): accepting pauses")
        }
    }

    /// Listens again where there is room; called on every turn while accepting is paused.
    mutating func resumeAccepting() {
        guard isAcceptPaused, !isDraining, now >= acceptAgain else { return }
        isAcceptPaused = false
        for (index, listener) in listeners.enumerated() where listener.isPaused {
            if hasRoom(listener.index) {
                attend(index)
            } else {
                isAcceptPaused = true
                if now >= roomAsked + Self.pause { askForRoom(listener.index) }
            }
        }
    }

    /// Watches a listener; where the kernel refuses, it is tried again like one that pauses.
    mutating func attend(_ index: Int) {
        let listener = listeners[index]
        let token = Self.token(.listener, Int32(truncatingIfNeeded: index), 0)
        let isWatched = poller.addSource(
            listener.descriptor,
            token: token,
            exclusive: listener.isShared
        )
        listeners[index].isPaused = !isWatched
        if isWatched { return }
        isAcceptPaused = true
        acceptAgain = now + Self.pause
    }

    /// Has the other workers close an idle connection: one of them may have what is missing here.
    private mutating func askForRoom(_ listener: Int) {
        roomAsked = now
        for other in shared.mailboxes where other !== mailbox {
            other.post(.makeRoom(listener: listener))
        }
        if !hasRoom(listener) { _ = makeRoom(listener) }
    }

    /// Another worker has somebody waiting for a place.
    mutating func giveRoom(_ listener: Int) {
        if !hasRoom(listener) { _ = makeRoom(listener) }
    }

    // MARK: Idle connections

    /// Puts a connection at the end of the list of idle ones.
    mutating func listIdle(_ slot: Int32) {
        guard !down[slot].pointee.flags.contains(.listedIdle) else { return }
        down[slot].pointee.flags.insert(.listedIdle)
        idle.append(slot, down)
    }

    /// Takes a connection out of the list of idle ones.
    mutating func unlistIdle(_ slot: Int32) {
        guard down[slot].pointee.flags.contains(.listedIdle) else { return }
        down[slot].pointee.flags.remove(.listedIdle)
        idle.remove(slot, down)
    }

    /// A connection that counts as a handshake begins, and its client has said nothing yet.
    mutating func listUnheard(_ slot: Int32) {
        down[slot].pointee.flags.insert(.listedUnheard)
        unheard.append(slot, down)
    }

    /// The client of a handshake has said what there is to say first, or the handshake ends.
    mutating func unlistUnheard(_ slot: Int32) {
        guard down[slot].pointee.flags.contains(.listedUnheard) else { return }
        down[slot].pointee.flags.remove(.listedUnheard)
        unheard.remove(slot, down)
    }

    /// Closes the handshake whose client has been silent longest, on this listener if one is
    /// named; false if none is silent.
    mutating func closeOldestUnheard(of listener: Int? = nil) -> Bool {
        guard let slot = oldestSilent(from: unheard.oldest, of: listener) else { return false }
        statistics.listeners.row(Int(down[slot].pointee.listener))
            .add(ListenerColumn.handshakeFailures)
        closeDownstream(slot)
        return true
    }

    /// Closes the connection that has been idle longest, on this listener if one is named; false
    /// if none is idle.
    mutating func closeOldestIdle(of listener: Int? = nil) -> Bool {
        guard let slot = oldestSilent(from: idle.oldest, of: listener) else { return false }
        closeDownstream(slot)
        return true
    }

    /// The first connection of a list, from `oldest` on, of which nothing has come since it was
    /// looked at: one whose request has come in the meantime is idle no longer.
    private mutating func oldestSilent(from oldest: Int32, of listener: Int?) -> Int32? {
        var slot = oldest
        while slot >= 0 {
            let downstream = down[slot]
            if listener == nil || Int(downstream.pointee.listener) == listener,
                isSilent(downstream)
            {
                return slot
            }
            slot = downstream.pointee.idleNext
        }
        return nil
    }

    /// Whether nothing has come that has not been looked at; a PROXY header stays with the kernel
    /// until it is whole.
    private mutating func isSilent(_ downstream: UnsafeMutablePointer<Downstream>) -> Bool {
        downstream.pointee.phase == .header
            ? !downstream.pointee.flags.contains(.readable)
            : weir_is_readable(downstream.pointee.descriptor) <= 0
    }
}
