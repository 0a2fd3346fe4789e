import CLinux
import EventLoop

/// What `weir top` does: follows a process and draws, until told to end.
public struct TopSession: ~Copyable {
    /// How it ended.
    public enum Ending {
        /// As asked.
        case done
        /// What was shown last, where it is no terminal that it shows.
        case text(String)
        /// Nobody answers; in words.
        case nobody(String)
        /// The API refuses; in words.
        case refused(String)
    }

    private static let streamToken: UInt64 = 0
    private static let signalToken: UInt64 = 1
    private static let keyToken: UInt64 = 2
    /// Nanoseconds that a first answer is waited for.
    private static let patience: Int64 = 10_000_000_000
    /// Nanoseconds without statistics, which come twice a second, after which a connection is lost.
    private static let silence: Int64 = 5_000_000_000
    /// Nanoseconds from one try to connect to the next.
    private static let pause: Int64 = 1_000_000_000

    private let client: AdminClient
    private let poller: Poller
    private var view: TopView
    private var stream: AdminStream?
    /// When something came last, and when to connect again.
    private var heard = weir_monotonic_ns()
    private var next: Int64 = 0
    private var keys = TopKeys()

    /// A session that asks this client's API.
    ///
    /// - Throws: ``SystemError`` if the kernel refuses.
    public init(_ client: AdminClient) throws(SystemError) {
        self.client = client
        poller = try Poller(capacity: 8)
        view = TopView(address: client.place)
    }

    /// Follows and draws; `once`: ends with a text of the first statistics, as it does where
    /// standard output is no terminal.
    public mutating func run(once: Bool) -> Ending {
        let draws = !once && Terminal.isThere
        do throws(AdminStream.End) {
            try connect()
            let end = weir_monotonic_ns() + Self.patience
            // A terminal is taken as soon as somebody answers, a text wants figures.
            while draws ? stream?.status != 200 : view.stats == nil {
                let left = (end - weir_monotonic_ns()) / 1_000_000
                guard left > 0 else { throw .nobody(client.nobody.description) }
                _ = poller.wait(milliseconds: Int32(clamping: left))
                _ = try listen()
            }
        } catch {
            switch error {
            case .nobody(let words): return .nobody(words)
            case .refused(let words): return .refused(words)
            }
        }
        return draws ? draw() : .text(view.text)
    }

    // MARK: The stream

    private mutating func connect() throws(AdminStream.End) {
        let new = try AdminStream(client, after: view.lastEvent)
        guard poller.addConnection(new.descriptor, token: Self.streamToken) else {
            throw .nobody(client.nobody.description)
        }
        stream = new
        heard = weir_monotonic_ns()
    }

    /// Takes what has come; true if there is something new to show.
    private mutating func listen() throws(AdminStream.End) -> Bool {
        guard let blocks = try stream?.advance(), !blocks.isEmpty else { return false }
        heard = weir_monotonic_ns()
        for block in blocks { _ = view.take(block) }
        return true
    }

    /// As ``listen()``, but who has gone is asked again and again.
    private mutating func follow() -> Bool {
        let now = weir_monotonic_ns()
        do throws(AdminStream.End) {
            if stream == nil {
                guard now >= next else { return false }
                next = now + Self.pause
                try connect()
            }
            if try listen() { return true }
            guard now - heard > Self.silence else { return false }
            throw .nobody("nothing has come from \(client.place) for 5 s")
        } catch {
            stream = nil
            next = max(next, now + Self.pause)
            switch error {
            case .nobody(let words), .refused(let words):
                view.trouble = "trying again every second: " + words
            }
            return true
        }
    }

    // MARK: The terminal

    private mutating func draw() -> Ending {
        let signals = weir_terminal_signals()
        guard signals >= 0, poller.addSource(signals, token: Self.signalToken) else { return .done }
        defer { weir_close(signals) }
        var terminal = Terminal()
        if terminal.hasKeys { _ = poller.addSource(0, token: Self.keyToken) }
        terminal.take()
        var size = terminal.size
        var isNew = true
        while true {
            if isNew {
                view.keepInside(size)
                guard terminal.draw(view.lines(size)) else { break }
            }
            let count = poller.wait(milliseconds: 250)
            let tokens = (0..<count).map { poller.token(at: $0) }
            isNew = follow()
            if tokens.contains(Self.signalToken) {
                guard signalled(signals, &terminal) else { break }
                size = terminal.size
                isNew = true
            }
            if tokens.contains(Self.keyToken) {
                guard let pressed = terminal.read() else { break }
                let asked = keys.take(pressed)
                if asked.contains(.quit) { break }
                for key in asked { view.press(key, size: size) }
                isNew = isNew || !asked.isEmpty
            }
        }
        terminal.giveBack()
        return .done
    }

    /// Does what a signal asks for; false if it is to end.
    private func signalled(_ descriptor: Int32, _ terminal: inout Terminal) -> Bool {
        switch UInt32(bitPattern: weir_terminal_next_signal(descriptor)) {
        case weir_terminal_end.rawValue: return false
        case weir_terminal_stop.rawValue:
            terminal.giveBack()
            weir_terminal_pause()
            terminal.take()
            return true
        default: return true
        }
    }
}
