import CLinux
import EventLoop

/// The admin API's stream of events and statistics, read as it comes; never waits.
final class AdminStream {
    /// Why it is over.
    enum End: Error {
        /// Nobody answers, or whoever did has gone.
        case nobody(String)
        /// The API refuses; in words.
        case refused(String)
    }

    private let client: AdminClient
    private let socket: Socket
    private let request: [UInt8]
    private var sent = 0
    private var input: [UInt8] = []
    private var blocks = EventBlocks()
    /// The status of the answer; `nil` before its head is there.
    private(set) var status: Int?

    /// Begins to follow `/events?stats`, behind the event with this id where one is given.
    ///
    /// - Throws: ``End/nobody(_:)`` if nothing listens.
    init(_ client: AdminClient, after id: String?) throws(End) {
        self.client = client
        let fields = id.map { ["last-event-id: \($0)"] } ?? []
        request = Array(client.request("GET", "/events?stats", more: fields).utf8)
        do throws(AdminClient.NoAnswer) {
            socket = try client.open()
        } catch {
            throw .nobody(error.description)
        }
    }

    /// What to watch, edge-triggered.
    var descriptor: Int32 { socket.descriptor }

    /// Does what can be done now; returns the events that have come.
    ///
    /// - Throws: ``End`` if there will be no more.
    func advance() throws(End) -> [EventBlocks.Block] {
        guard weir_socket_error(descriptor) == 0 else { throw .nobody(client.nobody.description) }
        try send()
        let isOver = try receive()
        if status == nil { try readHead() }
        guard let status else {
            if isOver { throw .nobody(client.nobody.description) }
            return []
        }
        guard status == 200 else {
            guard isOver else { return [] }
            let words = String(decoding: input, as: UTF8.self)
            throw .refused("refused with \(status): \(words)")
        }
        let found = blocks.take(input)
        input.removeAll(keepingCapacity: true)
        guard let found else { throw .nobody(client.stranger.description) }
        if isOver, found.isEmpty { throw .nobody("the process at \(client.place) has ended") }
        return found
    }

    private func send() throws(End) {
        guard sent < request.count else { return }
        let count = request.withUnsafeBytes { bytes in
            bytes.baseAddress.map { weir_send(descriptor, $0 + sent, bytes.count - sent) } ?? 0
        }
        if count > 0 { sent += count }
        if count < 0, count != Int(-EAGAIN) { throw .nobody(client.nobody.description) }
    }

    private func readHead() throws(End) {
        guard let end = AdminClient.headEnd(input) else {
            if input.count > 65_536 { throw .nobody(client.stranger.description) }
            return
        }
        guard let found = AdminClient.status(input[..<end]) else {
            throw .nobody(client.stranger.description)
        }
        status = found
        input.removeFirst(end)
    }

    /// Takes in what has come; true at the end.
    private func receive() throws(End) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { memory in
                memory.baseAddress.map { weir_recv(descriptor, $0, memory.count) } ?? 0
            }
            if count == Int(-EAGAIN) { return false }
            if count == 0 { return true }
            guard count > 0 else { throw .nobody("the connection to \(client.place) broke") }
            input += buffer[..<count]
        }
    }
}
