import Configuration
import EventLoop
import HTTP

/// The id that an answer names: one that Weir made, or bytes that came from a trusted peer.
enum WrittenID {
    case made(RequestID)
    case received(UnsafeRawPointer, Int)
}

extension Worker {
    /// The id under which the exchange is known.
    func writtenID(_ exchange: UnsafeMutablePointer<Exchange>) -> WrittenID {
        let range = exchange.pointee.idRange
        guard exchange.pointee.flags.contains(.foreignRequestID),
            let base = exchange.pointee.request.base
        else { return .made(exchange.pointee.requestID) }
        return .received(base + range.start, Int(range.count))
    }

    // MARK: Refusing

    /// Refuses a head that is not valid; the connection ends.
    mutating func refuseHead(_ slot: Int32, _ error: HeadError) {
        let outcome: Outcome =
            switch error {
            case .connectRefused: .methodRefused
            case .targetTooLong: .targetTooLong
            case .headTooLarge, .tooManyFields: .headTooLarge
            case .unsupportedVersion: .versionRefused
            default: .badRequest
            }
        answerBroken(slot, outcome, because: error.explanation)
    }

    /// Answers where no request could be read, and ends the connection.
    mutating func answerBroken(
        _ slot: Int32,
        _ outcome: Outcome,
        because reason: StaticString? = nil
    ) {
        let downstream = down[slot]
        let id = RequestID(high: random.next(), low: random.next())
        unlistIdle(slot)
        buffers.give(&downstream.pointee.input)
        out.removeAll()
        writeOwnAnswer(
            outcome,
            id: .made(id),
            isHead: false,
            connection: "close",
            because: reason
        )
        var entry = LogEntry(outcome: outcome, status: outcome.status, id: id)
        entry.client = downstream.pointee.peer
        entry.bytesOut = UInt64(out.count)
        log(entry)
        if deliver(slot, head: out.start, out.count, body: nil, 0) {
            goOn(slot, keepAlive: false, isRequestRead: false)
        } else {
            closeDownstream(slot)
        }
    }

    /// Refuses a request whose head is valid.
    ///
    /// Returns what ``beginRequest`` returns.
    mutating func refuse(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ outcome: Outcome,
        route: Int? = nil
    ) -> Int {
        let mayGoOn = outcome != .badRequest && outcome != .bodyTooLarge
        let keepAlive = request.keepAlive && request.isWhole && mayGoOn
        out.removeAll()
        writeOwnAnswer(
            outcome,
            id: .made(request.id),
            isHead: request.head.method == .head,
            connection: connectionValue(request, keepAlive)
        )
        return answer(slot, request, outcome, outcome.status, route: route, keepAlive: keepAlive)
    }

    private func connectionValue(_ request: ReceivedRequest, _ keepAlive: Bool) -> StaticString {
        keepAlive ? (request.head.minorVersion == 0 ? "keep-alive" : "") : "close"
    }

    /// Sends what stands in `out` as the whole answer to a request that is not forwarded.
    private mutating func answer(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ outcome: Outcome,
        _ status: Int,
        route: Int?,
        keepAlive: Bool
    ) -> Int {
        var entry = LogEntry(outcome: outcome, status: status, id: request.id)
        entry.client = client(of: slot, request)
        entry.bytesIn = UInt64(request.isWhole ? request.size : request.count)
        entry.bytesOut = UInt64(out.count)
        entry.route = route ?? -1
        entry.request = request
        log(entry)
        guard deliver(slot, head: out.start, out.count, body: nil, 0) else {
            closeDownstream(slot)
            return -1
        }
        goOn(slot, keepAlive: keepAlive, isRequestRead: request.isWhole)
        return keepAlive ? request.size : -1
    }

    /// Writes an answer of Weir's own to `out`: plain text that names outcome and request id.
    mutating func writeOwnAnswer(
        _ outcome: Outcome,
        id: WrittenID,
        isHead: Bool,
        connection: StaticString,
        because reason: StaticString? = nil
    ) {
        let status = outcome.status
        let explanation = reason ?? outcome.explanation
        let title = StatusCode.reason(status)
        let idCount: Int
        switch id {
        case .made: idCount = 32
        case .received(_, let count): idCount = count
        }
        // "404 Not Found\n", explanation, "\noutcome: ", word, "\nrequest-id: ", id, "\n".
        let bodyCount =
            4 &+ title.utf8CodeUnitCount &+ 1 &+ explanation.utf8CodeUnitCount &+ 10
            &+ outcome.word.utf8CodeUnitCount &+ 13 &+ idCount &+ 1
        out.append("HTTP/1.1 ")
        writeTitle(status, title)
        out.append("\r\nDate: ")
        accessLog.dates.update(now)
        accessLog.dates.appendHTTPDate(to: &out)
        out.append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ")
        out.append(decimal: UInt64(bodyCount))
        out.append("\r\nCache-Control: no-store\r\nx-weir-outcome: ")
        out.append(outcome.word)
        out.append("\r\nx-request-id: ")
        append(id)
        if status == 405 { out.append("\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH") }
        if status == 503 { out.append("\r\nRetry-After: 1") }
        if connection.utf8CodeUnitCount > 0 {
            out.append("\r\nConnection: ")
            out.append(connection)
        }
        out.append("\r\n\r\n")
        if isHead { return }
        writeTitle(status, title)
        out.append("\n")
        out.append(explanation)
        out.append("\noutcome: ")
        out.append(outcome.word)
        out.append("\nrequest-id: ")
        append(id)
        out.append("\n")
    }

    private mutating func writeTitle(_ status: Int, _ title: StaticString) {
        out.append(decimal: status, width: 3)
        out.append(byte: 0x20)
        out.append(title)
    }

    private mutating func append(_ id: WrittenID) {
        switch id {
        case .made(let made): out.append(made)
        case .received(let bytes, let count): out.append(bytes, count)
        }
    }

    // MARK: Answers of the file

    /// Answers by a route that redirects or responds.
    ///
    /// Returns what ``beginRequest`` returns.
    mutating func answerByRoute(_ slot: Int32, _ request: ReceivedRequest, _ index: Int) -> Int {
        let keepAlive = request.keepAlive && request.isWhole
        let route = snapshot.config.routes[index]
        let values = TemplateValues(
            request: request,
            clientAddress: clientAddress(of: slot, request),
            routeName: route.name,
            headers: headerValues(route.action, request)
        )
        let rendered = RouteAnswer(route.action, values)
        out.removeAll()
        out.append("HTTP/1.1 ")
        writeTitle(rendered.status, StatusCode.reason(rendered.status))
        out.append("\r\nDate: ")
        accessLog.dates.update(now)
        accessLog.dates.appendHTTPDate(to: &out)
        out.append("\r\n")
        for (name, value) in rendered.headers {
            out.append(text: name)
            out.append(": ")
            out.append(text: value)
            out.append("\r\n")
        }
        if rendered.hasLength {
            out.append("Content-Length: ")
            out.append(decimal: UInt64(rendered.body.count))
            out.append("\r\n")
        }
        let connection = connectionValue(request, keepAlive)
        if connection.utf8CodeUnitCount > 0 {
            out.append("Connection: ")
            out.append(connection)
            out.append("\r\n")
        }
        out.append("\r\n")
        return answer(
            slot,
            request,
            rendered,
            index: index,
            keepAlive: keepAlive
        )
    }

    private mutating func answer(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ rendered: RouteAnswer,
        index: Int,
        keepAlive: Bool
    ) -> Int {
        let hasBody = rendered.hasLength && request.head.method != .head
        let bodyCount = hasBody ? rendered.body.count : 0
        var entry = LogEntry(outcome: .ok, status: rendered.status, id: request.id)
        entry.client = client(of: slot, request)
        entry.bytesIn = UInt64(request.isWhole ? request.size : request.count)
        entry.bytesOut = UInt64(out.count &+ bodyCount)
        entry.route = index
        entry.request = request
        if snapshot.routes[index].isLogged { log(entry) }
        var body = rendered.body
        let head = out
        let isSent = body.withUnsafeMutableBytes { bytes in
            deliver(slot, head: head.start, head.count, body: bytes.baseAddress, bodyCount)
        }
        guard isSent, !head.overflowed else {
            closeDownstream(slot)
            return -1
        }
        goOn(slot, keepAlive: keepAlive, isRequestRead: request.isWhole)
        return keepAlive ? request.size : -1
    }
}
