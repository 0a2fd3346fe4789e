import CLinux
import EventLoop
import Testing

@testable import Control
@testable import Proxy

@Suite("Service manager")
struct ServiceManagerTests {
    @Test(
        "a watchdog is fed only by whom it waits for",
        arguments: [
            (["WATCHDOG_USEC": "30000000"], 30_000_000_000),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"], 30_000_000_000),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], nil),
            (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_USEC": "9223372036854775807"], nil), ([:], nil),
        ] as [([String: String], Int64?)]
    )
    func watchdog(variables: [String: String], expected: Int64?) {
        var all = variables
        #expect(ServiceManager(environment: { all[$0] }, process: 7).watchdog == nil)
        all["NOTIFY_SOCKET"] = "@weir"
        #expect(ServiceManager(environment: { all[$0] }, process: 7).watchdog == expected)
    }

    @Test("a pulse is asked for once until it has come")
    func pulse() {
        let pulse = Pulse()
        let start = Instant(nanoseconds: 1000)
        #expect(pulse.silence(start) == 0)
        #expect(pulse.ask(start))
        #expect(!pulse.ask(start + 5))
        #expect(pulse.silence(start + 7) == 7)
        pulse.answer()
        #expect(pulse.silence(start + 9) == 0)
        #expect(pulse.ask(start + 9))
    }

    @Test("a thread's state is told by its name")
    func threadState() throws {
        let gate = try Mailbox<Int>()
        let thread = try Thread(name: "weir-told") {
            guard let poller = try? Poller(capacity: 1) else { return }
            _ = poller.addSource(gate.descriptor, token: 0)
            _ = poller.wait(milliseconds: 10_000)
        }
        #expect(state(of: "weir-absent") == "there is no such thread")
        // It may not have come to wait yet.
        while !state(of: "weir-told").hasPrefix("it waits in system call") {
            #expect(state(of: "weir-told").hasPrefix("it "))
        }
        gate.post(1)
        thread.join()
    }

    private func state(of name: String) -> String {
        var text = [CChar](repeating: 0, count: 128)
        weir_thread_state(name, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
