import CLinux
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
    mutating func writtenID(_ exchange: UnsafeMutablePointer<Exchange>) -> WrittenID {
        let range = exchange.pointee.idRange
        guard exchange.pointee.flags.contains(.foreignRequestID),
            let base = exchange.pointee.request.base
        else { return .made(exchange.pointee.requestID) }
        return .received(base + range.start, Int(range.count))
    }

    // MARK: Refusing

    /// Refuses a head that is not valid, which `bytes` begin with; the connection ends.
    mutating func refuseHead(
        _ slot: Int32,
        _ error: HeadError,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) {
        let outcome: Outcome =
            switch error {
            case .connectRefused: .methodRefused
            case .targetTooLong: .targetTooLong
            case .headTooLarge, .tooManyFields: .headTooLarge
            case .unsupportedVersion: .versionRefused
            default: .badRequest
            }
        let isHead = Self.asksForHead(bytes, count)
        answerBroken(slot, outcome, isHead: isHead, because: error.explanation)
    }

    /// Answers where no request could be read, and ends the connection.
    mutating func answerBroken(
        _ slot: Int32,
        _ outcome: Outcome,
        isHead: Bool = false,
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
            isHead: isHead,
            connection: "close",
            because: reason
        )
        var entry = LogEntry(outcome: outcome, status: outcome.status, id: id)
        entry.client = downstream.pointee.peer
        entry.bytesOut = UInt64(out.count)
        count(entry, of: slot)
        countLocalResponse(outcome)
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
        route: Int? = nil,
        because reason: StaticString? = nil
    ) -> Int {
        let mayGoOn = outcome != .badRequest && outcome != .bodyTooLarge
        let keepAlive = mayGoOn && staysOpen(request)
        out.removeAll()
        var entry = LogEntry(outcome: outcome, status: outcome.status, id: request.id)
        entry.route = route ?? -1
        if isCall(slot, request) {
            entry.callStatus = outcome.callStatus
            entry.status = 200
            writeOwnCallAnswer(outcome, id: believedID(slot, request), because: reason)
        } else {
            writeOwnAnswer(
                outcome,
                id: believedID(slot, request),
                isHead: request.head.method == .head,
                connection: connectionValue(request, keepAlive),
                because: reason
            )
        }
        return answer(slot, request, &entry, body: [], keepAlive: keepAlive)
    }

    /// The id of a request that is not forwarded.
    mutating func believedID(_ slot: Int32, _ request: ReceivedRequest) -> WrittenID {
        guard down[slot].pointee.flags.contains(.trustedPeer),
            let range = fields.requestID(in: request.bytes)
        else { return .made(request.id) }
        return .received(request.bytes + range.start, Int(range.count))
    }

    /// Whether the connection can serve another request after an answer of Weir's own: the body
    /// is there, or so short that it is worth reading past.
    private mutating func staysOpen(_ request: ReceivedRequest) -> Bool {
        guard request.keepAlive, !request.head.expectsContinue else { return false }
        switch request.head.framing {
        case .none, .chunked: return true
        case .length(let length): return length <= UInt64(Self.mostDropped)
        case .untilClose: return false
        }
    }

    private mutating func connectionValue(_ request: ReceivedRequest, _ keepAlive: Bool)
        -> StaticString
    {
        keepAlive ? (request.head.minorVersion == 0 ? "keep-alive" : "") : "close"
    }

    /// Sends what stands in `out`, and a body, as the whole answer to a request that is not
    /// forwarded.
    private mutating func answer(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ entry: inout LogEntry,
        body: [UInt8],
        keepAlive: Bool
    ) -> Int {
        if entry.route >= 0, snapshot.routes[entry.route].marks.contains(.editsAnswer) {
            editOwnAnswer(slot, request, entry.route)
        }
        entry.client = client(of: slot, request)
        entry.bytesIn = UInt64(request.isWhole ? request.size : request.count)
        entry.bytesOut = UInt64(out.count &+ body.count)
        entry.request = request
        entry.loggedID = believedID(slot, request)
        entry.trace = beginTrace(request)
        countLocalResponse(entry.outcome)
        let head = out
        var body = body
        let isSent =
            !head.overflowed
            && body.withUnsafeMutableBytes { bytes in
                deliver(slot, head: head.start, head.count, body: bytes.baseAddress, bytes.count)
            }
        if isSent, follow(slot, request, entry, bodyCount: body.count, keepAlive: keepAlive) {
            return request.isWhole ? request.size : request.head.headSize
        }
        note(entry, of: slot, request)
        guard isSent else {
            closeDownstream(slot)
            return -1
        }
        if keepAlive, !request.isWhole {
            if down[slot].isOfStream {
                awaitStreamEnd(slot)
            } else {
                discard(slot, BodyDecoder(request.head.framing))
            }
            return request.head.headSize
        }
        goOn(slot, keepAlive: keepAlive, isRequestRead: request.isWhole)
        return keepAlive ? request.size : -1
    }

    /// Counts, logs and traces a request that was answered without a server.
    private mutating func note(_ entry: LogEntry, of slot: Int32, _ request: ReceivedRequest) {
        count(entry, of: slot)
        let isLogged = entry.route < 0 ? entry.isLogged : snapshot.routes[entry.route].isLogged
        if isLogged { log(entry) }
        if entry.trace.isExported { recordRequest(entry, of: slot, request) }
    }

    /// Reads past the body of a request that was answered without it.
    mutating func discardBody(_ slot: Int32) {
        let downstream = down[slot]
        while true {
            if let bytes = downstream.pointee.input.head {
                let span = RawSpan(_unsafeStart: bytes, byteCount: downstream.pointee.input.count)
                guard let used = downstream.pointee.discarded.skip(span, limits: headLimits) else {
                    closeDownstream(slot)
                    return
                }
                downstream.pointee.dropped &+= UInt32(truncatingIfNeeded: used)
                buffers.consume(used, from: &downstream.pointee.input)
                if downstream.pointee.discarded.isComplete {
                    goOn(slot, keepAlive: true, isRequestRead: true)
                    queueDownstream(slot)
                    return
                }
            }
            guard Int(downstream.pointee.dropped) <= Self.mostDropped else {
                goOn(slot, keepAlive: false, isRequestRead: false)
                return
            }
            guard downstream.pointee.flags.contains(.readable) else { return }
            buffers.reserve(4096, in: &downstream.pointee.input)
            guard let tail = downstream.pointee.input.tail else { return }
            let count = receive(downstream, tail, downstream.pointee.input.room)
            if count == Int(-EAGAIN) {
                buffers.consume(0, from: &downstream.pointee.input)
                return
            }
            guard count > 0 else {
                closeDownstream(slot)
                return
            }
            // No byte moves the deadline: a body that nobody wants may not hold the connection.
            downstream.pointee.input.end &+= UInt32(truncatingIfNeeded: count)
        }
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
        accessLog.dates.appendHTTPDate(now, to: &out)
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

    mutating func append(_ id: WrittenID) {
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
        let route = snapshot.config.routes[index]
        let values = TemplateValues(
            request: request,
            clientAddress: clientAddress(of: slot, request),
            routeName: route.name,
            isSecure: cameByHTTPS(down[slot], request),
            headers: headerValues(route.action, request),
            certificate: certificate(slot, for: route.action)
        )
        return answer(slot, request, RouteAnswer(route.action, values), route: index)
    }

    /// Sends the client of a listener with `https-redirect` to https.
    ///
    /// Returns what ``beginRequest`` returns.
    mutating func redirectToHTTPS(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ port: UInt16
    ) -> Int {
        guard !request.head.authority.isEmpty else {
            return refuse(slot, request, .badRequest, because: "This port only leads to https.")
        }
        let values = TemplateValues(
            request: request,
            clientAddress: "",
            routeName: "",
            headers: [:]
        )
        return answer(slot, request, RouteAnswer(toHTTPS: values, port: port), route: nil)
    }

    /// Says whether new traffic is wanted, at a listener's `ready-path`.
    ///
    /// Returns what ``beginRequest`` returns.
    mutating func answerReadiness(_ slot: Int32, _ request: ReceivedRequest) -> Int {
        let rendered =
            if !shared.isReady.load(ordering: .relaxed) {
                RouteAnswer(503, text: "draining\n")
            } else if shared.isWhole.load(ordering: .relaxed) {
                RouteAnswer(200, text: "ready\n")
            } else {
                RouteAnswer(503, text: "a worker does not serve\n")
            }
        return answer(slot, request, rendered, route: nil, isLogged: false)
    }

    /// Sends an answer that the file makes, or another one without a server.
    mutating func answer(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ rendered: RouteAnswer,
        route index: Int?,
        isLogged: Bool = true
    ) -> Int {
        // To extended CONNECT every 2xx says that the tunnel is open (RFC 8441 §5).
        if request.head.upgrade == .websocket, rendered.status < 300, down[slot].isOfStream {
            return refuse(
                slot,
                request,
                .protocolRefused,
                route: index,
                because: "No server for WebSockets is here."
            )
        }
        let keepAlive = staysOpen(request)
        out.removeAll()
        writeHead(of: rendered, connection: connectionValue(request, keepAlive))
        if out.overflowed { return refuse(slot, request, .headTooLarge, route: index) }
        var entry = LogEntry(outcome: .ok, status: rendered.status, id: request.id)
        entry.route = index ?? -1
        let hasBody = rendered.hasLength && request.head.method != .head
        let body = hasBody ? rendered.body : []
        entry.isLogged = isLogged
        return answer(slot, request, &entry, body: body, keepAlive: keepAlive)
    }

    /// Writes the head of an answer that the file makes to `out`.
    mutating func writeHead(of rendered: RouteAnswer, connection: StaticString) {
        out.append("HTTP/1.1 ")
        writeTitle(rendered.status, StatusCode.reason(rendered.status))
        out.append("\r\nDate: ")
        accessLog.dates.appendHTTPDate(now, to: &out)
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
        if connection.utf8CodeUnitCount > 0 {
            out.append("Connection: ")
            out.append(connection)
            out.append("\r\n")
        }
        out.append("\r\n")
    }
}
