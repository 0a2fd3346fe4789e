import CLinux
import Configuration
import EventLoop
import Proxy

/// The listening sockets of a service, by place of their listener.
final class ListeningSockets {
    /// Milliseconds after which data that a client does not acknowledge ends its connection: as
    /// long as TCP tries.
    ///
    /// The kernel also counts time in which a window is too small for what comes next, even if the
    /// client reads all the while. So no value would leave it to `timeouts.send` and
    /// `timeouts.tunnel` whom they cut, which know the difference.
    private static let userTimeout: UInt32 = 0

    private let workers: Int
    /// Sockets of the process before.
    private let inheritance: Inheritance
    /// Paths of unix sockets.
    private var paths: [Int: String] = [:]
    /// Sockets of the process before, which are as it has them until it serves no more.
    private var adopted: [(listener: ListenerConfig, descriptors: [Int32])] = []
    /// Places whose paths are those of the process before, as long as it serves.
    private var foreign: Set<Int> = []
    /// By place: the descriptors; workers close those that they do not share.
    private var descriptors: [Int: [Int32]] = [:]
    /// Places whose sockets a service manager holds too: the workers share them.
    private var passed: Set<Int> = []
    /// By place: the port, which the kernel may have chosen; 0 for a unix socket.
    private var ports: [Int: UInt16] = [:]

    /// No sockets, for so many workers; those of a process before are used first.
    init(workers: Int, inheritance: Inheritance) {
        self.workers = workers
        self.inheritance = inheritance
    }

    /// The descriptors of a listener.
    func descriptors(at place: Int) -> [Int32] { descriptors[place] ?? [] }

    /// Opens the sockets of listeners, for each worker its own: all of them, or none.
    ///
    /// - Throws: ``StartError`` for an address that cannot be listened on.
    func open(
        _ placed: PlacedConfig,
        _ places: Set<Int>
    ) throws(StartError) -> [[WorkerListener]] {
        var perWorker: [[WorkerListener]] = .init(repeating: [], count: workers)
        for place in places.sorted() {
            let listener = placed.config.listeners[place]
            do throws(SystemError) {
                try open(listener, place, into: &perWorker)
            } catch {
                discard(perWorker)
                close([place])
                throw StartError.listening(listener.address, error)
            }
        }
        return perWorker
    }

    private func open(
        _ listener: ListenerConfig,
        _ place: Int,
        into perWorker: inout [[WorkerListener]]
    ) throws(SystemError) {
        if try openPassed(listener, place, into: &perWorker) { return }
        let inherited = inheritance.takeListener(listener.address) ?? []
        if !inherited.isEmpty { adopted.append((listener, inherited)) }
        var address = ListeningAddress(listener.address, mode: listener.socketMode)
        if case .unix(let path, _) = address {
            var descriptor = inherited.first ?? -1
            if descriptor < 0 { descriptor = try Self.unixSocket(address, listener.backlog) }
            // Not before: what somebody else has there stays.
            paths[place] = path
            if !inherited.isEmpty { foreign.insert(place) }
            descriptors[place] = [descriptor]
            for worker in 0..<workers {
                perWorker[worker].append(
                    WorkerListener(index: place, descriptor: descriptor, isShared: true)
                )
            }
            return
        }
        // Each is listened on by somebody, or the clients in its queue would wait in vain.
        for (number, descriptor) in inherited.enumerated() {
            descriptors[place, default: []].append(descriptor)
            perWorker[number % workers].append(
                WorkerListener(index: place, descriptor: descriptor, isShared: false)
            )
        }
        var port: UInt16 = 0
        if let first = inherited.first {
            port = UInt16(clamping: weir_local_port(first))
            address = address.with(port: port)
        } else if !isOurs(address.port) {
            try Self.refuseTaken(address)
        }
        for worker in inherited.count..<max(inherited.count, workers) {
            let socket = try Socket.listening(
                at: address,
                backlog: listener.backlog,
                sharesPort: true,
                userTimeout: Self.userTimeout
            )
            port = socket.localPort
            address = address.with(port: port)
            let descriptor = socket.release()
            descriptors[place, default: []].append(descriptor)
            perWorker[worker].append(
                WorkerListener(index: place, descriptor: descriptor, isShared: false)
            )
        }
        ports[place] = port
    }

    /// Listens at the sockets that a service manager passed for the address; false if there are
    /// none.
    private func openPassed(
        _ listener: ListenerConfig,
        _ place: Int,
        into perWorker: inout [[WorkerListener]]
    ) throws(SystemError) -> Bool {
        let found = inheritance.passed.duplicates(for: listener.address)
        if found.isEmpty { return false }
        passed.insert(place)
        descriptors[place] = found
        for descriptor in found {
            try Socket.adoptListening(
                descriptor,
                backlog: listener.backlog,
                userTimeout: Self.userTimeout
            )
            ports[place] = Socket.localPort(of: descriptor)
            for worker in 0..<workers {
                perWorker[worker].append(
                    WorkerListener(index: place, descriptor: descriptor, isShared: true)
                )
            }
        }
        return true
    }

    /// Whether a service manager passed the sockets of a listener.
    func isPassed(at place: Int) -> Bool { passed.contains(place) }

    /// By place: where each listener listens, as an operator would type it.
    func addresses(_ placed: PlacedConfig) -> [Int: String] {
        var addresses: [Int: String] = [:]
        for place in placed.listeners {
            let listener = placed.config.listeners[place]
            let scheme = listener.tls == nil ? "http" : "https"
            addresses[place] = listener.address.display(scheme: scheme, port: ports[place] ?? 0)
        }
        return addresses
    }

    /// Gives the kernel's queue of a listener that stays another length.
    func setBacklog(_ backlog: Int, at place: Int) {
        for descriptor in descriptors[place] ?? [] {
            _ = weir_listen(descriptor, Int32(clamping: backlog))
        }
    }

    /// Gives the file of a unix socket that stays other rights.
    func setMode(_ mode: UInt32, at place: Int) {
        if let path = paths[place] { _ = weir_set_mode(path, mode) }
    }

    /// Whether we listen at a port already, if at another address: one may cover the other.
    private func isOurs(_ port: UInt16) -> Bool {
        port != 0 && (ports.values.contains(port) || inheritance.listens(at: port))
    }

    private static func unixSocket(
        _ address: ListeningAddress,
        _ backlog: Int
    ) throws(SystemError) -> Int32 {
        let socket = try Socket.listening(
            at: address,
            backlog: backlog,
            sharesPort: false,
            userTimeout: userTimeout
        )
        return socket.release()
    }

    /// `SO_REUSEPORT` would let a second Weir listen beside this one and take half of its
    /// clients: a socket without it finds out whether somebody listens already.
    private static func refuseTaken(_ address: ListeningAddress) throws(SystemError) {
        _ = try Socket.listening(
            at: address,
            backlog: 1,
            sharesPort: false,
            userTimeout: userTimeout
        )
    }

    /// Closes sockets that no worker was told of.
    func discard(_ opened: [[WorkerListener]]) {
        for listener in opened.joined() where !listener.isShared {
            weir_close(listener.descriptor)
        }
        close(Set(opened.joined().map(\.index)))
    }

    /// Lets go of what control has of listeners whose workers have closed theirs.
    func close(_ places: Set<Int>) {
        for place in places {
            let gone = descriptors.removeValue(forKey: place) ?? []
            ports[place] = nil
            let path = paths.removeValue(forKey: place)
            if passed.remove(place) == nil, path == nil { continue }
            for descriptor in gone { weir_close(descriptor) }
            // Somebody else may listen there by now, or still.
            let isForeign = foreign.remove(place) != nil
            if let path, !isForeign, !paths.values.contains(path) { _ = weir_unlink(path) }
        }
    }

    /// The process before serves no more: its paths are this one's, and its sockets become what the
    /// file says of them.
    func takePaths() {
        foreign = []
        for (listener, descriptors) in adopted {
            for descriptor in descriptors {
                _ = weir_listen(descriptor, Int32(clamping: listener.backlog))
            }
            if case .unix(let path) = listener.address {
                _ = weir_set_mode(path, listener.socketMode)
            }
        }
        adopted = []
    }

    /// Leaves the paths of unix sockets to the process that listens there now.
    func forgetPaths() { paths = [:] }

    /// Removes the paths of unix sockets, before a successor can listen there.
    func unlinkPaths() {
        for (place, path) in paths where !foreign.contains(place) { _ = weir_unlink(path) }
        paths = [:]
    }
}
