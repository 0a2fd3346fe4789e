import CLinux
import Configuration
import EventLoop

/// What a process got from the one before it or from a service manager; empty where there was none.
public final class Inheritance {
    /// By address, in the order of the file before: the sockets of each listener.
    private var listeners: [String: [[Int32]]] = [:]
    private var admins: [String: Int32] = [:]
    /// What a service manager passed, to this process or to one before it.
    private(set) var passed = InheritedSockets()
    /// Keys of session tickets, and seconds until the next one is made.
    private(set) var tickets: (keys: [UInt8], nextTurn: Int64)?
    /// What signs sticky tokens of pools without a file for it.
    private(set) var secret: [UInt8]?
    /// What an operator had changed.
    private(set) var changes: [Handover.Message] = []
    /// What was known of endpoints.
    private(set) var endpoints: [Handover.Message] = []
    private var socket: HandoverSocket?

    /// Nothing.
    init() {}

    /// What the process that started this one hands over; nothing where none does.
    ///
    /// - Throws: ``StartError`` if it ends before it has said everything, or what it passes is of
    ///   no use.
    public static func receive() throws(StartError) -> Inheritance {
        let inheritance = Inheritance()
        guard let text = FileSystem.environment(Handover.variable), let number = Int32(text) else {
            inheritance.passed = try InheritedSockets.passed()
            return inheritance
        }
        weir_forget_environment(Handover.variable)
        let socket = HandoverSocket(descriptor: number)
        weir_close_on_exec(number)
        inheritance.socket = socket
        var numbers: [String: [Int]] = [:]
        while let (message, descriptors) = socket.receive() {
            switch message {
            case .listener(let number, let address):
                let descriptors = listening(descriptors)
                if let place = numbers[address]?.firstIndex(of: number) {
                    inheritance.listeners[address]?[place] += descriptors
                } else {
                    numbers[address, default: []].append(number)
                    inheritance.listeners[address, default: []].append(descriptors)
                }
            case .passed(let name):
                for descriptor in descriptors { try? inheritance.passed.adopt(descriptor, name) }
            case .admin(let address): inheritance.admins[address] = descriptors.first
            case .tickets(let keys, let next): inheritance.tickets = (keys, next)
            case .secret(let secret): inheritance.secret = secret
            case .change?: message.map { inheritance.changes.append($0) }
            case .endpoint?: message.map { inheritance.endpoints.append($0) }
            case .end: return inheritance
            case .ready, nil: for descriptor in descriptors { weir_close(descriptor) }
            }
        }
        throw StartError(description: "the process that is to be followed has gone")
    }

    /// Refuses sockets of a service manager that nothing in the file is for.
    ///
    /// - Throws: ``StartError`` that names the first one.
    public func check(_ config: Config) throws(StartError) {
        // One that follows another has those of listeners that a reload took away, too.
        if socket == nil { try passed.check(config) }
    }

    /// Those that listen; others, of a worker that had none, are closed.
    private static func listening(_ descriptors: [Int32]) -> [Int32] {
        descriptors.filter { descriptor in
            if weir_is_listening(descriptor) == 1 { return true }
            weir_close(descriptor)
            return false
        }
    }

    /// The sockets of the next listener at an address; `nil` if there is none.
    func takeListener(_ address: ListenAddress) -> [Int32]? {
        let key = address.description
        guard let first = listeners[key]?.first else { return nil }
        listeners[key]?.removeFirst()
        return first.isEmpty ? nil : first
    }

    /// Whether a listener that nobody has taken yet listens at a port, whatever its address.
    func listens(at port: UInt16) -> Bool {
        listeners.values.joined().joined().contains { weir_local_port($0) == Int32(port) }
    }

    /// The socket of the admin API at an address; `nil` if there is none.
    func takeAdmin(_ address: ListenAddress) -> Int32? {
        admins.removeValue(forKey: address.description)
    }

    /// Closes what the file does not want any more.
    func discardRest() {
        for (address, groups) in listeners where !groups.isEmpty {
            for descriptor in groups.joined() { weir_close(descriptor) }
            Self.unlink(address)
        }
        for (address, descriptor) in admins {
            weir_close(descriptor)
            Self.unlink(address)
        }
        listeners = [:]
        admins = [:]
    }

    private static func unlink(_ address: String) {
        let prefix = "unix:"
        if address.hasPrefix(prefix) { _ = weir_unlink(String(address.dropFirst(prefix.count))) }
    }

    /// Tells the process before that this one serves; false if it does not listen any more, since
    /// it was told to end.
    func tellReady() -> Bool {
        guard let socket else { return true }
        defer {
            weir_close(socket.descriptor)
            self.socket = nil
        }
        do throws(SystemError) {
            try socket.send(.ready)
            return true
        } catch { return false }
    }
}
