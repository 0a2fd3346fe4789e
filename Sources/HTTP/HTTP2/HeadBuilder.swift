import CBytes

/// Builds the HTTP/1 text of the head, or trailer section, whose fields are arriving, and holds
/// them to the rules of RFC 9113 §8.2 and §8.3.
///
/// One at a time per connection, as the frames of a head stand together (RFC 9113 §4.3). Ranges
/// count from `base`, so that a head which is cut off can be put elsewhere and be continued.
struct HeadBuilder {
    /// What is being built.
    enum Part {
        case request
        case response
        case trailers
    }

    /// The slot of the stream; -1 if no head is being built.
    var slot: Int32 = -1
    /// What is being built.
    var part = Part.request
    /// Where the text begins, with the values of pseudo-header fields.
    var base = 0
    /// Where in it the text proper begins.
    var start = 0
    /// The first thing that is wrong.
    var flaw = HTTP2Flaw.none
    /// The status with which the request has to be answered; 0 if it is fine.
    var rejection: UInt32 = 0
    /// Whether the first line was written, so that no pseudo-header field may follow.
    var hasStarted = false

    var method = ByteRange.empty
    var scheme = ByteRange.empty
    var authority = ByteRange.empty
    var path = ByteRange.empty
    var protocolName = ByteRange.empty
    var status: UInt16 = 0
    var seen = PseudoFields()

    var hasHost = false
    /// The cookie line, its name and line end included; cookies come in crumbs.
    var cookie = ByteRange.empty
    /// The Content-Length; -1 if there is none.
    var contentLength: Int64 = -1
    var sensitive = SensitiveNames()
    /// Whether the content's type is one of gRPC's.
    var isCall = false
    /// Field lines.
    var fields = 0
    /// Fields behind the one that decided all.
    var ignored = 0
    /// Bytes of the head as HTTP/1 has it.
    var size = 0

    /// Which pseudo-header fields were there (RFC 9113 §8.3).
    struct PseudoFields: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        static let method = PseudoFields(rawValue: 1)
        static let scheme = PseudoFields(rawValue: 2)
        static let authority = PseudoFields(rawValue: 4)
        static let path = PseudoFields(rawValue: 8)
        static let protocolName = PseudoFields(rawValue: 16)
        static let status = PseudoFields(rawValue: 32)
    }

    /// Whether nothing that follows matters any more.
    var isDecided: Bool { flaw != .none || rejection != 0 }

    /// What the fields are held to.
    struct Rules {
        /// How large the head may be.
        var limits: HeadLimits
        /// Whether :protocol is known.
        var allowsWebSocket: Bool
    }

    /// Takes in one field.
    ///
    /// Behind the first flaw nothing is looked at any more, so that a head which unfolds without
    /// end costs little.
    mutating func add(
        _ name: RawSpan,
        _ value: RawSpan,
        isSensitive: Bool,
        rules: Rules,
        to batch: inout HTTP2Batch
    ) {
        if isDecided { return }
        if name.byteCount == 0 {
            flaw = .invalidName
            return
        }
        size &+= name.byteCount &+ value.byteCount &+ 4
        if size > rules.limits.headSize {
            refuseSize(status: name.holds(":path", at: 0) && name.byteCount == 5 ? 414 : 431)
            return
        }
        guard value.isFieldValue else {
            flaw = .invalidValue
            return
        }
        batch.reserve(name.byteCount &+ value.byteCount &+ 8)
        if name.byte(at: 0) == Byte.colon {
            addPseudoField(name, value, rules, &batch)
        } else {
            addField(name, value, isSensitive, rules, &batch)
        }
    }

    /// The head or trailer section is larger than the limits; only a request can be answered.
    private mutating func refuseSize(status: UInt32) {
        if part == .request { rejection = status } else { flaw = .tooLarge }
    }

    /// Adds bytes to the text and returns where they are.
    private func put(_ bytes: RawSpan, _ batch: inout HTTP2Batch) -> ByteRange {
        let from = batch.textCount &- base
        batch.write(bytes)
        return ByteRange(from: from, to: batch.textCount &- base)
    }

    private mutating func addPseudoField(
        _ name: RawSpan,
        _ value: RawSpan,
        _ rules: Rules,
        _ batch: inout HTTP2Batch
    ) {
        if part == .trailers {
            flaw = .pseudoFieldInTrailers
            return
        }
        if hasStarted {
            flaw = .latePseudoField
            return
        }
        let field = PseudoFields(name, of: part, allowsWebSocket: rules.allowsWebSocket)
        if field.isEmpty {
            flaw = .unknownPseudoField
        } else if seen.contains(field) {
            flaw = .repeatedPseudoField
        } else if value.byteCount == 0 {
            flaw = .missingPseudoField
        } else {
            seen.insert(field)
            switch field {
            case .method: method = put(value, &batch)
            case .scheme: scheme = put(value, &batch)
            case .authority:
                // It becomes Host, a field like the others.
                fields &+= 1
                authority = put(value, &batch)
            case .protocolName: protocolName = put(value, &batch)
            case .status: readStatus(value)
            default:
                if value.byteCount > rules.limits.targetSize { rejection = 414 }
                path = put(value, &batch)
            }
        }
    }

    /// Reads :status: three digits, from 100 to 599.
    private mutating func readStatus(_ value: RawSpan) {
        guard value.byteCount == 3 else {
            flaw = .invalidStatus
            return
        }
        var number: UInt16 = 0
        for index in 0..<3 {
            let digit = value.byte(at: index) &- Byte.zero
            if digit > 9 { flaw = .invalidStatus }
            number = number &* 10 &+ UInt16(digit)
        }
        // HTTP/2 has no 101 (RFC 9113 §8.6).
        if number < 100 || number > 599 || number == 101 { flaw = .invalidStatus }
        status = number
    }

    private mutating func addField(
        _ name: RawSpan,
        _ value: RawSpan,
        _ isSensitive: Bool,
        _ rules: Rules,
        _ batch: inout HTTP2Batch
    ) {
        guard let id = name.lowerFieldName else {
            flaw = nameFlaw(name)
            return
        }
        if !hasStarted {
            writeFirstLine(&batch)
            if isDecided { return }
            batch.reserve(name.byteCount &+ value.byteCount &+ 8)
        }
        if isSensitive { note(name) }
        if id == .cookie, part == .request {
            addCrumb(value, &batch)
            return
        }
        fields &+= 1
        if fields > rules.limits.fields {
            refuseSize(status: 431)
            return
        }
        if Self.meaningful & id.bit != 0, interpret(id, value, &batch) { return }
        if seen.contains(.protocolName), isHandshake(name) { return }
        batch.writeLine(name, value)
    }

    private mutating func note(_ name: RawSpan) {
        var sum = NameSum()
        for index in 0..<name.byteCount { sum.add(name.byte(at: index)) }
        sensitive.insert(sum)
    }

    /// The fields that mean something here, besides cookies.
    private static let meaningful =
        FieldName.connection.bit | FieldName.keepAlive.bit | FieldName.proxyConnection.bit
        | FieldName.transferEncoding.bit | FieldName.upgrade.bit | FieldName.te.bit
        | FieldName.host.bit | FieldName.contentLength.bit | FieldName.contentType.bit

    /// Looks at a field that means something here; true if it is not to be written.
    private mutating func interpret(
        _ id: FieldName,
        _ value: RawSpan,
        _ batch: inout HTTP2Batch
    ) -> Bool {
        let all = ByteRange(from: 0, to: value.byteCount)
        switch id {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
            flaw = .connectionField
        case .te:
            if !value.equalIgnoringCase(all, "trailers") { flaw = .invalidTE }
        case .host where part == .request: return takeHost(value, &batch)
        case .contentLength where part != .trailers: readContentLength(value)
        case .contentType: isCall = value.beginsGRPC(all)
        default: break
        }
        return flaw != .none
    }

    private mutating func readContentLength(_ value: RawSpan) {
        if contentLength >= 0 {
            flaw = .repeatedContentLength
            return
        }
        let all = ByteRange(from: 0, to: value.byteCount)
        do throws(HeadError) {
            contentLength = Int64(clamping: try parseContentLength(value, all))
        } catch {
            flaw = .invalidContentLength
        }
    }

    /// Holds Host against :authority, which stands in its place; true if it is not to be written.
    private mutating func takeHost(_ value: RawSpan, _ batch: inout HTTP2Batch) -> Bool {
        if hasHost {
            flaw = .repeatedHost
            return true
        }
        hasHost = true
        if !isAuthority(value, ByteRange(from: 0, to: value.byteCount)) {
            flaw = .invalidAuthority
            return true
        }
        guard seen.contains(.authority) else { return false }
        if !namesSameHost(value, batch) { flaw = .differentHosts }
        return true
    }

    /// Adds a piece of Cookie to the others (RFC 9113 §8.2.3).
    private mutating func addCrumb(_ value: RawSpan, _ batch: inout HTTP2Batch) {
        if cookie.isEmpty {
            let from = batch.textCount &- base
            batch.write("cookie: ")
            batch.write(value)
            batch.write("\r\n")
            cookie = ByteRange(from: from, to: batch.textCount &- base)
            return
        }
        if cookie.end != batch.textCount &- base {
            // Moved once, so that the crumbs behind it need not be.
            batch.moveToEnd(from: base &+ cookie.start, to: base &+ cookie.end)
        }
        let from = batch.textCount &- base &- Int(cookie.count)
        batch.truncateText(to: batch.textCount &- 2)
        batch.write("; ")
        batch.write(value)
        batch.write("\r\n")
        cookie = ByteRange(from: from, to: batch.textCount &- base)
    }
}
