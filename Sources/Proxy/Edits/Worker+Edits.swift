import CLinux
import Configuration
import EventLoop
import HTTP
import TLS

/// Heads that a route changes.
extension Worker {
    /// Bytes of a changed head at most.
    static let editedHeadSize = 65_536

    // MARK: Requests

    /// Takes a request whose head, or whose answer's head, the route changes.
    ///
    /// Returns what ``takeRequest`` returns.
    mutating func takeEdited(
        _ exchange: UnsafeMutablePointer<Exchange>,
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ request: ReceivedRequest
    ) -> Int {
        if cameByHTTPS(downstream, request) { exchange.pointee.flags.insert(.https) }
        guard exchange.pointee.flags.contains(.editsRequest) else {
            return takeRequest(exchange, downstream, request)
        }
        let edits = snapshot.edits[Int(exchange.pointee.route)].request
        var written = out
        written.removeAll()
        writeHead(exchange, downstream, request, to: &written)
        var facts = HeadFacts(request, client: exchange.pointee.client)
        facts.isSecure = exchange.pointee.flags.contains(.https)
        facts.route = snapshot.routeNames[Int(exchange.pointee.route)]
        facts.pool = snapshot.poolNames[Int(exchange.pointee.pool)]
        if case .received(let bytes, let count) = believedID(exchange.pointee.downstream, request) {
            let offset = bytes - UnsafeRawPointer(request.bytes)
            facts.foreignID = ByteRange(from: offset, to: offset &+ count)
        }
        if edits.readsCertificate { facts.identity = identity(exchange.pointee.downstream) }
        var edited = ByteWriter(written.start + written.count, capacity: written.room)
        let moved = edits.rewrite(
            UnsafeRawBufferPointer(start: written.start, count: written.count),
            facts,
            tracking: TrackedRanges(
                host: exchange.pointee.hostRange,
                requestID: exchange.pointee.idRange
            ),
            to: &edited
        )
        guard !written.overflowed, !edited.overflowed, edited.count <= Self.editedHeadSize else {
            return -3
        }
        exchange.pointee.hostRange = moved.host
        exchange.pointee.idRange = moved.requestID
        var bodyRoom = 0
        if case .length(let length) = request.head.framing, length <= 65_536 {
            bodyRoom = Int(length)
        }
        var buffer = buffers.take(edited.count &+ bodyRoom)
        buffers.append(edited.start, edited.count, to: &buffer)
        exchange.pointee.request = buffer
        exchange.pointee.headEnd = buffer.end
        return takeFirstBody(exchange, request)
    }

    // MARK: Answers

    /// Changes the answer's head that stands in ``out``; false if it is too large then.
    ///
    /// `lastLine`: as of ``HeadEdits/rewrite(_:_:tracking:lastLine:to:)``.
    mutating func editAnswer(
        _ exchange: UnsafeMutablePointer<Exchange>,
        lastLine: UnsafeRawBufferPointer
    ) -> Bool {
        var facts = HeadFacts(exchange)
        facts.route = snapshot.routeNames[Int(exchange.pointee.route)]
        facts.pool = snapshot.poolNames[Int(exchange.pointee.pool)]
        let endpoint = Int(exchange.pointee.endpoint)
        if endpoint >= 0 { facts.server = endpoints[endpoint].name }
        let edits = snapshot.edits[Int(exchange.pointee.route)].answer
        if edits.readsCertificate { facts.identity = identity(exchange.pointee.downstream) }
        return edit(edits, facts, lastLine: lastLine)
    }

    /// Changes the head of an answer of Weir's own, which stands in ``out``, to a request that is
    /// not forwarded.
    mutating func editOwnAnswer(_ slot: Int32, _ request: ReceivedRequest, _ route: Int) {
        var facts = HeadFacts(request, client: client(of: slot, request))
        facts.isSecure = cameByHTTPS(down[slot], request)
        facts.route = snapshot.routeNames[route]
        let pool = Int(snapshot.routes[route].pool)
        if pool >= 0 { facts.pool = snapshot.poolNames[pool] }
        let edits = snapshot.edits[route].answer
        if edits.readsCertificate { facts.identity = identity(slot) }
        _ = edit(edits, facts, lastLine: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Changes the head in ``out``, or leaves it where it is too large, be it by the changes.
    private mutating func edit(
        _ edits: HeadEdits,
        _ facts: HeadFacts,
        lastLine: UnsafeRawBufferPointer
    ) -> Bool {
        var edited = ByteWriter(out.start + out.count, capacity: out.room)
        _ = edits.rewrite(
            UnsafeRawBufferPointer(start: out.start, count: out.count),
            facts,
            lastLine: lastLine,
            to: &edited
        )
        guard !out.overflowed, !edited.overflowed, edited.count <= Self.editedHeadSize else {
            return false
        }
        out.removeAll()
        out.append(edited.start, edited.count)
        return true
    }

    // MARK: The client's certificate

    /// The certificate that the client has shown, where the action's templates name it.
    mutating func certificate(_ slot: Int32, for action: RouteAction) -> PeerCertificate? {
        for template in action.templates {
            for case .variable(let variable) in template.segments where variable.isOfCertificate {
                return secureConnection(slot)?.peerCertificate
            }
        }
        return nil
    }

    /// Who the client is by its certificate; read once, and kept with the connection.
    mutating func identity(_ slot: Int32) -> ClientIdentity {
        let carrier = down[slot].pointee.streams.carrier
        let connection = down[carrier >= 0 ? carrier : slot]
        if connection.pointee.identity.isEmpty {
            guard let certificate = connection.pointee.secure.connection?.peerCertificate else {
                return ClientIdentity()
            }
            keepIdentity(&connection.pointee.identity, certificate)
        }
        return ClientIdentity(connection.pointee.identity)
    }

    private mutating func secureConnection(_ slot: Int32) -> TLSConnection? {
        let carrier = down[slot].pointee.streams.carrier
        return down[carrier >= 0 ? carrier : slot].pointee.secure.connection
    }

    private mutating func keepIdentity(_ buffer: inout Buffer, _ certificate: PeerCertificate) {
        let texts = [
            certificate.templateSubject, certificate.templateNames, certificate.fingerprint,
        ]
        for text in texts {
            var count = UInt32(truncatingIfNeeded: text.utf8.count)
            buffers.append(&count, MemoryLayout<UInt32>.size, to: &buffer)
        }
        for text in texts {
            var text = text
            text.withUTF8 { bytes in
                if let start = bytes.baseAddress { buffers.append(start, bytes.count, to: &buffer) }
            }
        }
    }
}

extension ClientIdentity {
    /// What `keepIdentity` has put into a buffer: three counts and three texts.
    init(_ buffer: Buffer) {
        self.init()
        guard let start = buffer.head else { return }
        let bytes = UnsafeRawBufferPointer(start: start, count: buffer.count)
        let size = MemoryLayout<UInt32>.size
        var position = 3 * size
        func text(_ index: Int) -> UnsafeRawBufferPointer {
            let count = Int(bytes.loadUnaligned(fromByteOffset: index * size, as: UInt32.self))
            let end = position + count
            defer { position = end }
            return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
        }
        subject = text(0)
        names = text(1)
        fingerprint = text(2)
    }
}

extension Template.Variable {
    /// Whether the value comes from the client's certificate.
    fileprivate var isOfCertificate: Bool {
        self == .tlsSubject || self == .tlsNames || self == .tlsFingerprint
    }
}
