import CLinux

/// What a descriptor is ready for.
public struct Readiness: OptionSet, BitwiseCopyable, Sendable {
    /// The bits as epoll gives them.
    public let rawValue: UInt32

    /// Readiness of these bits.
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, a connection or the peer's end wait to be read.
    public static let readable = Readiness(rawValue: 0x001)
    /// There is room to write again.
    public static let writable = Readiness(rawValue: 0x004)
    /// The connection failed.
    public static let failed = Readiness(rawValue: 0x008)
    /// Both directions have ended.
    public static let ended = Readiness(rawValue: 0x010)
    /// The peer will send nothing more.
    public static let peerFinished = Readiness(rawValue: 0x2000)

    /// Whether the connection failed or has ended in both directions.
    public var isBroken: Bool { !isDisjoint(with: [.failed, .ended]) }
}

/// An epoll instance with the batch of events it found last.
///
/// Connections are registered once, edge-triggered, for everything; listeners and wake-up
/// descriptors are level-triggered. A token travels with each registration; what it means is the
/// owner's business.
public struct Poller: ~Copyable {
    private let descriptor: Int32
    @usableFromInline let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int32

    /// Makes an epoll instance that reports at most `capacity` events at once.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses.
    public init(capacity: Int = 256) throws(SystemError) {
        descriptor = try SystemError.check(weir_epoll_create(), "epoll_create1")
        events = .allocate(capacity: capacity)
        self.capacity = Int32(capacity)
    }

    deinit {
        events.deallocate()
        weir_close(descriptor)
    }

    /// Registers a connection for all events, edge-triggered; false if the kernel refuses.
    public func addConnection(_ fd: Int32, token: UInt64) -> Bool {
        // EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
        weir_epoll_ctl(descriptor, 1, fd, 0x8000_2005, token) == 0
    }

    /// Registers a descriptor for reading, level-triggered; `exclusive` wakes only one of several
    /// loops that share it.
    ///
    /// False if the kernel refuses.
    public func addSource(_ fd: Int32, token: UInt64, exclusive: Bool = false) -> Bool {
        weir_epoll_ctl(descriptor, 1, fd, exclusive ? 0x1000_0001 : 0x001, token) == 0
    }

    /// Registers a descriptor for what `interest` says; false if the kernel refuses.
    ///
    /// `isEdgeTriggered`: told when it becomes ready, rather than as long as it is.
    public func add(
        _ fd: Int32,
        _ interest: Readiness,
        isEdgeTriggered: Bool,
        token: UInt64
    ) -> Bool {
        let edge: UInt32 = isEdgeTriggered ? 0x8000_0000 : 0
        return weir_epoll_ctl(descriptor, 1, fd, interest.rawValue | edge, token) == 0
    }

    /// Changes what a registered descriptor is watched for, level-triggered; false if the kernel
    /// refuses.
    public func change(_ fd: Int32, _ interest: Readiness, token: UInt64) -> Bool {
        weir_epoll_ctl(descriptor, 3, fd, interest.rawValue, token) == 0
    }

    /// Takes a descriptor out again.
    public func remove(_ fd: Int32) {
        _ = weir_epoll_ctl(descriptor, 2, fd, 0, 0)
    }

    /// Waits for events, at most `milliseconds` (-1: without end), and returns how many there are.
    public func wait(milliseconds: Int32) -> Int {
        let count = weir_epoll_wait(descriptor, events, capacity, milliseconds)
        return count > 0 ? Int(count) : 0
    }

    /// The token of one event of the last ``wait(milliseconds:)``; `index` is below its result.
    @inlinable
    public func token(at index: Int) -> UInt64 {
        weir_event_token(events, Int32(truncatingIfNeeded: index))
    }

    /// What one event of the last ``wait(milliseconds:)`` says; `index` is below its result.
    @inlinable
    public func readiness(at index: Int) -> Readiness {
        Readiness(rawValue: weir_event_bits(events, Int32(truncatingIfNeeded: index)))
    }
}

/// A system call that failed where Weir cannot go on without it.
public struct SystemError: Error, CustomStringConvertible, Sendable {
    /// The errno.
    public var code: Int32
    /// The call.
    public var call: String

    /// An error of this call; `code` is positive.
    public init(code: Int32, call: String) {
        self.code = code
        self.call = call
    }

    /// `result`, or an error if it is a negated errno.
    public static func check(_ result: Int32, _ call: String) throws(SystemError) -> Int32 {
        if result < 0 { throw SystemError(code: -result, call: call) }
        return result
    }

    /// The kernel's words for a negated errno, as they stand inside a sentence.
    public static func words(_ result: Int32) -> String {
        String(cString: weir_error_text(-result)).lowercased()
    }

    /// The kernel's words for the error.
    public var reason: String { String(cString: weir_error_text(code)) }
    /// The call and the kernel's words.
    public var description: String { "\(call): \(reason)" }
}
