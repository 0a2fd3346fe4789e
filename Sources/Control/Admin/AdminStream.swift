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
    private let link: AdminLink
    private var blocks = EventBlocks()
    /// The status of the answer; `nil` before its head is there.
    private(set) var status: Int?

    /// Begins to follow `/events?stats`, behind the event with this id where one is given.
    ///
    /// - Throws: ``End/nobody(_:)`` if nothing listens.
    init(_ client: AdminClient, after id: String?) throws(End) {
        self.client = client
        let fields = id.map { ["last-event-id: \($0)"] } ?? []
        do throws(AdminClient.NoAnswer) {
            link = try AdminLink(client, client.request("GET", "/events?stats", more: fields))
        } catch {
            throw .nobody(error.description)
        }
    }

    /// What to watch, edge-triggered.
    var descriptor: Int32 { link.descriptor }

    /// Does what can be done now; returns the events that have come.
    ///
    /// - Throws: ``End`` if there will be no more.
    func advance() throws(End) -> [EventBlocks.Block] {
        let isOver: Bool
        do throws(AdminClient.NoAnswer) {
            isOver = try link.advance()
        } catch {
            throw .nobody(error.description)
        }
        if status == nil { try readHead() }
        guard let status else {
            if isOver { throw .nobody(client.nobody.description) }
            return []
        }
        guard status == 200 else {
            guard isOver else { return [] }
            let words = String(decoding: link.received, as: UTF8.self)
            throw .refused("refused with \(status): \(words)")
        }
        let found = blocks.take(link.received)
        link.received.removeAll(keepingCapacity: true)
        guard let found else { throw .nobody(client.stranger.description) }
        if isOver, found.isEmpty { throw .nobody("the process at \(client.place) has ended") }
        return found
    }

    private func readHead() throws(End) {
        guard let end = AdminClient.headEnd(link.received) else {
            if link.received.count > 65_536 { throw .nobody(client.stranger.description) }
            return
        }
        guard let found = AdminClient.status(link.received[..<end]) else {
            throw .nobody(client.stranger.description)
        }
        status = found
        link.received.removeFirst(end)
    }
}
