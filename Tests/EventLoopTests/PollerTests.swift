import CLinux
import EventLoop
import Testing

@Suite("Poller on real sockets")
struct PollerTests {
    /// What came within the time, by token.
    private func events(
        _ poller: borrowing Poller,
        within milliseconds: Int32 = 2000
    ) -> [UInt64: Readiness] {
        let count = poller.wait(milliseconds: milliseconds)
        return (0..<count).reduce(into: [:]) { events, index in
            events[poller.token(at: index)] = poller.readiness(at: index)
        }
    }

    @Test("a connection reports each arrival once, with its token")
    func edges() throws {
        let pair = try Pair()
        let poller = try Poller()
        let token: UInt64 = 0xfedc_ba98_7654_3210
        #expect(poller.addConnection(pair.server.descriptor, token: token) == true)
        #expect(events(poller) == [token: .writable])
        pair.client.send("one")
        #expect(events(poller) == [token: [.readable, .writable]])
        #expect(events(poller, within: 0).isEmpty)
        pair.client.send("two")
        #expect(events(poller)[token]?.contains(.readable) == true)
        #expect(try pair.server.receive().get() == "onetwo")
    }

    @Test("the peer's end and its reset are told apart")
    func ends() throws {
        let pair = try Pair()
        let poller = try Poller()
        #expect(poller.addConnection(pair.server.descriptor, token: 1) == true)
        _ = events(poller)
        #expect(weir_shutdown_write(pair.client.descriptor) == 0)
        let finished = try #require(events(poller)[1])
        #expect(finished.contains([.readable, .peerFinished]))
        #expect(finished.isDisjoint(with: [.failed, .ended]))
        #expect(try pair.server.receive().get() == "")

        let other = try Pair()
        #expect(poller.addConnection(other.server.descriptor, token: 2) == true)
        _ = events(poller)
        let client = other.client.descriptor
        weir_set_reset_on_close(client)
        reset(other.client)
        let broken = try #require(events(poller)[2])
        #expect(broken.contains([.failed, .ended]))
        #expect(other.server.receive().code == ECONNRESET)
    }

    /// Closes the socket, here and now.
    private func reset(_ socket: borrowing Socket) {
        // Another descriptor takes the number's place, so that its owner closes that one.
        let spare = weir_eventfd()
        _ = dup2(spare, socket.descriptor)
        weir_close(spare)
    }

    @Test("a connection that could not send reports when there is room again")
    func writable() throws {
        let pair = try Pair()
        let poller = try Poller()
        #expect(poller.addConnection(pair.server.descriptor, token: 1) == true)
        _ = events(poller)
        let block = String(repeating: "x", count: 65_536)
        var sent = 0
        while sent < 64 << 20 {
            let count = pair.server.send(block)
            if count < 0 { break }
            sent += count
        }
        #expect(sent < 64 << 20)
        #expect(events(poller, within: 0)[1]?.contains(.writable) != true)
        while sent > 0, case .success(let text) = pair.client.receive(1 << 20) {
            sent -= text.utf8.count
        }
        #expect(events(poller)[1]?.contains(.writable) == true)
    }

    @Test("a source reports as long as it is readable, and no more once it is removed")
    func levels() throws {
        let listener = try listen(at: .internet(loopback4(0)))
        let poller = try Poller()
        #expect(poller.addSource(listener.descriptor, token: 9) == true)
        #expect(events(poller, within: 0).isEmpty)
        let client = try connecting(to: loopback4(listener.localPort))
        #expect(events(poller) == [9: .readable])
        #expect(events(poller) == [9: .readable])
        poller.remove(listener.descriptor)
        #expect(events(poller, within: 0).isEmpty)
        #expect(poller.addSource(listener.descriptor, token: 10, exclusive: true) == true)
        #expect(events(poller) == [10: .readable])
        withExtendedLifetime(client.descriptor) {}
    }

    @Test("no more events at once than the poller has room for, the others next")
    func batch() throws {
        let poller = try Poller(capacity: 2)
        var boxes: [Mailbox<Int>] = []
        for token in 0..<5 {
            let box = try Mailbox<Int>()
            box.post(1)
            #expect(poller.addSource(box.descriptor, token: UInt64(token)) == true)
            boxes.append(box)
        }
        var seen: Set<UInt64> = []
        for _ in 0..<3 {
            let found = events(poller, within: 0)
            #expect(found.count == 2)
            for token in found.keys {
                seen.insert(token)
            }
        }
        #expect(seen == [0, 1, 2, 3, 4])
    }

    @Test("descriptors that the kernel refuses are told")
    func refused() throws {
        let poller = try Poller()
        #expect(poller.addConnection(-1, token: 1) == false)
        #expect(poller.addSource(-1, token: 1) == false)
        let box = try Mailbox<Int>()
        #expect(poller.addSource(box.descriptor, token: 1) == true)
        #expect(poller.addSource(box.descriptor, token: 2) == false)
    }
}

extension Result where Failure == SystemError {
    /// The errno of a failure.
    var code: Int32? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}
