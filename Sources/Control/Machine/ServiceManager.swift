import CLinux

/// The service manager that started Weir, which wants to know how it fares (sd_notify(3)).
///
/// Nobody where the environment names no socket; then nothing is sent.
public final class ServiceManager {
    private let socket: String?
    /// Nanoseconds after which a process that has shown no sign of life is ended; `nil` is never.
    public let watchdog: Int64?

    /// Who the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` name.
    ///
    /// They stay in the environment for a successor, which is fed for as long as `WATCHDOG_PID` is
    /// its own number or not there.
    public init(
        environment: (String) -> String? = FileSystem.environment,
        process: Int32 = weir_process_id()
    ) {
        let name = environment("NOTIFY_SOCKET")
        socket = name.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isMeant = environment("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        let (nanoseconds, isTooMuch) = microseconds.multipliedReportingOverflow(by: 1000)
        watchdog =
            socket != nil && isMeant && nanoseconds > 0 && !isTooMuch ? nanoseconds : nil
    }

    /// Serving, for the first time or after ``reloading()``; `status` is shown to the operator.
    public func ready(_ status: String) {
        send("READY=1\nSTATUS=\(Self.line(status))")
    }

    /// The file is read again; ``ready(_:)`` follows, whatever comes out of it.
    public func reloading() {
        // The time tells this reload from an earlier one (sd_notify(3), MONOTONIC_USEC).
        send("RELOADING=1\nMONOTONIC_USEC=\(weir_monotonic_ns() / 1000)\nSTATUS=reloading")
    }

    /// Ending by itself: running requests may finish.
    public func stopping(_ status: String) {
        send("STOPPING=1\nSTATUS=\(Self.line(status))")
    }

    /// Another process is the service from now on.
    public func hasSuccessor(process: Int32) { send("MAINPID=\(process)") }

    /// A sign of life.
    public func feedWatchdog() {
        if watchdog != nil { send("WATCHDOG=1") }
    }

    private func send(_ message: String) {
        guard let socket else { return }
        // A manager that is gone is no reason to serve less.
        _ = weir_notify(socket, message)
    }

    /// The text without line ends, which would begin another assignment.
    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 ? " " : $0 }))
    }
}
