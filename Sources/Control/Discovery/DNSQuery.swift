import CAres
import CLinux
import Configuration
import EventLoop
import Routing

/// One question about a name, with a c-ares channel of its own.
///
/// A channel for each question is cheap where questions are seconds apart, asks from another port
/// each time, and reads the system's `resolv.conf` and hosts file as they are then.
///
/// c-ares' callbacks only note what came: what follows from it is done from the loop, since a
/// channel must not be destroyed inside a callback.
final class DNSQuery {
    /// What is asked for.
    enum Question {
        /// Addresses of the family that the configuration says.
        case addresses
        /// Servers of a service.
        case services
    }

    /// What came.
    enum Answer {
        case addresses(Finding<IPAddress>)
        case services(Finding<ServiceRecord>)
    }

    private let loop: ControlLoop
    private let config: ResolverConfig
    private let name: String
    private let done: (Answer) -> Void
    private let question: Question
    private var channel: ares_channel?
    /// c-ares keeps the pointer for as long as the channel lives.
    private let functions = UnsafeMutablePointer<ares_socket_functions>.allocate(capacity: 1)
    private var isIPv6 = false
    /// Addresses of the family that was asked for first.
    private var addresses: [IPAddress] = []
    private var ttl = Int64.max
    private var wake: Deadline?
    private var end: Deadline?
    private var isOver = false
    private var isCancelled = false

    /// Asks; `done` is called once, from the loop, unless the query is cancelled before.
    init(
        _ question: Question,
        _ name: String,
        _ config: ResolverConfig,
        on loop: ControlLoop,
        _ done: @escaping (Answer) -> Void
    ) {
        self.loop = loop
        self.config = config
        self.question = question
        self.name = name
        self.done = done
        isIPv6 = config.family == .ipv6
        functions.initialize(
            to: ares_socket_functions(
                asocket: weir_library_socket,
                aclose: weir_library_close,
                aconnect: weir_library_connect,
                arecvfrom: weir_library_receive,
                asendv: weir_library_send
            )
        )
        end = loop.after(config.timeout.inNanoseconds) { [unowned self] in
            finish(failing: reason(ARES_ETIMEOUT))
        }
        guard open() else {
            finish(failing: "the resolver cannot be set up")
            return
        }
        ask()
    }

    deinit {
        close()
        functions.deallocate()
    }

    /// Gives the question up: `done` is not called any more.
    ///
    /// Not to be called while c-ares calls back, that is, only from other handlers of the loop.
    func cancel() {
        isOver = true
        isCancelled = true
        close()
    }

    // MARK: The channel

    private func open() -> Bool {
        var options = ares_options()
        // The second round of tries lasts twice as long: together they take the whole time.
        options.timeout = Int32(clamping: max(50, config.timeout.inNanoseconds / 3_000_000))
        options.tries = 2
        options.sock_state_cb = { context, socket, readable, writable in
            DNSQuery.from(context)?.watch(socket, readable != 0, writable != 0)
        }
        options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB
        guard ares_init_options(&channel, &options, mask) == ARES_SUCCESS else {
            channel = nil
            return false
        }
        ares_set_socket_functions(channel, functions, nil)
        if config.servers.isEmpty { return true }
        let servers = config.servers.map { $0.address.text(port: $0.port) }
        return ares_set_servers_ports_csv(channel, servers.joined(separator: ","))
            == ARES_SUCCESS
    }

    private func close() {
        loop.cancel(end)
        loop.cancel(wake)
        // Its callbacks, of which there is one for each question that is open, find it over.
        if let channel {
            self.channel = nil
            isOver = true
            ares_destroy(channel)
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> DNSQuery? {
        context.map { Unmanaged<DNSQuery>.fromOpaque($0).takeUnretainedValue() }
    }

    private func watch(_ socket: Int32, _ readable: Bool, _ writable: Bool) {
        var interest: Readiness = []
        if readable { interest.insert(.readable) }
        if writable { interest.insert(.writable) }
        if interest.isEmpty {
            loop.unwatch(socket)
        } else if loop.isWatched(socket) {
            _ = loop.change(socket, interest)
        } else {
            // If the kernel refuses, the question ends by its time-out.
            _ = loop.watch(socket, interest) { [unowned self] in process(socket, $0) }
        }
    }

    private func process(_ socket: Int32, _ readiness: Readiness) {
        guard let channel else { return }
        cares_process_socket(
            channel,
            socket,
            readiness.isBroken || readiness.contains(.readable) ? 1 : 0,
            readiness.isBroken || readiness.contains(.writable) ? 1 : 0
        )
        armWake()
    }

    private func armWake() {
        loop.cancel(wake)
        guard let channel else { return }
        let wait = cares_wait_microseconds(channel)
        guard wait >= 0 else { return }
        wake = loop.after(wait * 1000) { [unowned self] in
            if let channel = self.channel { cares_process_timeouts(channel) }
            armWake()
        }
    }

    // MARK: Asking

    private func ask() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        switch question {
        case .addresses:
            var hints = cares_hints(isIPv6 ? 1 : 0)
            ares_getaddrinfo(
                channel,
                name,
                nil,
                &hints,
                { context, status, _, result in
                    DNSQuery.from(context)?.received(status, result)
                    ares_freeaddrinfo(result)
                },
                context
            )
        case .services:
            ares_search(
                channel,
                name,
                1,
                33,
                { context, status, _, bytes, count in
                    DNSQuery.from(context)?.received(status, bytes, Int(count))
                },
                context
            )
        }
        armWake()
    }

    private func received(_ status: Int32, _ result: UnsafeMutablePointer<ares_addrinfo>?) {
        if isOver { return }
        guard status == ARES_SUCCESS, let result else {
            settle(status)
            return
        }
        var alias = result.pointee.cnames
        while let current = alias {
            ttl = min(ttl, Int64(current.pointee.ttl))
            alias = current.pointee.next
        }
        var node = result.pointee.nodes
        while let current = node {
            if let address = IPAddress(current), !addresses.contains(address) {
                addresses.append(address)
                ttl = min(ttl, Int64(current.pointee.ai_ttl))
            }
            node = current.pointee.ai_next
        }
        settle(addresses.isEmpty ? ARES_ENODATA : ARES_SUCCESS)
    }

    /// An answer for one family is here.
    private func settle(_ status: Int32) {
        let isNothing = status == ARES_ENODATA || status == ARES_ENOTFOUND
        guard status == ARES_SUCCESS || isNothing else {
            finish(failing: reason(status))
            return
        }
        let isFirst = !isIPv6
        if isFirst, config.family == .both || (config.family == .auto && isNothing) {
            isIPv6 = true
            later { $0.ask() }
        } else if addresses.isEmpty {
            finish(.addresses(.empty(reason(status))))
        } else {
            finish(.addresses(.found(addresses, ttl: max(0, ttl) &* 1_000_000_000)))
        }
    }

    private func received(_ status: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) {
        if isOver { return }
        guard status == ARES_SUCCESS else {
            let isNothing = status == ARES_ENODATA || status == ARES_ENOTFOUND
            let reason = reason(status)
            finish(.services(isNothing ? .empty(reason) : .failed(reason)))
            return
        }
        let answer = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
        guard let parsed = try? ServiceAnswer(answer) else {
            finish(.services(.failed("the answer is malformed")))
            return
        }
        if parsed.records.isEmpty {
            finish(.services(.empty("no such records")))
        } else {
            finish(.services(.found(parsed.records, ttl: parsed.ttl &* 1_000_000_000)))
        }
    }

    private func finish(failing reason: String) {
        switch question {
        case .addresses: finish(.addresses(.failed(reason)))
        case .services: finish(.services(.failed(reason)))
        }
    }

    private func finish(_ answer: Answer) {
        guard !isOver else { return }
        isOver = true
        loop.after(0) { [self] in
            guard !isCancelled else { return }
            close()
            done(answer)
        }
    }

    private func later(_ action: @escaping (DNSQuery) -> Void) {
        loop.after(0) { [weak self] in
            if let self, !isOver { action(self) }
        }
    }

    private func reason(_ status: Int32) -> String {
        switch status {
        case ARES_ENODATA: "no such records"
        case ARES_ENOTFOUND: "no such name"
        case ARES_ESERVFAIL: "the name server failed"
        case ARES_EREFUSED: "the name server refuses to answer"
        case ARES_ECONNREFUSED: "no name server can be reached"
        case ARES_ETIMEOUT: "no answer in \(config.timeout.configurationText)"
        default: String(cString: ares_strerror(status)).lowercased()
        }
    }
}

extension IPAddress {
    /// The address of a node of an answer, if it is one of IPv4 or IPv6.
    fileprivate init?(_ node: UnsafePointer<ares_addrinfo_node>) {
        var bytes = [UInt8](repeating: 0, count: 16)
        switch cares_node_address(node, &bytes) {
        case 4: self = .v4(bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .init(
                v6High: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
            )
        default: return nil
        }
    }
}
