import CBytes

/// The first line of a head, and its end.
extension HeadBuilder {
    /// Writes the first line, now that all pseudo-header fields are there.
    mutating func writeFirstLine(_ batch: inout HTTP2Batch) {
        hasStarted = true
        switch part {
        case .trailers: start = batch.textCount &- base
        case .response: writeStatusLine(&batch)
        case .request:
            let pseudo = batch.textCount &- base
            // No second time as long as twice what is there already.
            batch.reserve(pseudo &* 2 &+ 64)
            flaw = requestFlaw(batch)
            if flaw == .none { writeRequestLine(&batch) }
        }
    }

    private mutating func writeStatusLine(_ batch: inout HTTP2Batch) {
        if !seen.contains(.status) {
            flaw = .missingPseudoField
            return
        }
        start = batch.textCount &- base
        batch.reserve(32)
        batch.write("HTTP/1.1 ")
        batch.write(Byte.zero &+ UInt8(truncatingIfNeeded: status / 100))
        batch.write(Byte.zero &+ UInt8(truncatingIfNeeded: status / 10 % 10))
        batch.write(Byte.zero &+ UInt8(truncatingIfNeeded: status % 10))
        batch.write(" \r\n")
    }

    /// What is wrong with the pseudo-header fields of a request (RFC 9113 §8.3.1, §8.5).
    private func requestFlaw(_ batch: borrowing HTTP2Batch) -> HTTP2Flaw {
        let count = batch.textCount &- base
        let text = unsafe RawSpan(_unsafeStart: batch.text + base, byteCount: count)
        guard seen.contains(.method) else { return .missingPseudoField }
        guard text.tokenEnd(from: method.start, to: method.end) == method.end else {
            return .invalidMethod
        }
        if seen.contains(.authority), !isAuthority(text, authority) { return .invalidAuthority }
        let isConnect = holds("CONNECT", method, text)
        if isConnect, !seen.contains(.protocolName) {
            if !seen.isDisjoint(with: [.scheme, .path]) { return .unexpectedPseudoField }
            return seen.contains(.authority) ? .none : .missingPseudoField
        }
        if !isConnect, seen.contains(.protocolName) { return .unexpectedPseudoField }
        if !seen.isSuperset(of: [.scheme, .path]) { return .missingPseudoField }
        if isConnect, !seen.contains(.authority) { return .missingPseudoField }
        if !isScheme(text) { return .invalidScheme }
        if text.targetEnd(from: path.start, to: path.end) != path.end { return .invalidPath }
        if isWebScheme(text), text.byte(at: path.start) != Byte.slash {
            let isAsterisk = path.count == 1 && text.byte(at: path.start) == Byte.asterisk
            if !isAsterisk || !holds("OPTIONS", method, text) { return .invalidPath }
        }
        return .none
    }

    /// Whether the method is HEAD, if it has come.
    func asksForHead(_ batch: borrowing HTTP2Batch) -> Bool {
        let count = batch.textCount &- base
        let text = unsafe RawSpan(_unsafeStart: batch.text + base, byteCount: count)
        return seen.contains(.method) && holds("HEAD", method, text)
    }

    private func holds(_ word: StaticString, _ range: ByteRange, _ text: RawSpan) -> Bool {
        Int(range.count) == word.utf8CodeUnitCount && text.holds(word, at: range.start)
    }

    /// Whether :scheme is one (RFC 3986 §3.1).
    private func isScheme(_ text: RawSpan) -> Bool {
        for index in scheme.start..<scheme.end {
            let byte = text.byte(at: index)
            let isLetter = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
            let isOther = cbytes_is_digit(byte) != 0 || byte == 0x2b || byte == 0x2d || byte == 0x2e
            if !isLetter, index == scheme.start || !isOther { return false }
        }
        return true
    }

    /// Whether the scheme is one that the path of HTTP/1 leaves unsaid.
    private func isWebScheme(_ text: RawSpan) -> Bool {
        text.equalIgnoringCase(scheme, "https") || text.equalIgnoringCase(scheme, "http")
    }

    private mutating func writeRequestLine(_ batch: inout HTTP2Batch) {
        start = batch.textCount &- base
        let count = batch.textCount &- base
        let text = unsafe RawSpan(_unsafeStart: batch.text + base, byteCount: count)
        if seen.contains(.protocolName) {
            // The same request as HTTP/1 has it (RFC 8441 §5).
            if text.equalIgnoringCase(protocolName, "websocket") {
                batch.write("GET ")
            } else {
                rejection = 501
                return
            }
        } else {
            batch.write(method, from: base)
            batch.write(" ")
        }
        if !seen.contains(.path) {
            batch.write(authority, from: base)
        } else if isWebScheme(text) {
            batch.write(path, from: base)
        } else {
            // A target that is not for a gateway of the web; the parser refuses it.
            batch.write(scheme, from: base)
            batch.write("://")
            batch.write(authority, from: base)
            batch.write(path, from: base)
        }
        batch.write(" HTTP/1.1\r\n")
        if seen.contains(.authority) {
            batch.write("host: ")
            batch.write(authority, from: base)
            batch.write("\r\n")
        }
    }

    /// Whether Host and :authority are the same but for letters' case and the scheme's own port.
    func namesSameHost(_ host: RawSpan, _ batch: borrowing HTTP2Batch) -> Bool {
        let count = batch.textCount &- base
        let text = unsafe RawSpan(_unsafeStart: batch.text + base, byteCount: count)
        let isSecure = text.equalIgnoringCase(scheme, "https")
        let own = withoutOwnPort(text, authority, isSecure)
        let other = withoutOwnPort(host, ByteRange(from: 0, to: host.byteCount), isSecure)
        return text.equalIgnoringCase(own, host.extracting(other.start..<other.end))
    }

    private func withoutOwnPort(
        _ text: RawSpan,
        _ range: ByteRange,
        _ isSecure: Bool
    ) -> ByteRange {
        let port: StaticString = isSecure ? ":443" : ":80"
        for suffix: StaticString in [port, ":"] {
            let from = range.end &- suffix.utf8CodeUnitCount
            if from > range.start, text.holds(suffix, at: from) {
                return ByteRange(from: range.start, to: from)
            }
        }
        return range
    }

    /// Ends a request's head with its framing and the blank line.
    mutating func finishRequest(
        endsStream: Bool,
        id: Int32,
        seed: UInt64,
        _ batch: inout HTTP2Batch
    ) {
        if !isDecided, !hasStarted { writeFirstLine(&batch) }
        if isDecided { return }
        if !seen.contains(.authority), !hasHost {
            flaw = .missingAuthority
            return
        }
        batch.reserve(128)
        if seen.contains(.protocolName) {
            // What follows is the tunnel's, and ends with it (RFC 9110 §9.3.6).
            if contentLength >= 0 { flaw = .unexpectedContentLength }
            batch.write("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ")
            writeKey(seed &+ UInt64(truncatingIfNeeded: id), &batch)
            batch.write("\r\n")
        } else if endsStream {
            if contentLength > 0 { flaw = .bodyTooShort }
        } else if contentLength < 0 {
            batch.write("transfer-encoding: chunked\r\n")
        }
        batch.write("\r\n")
    }

    /// Writes sixteen bytes in base 64, as Sec-WebSocket-Key wants them (RFC 6455 §4.1).
    private func writeKey(_ seed: UInt64, _ batch: inout HTTP2Batch) {
        var state = seed
        for index in 0..<22 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            // The last digit has two bits of the sixteen bytes.
            let digit = UInt8(truncatingIfNeeded: (mixed >> 32) & (index == 21 ? 0x30 : 0x3f))
            switch digit {
            case 0..<26: batch.write(UInt8(ascii: "A") &+ digit)
            case 26..<52: batch.write(UInt8(ascii: "a") &+ digit &- 26)
            case 52..<62: batch.write(Byte.zero &+ digit &- 52)
            case 62: batch.write(UInt8(ascii: "+"))
            default: batch.write(Byte.slash)
            }
        }
        batch.write("==")
    }

    /// Ends an answer's head with its framing and the blank line; `isHead`: it answers HEAD.
    mutating func finishResponse(endsStream: Bool, isHead: Bool, _ batch: inout HTTP2Batch) {
        if !isDecided, !hasStarted { writeFirstLine(&batch) }
        if isDecided { return }
        batch.reserve(64)
        if status < 200 {
            if endsStream {
                flaw = .interimEndsStream
            } else if contentLength >= 0 {
                flaw = .unexpectedContentLength
            }
        } else if !isBodiless(isHead: isHead) {
            if contentLength < 0 {
                batch.write(endsStream ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n")
            } else if endsStream, contentLength > 0 {
                flaw = .bodyTooShort
            }
        }
        batch.write("\r\n")
    }

    /// Whether an answer has no body, whatever its Content-Length says (RFC 9110 §6.4.1).
    func isBodiless(isHead: Bool) -> Bool { isHead || status == 204 || status == 304 }

    /// Ends a trailer section.
    mutating func finishTrailers(endsStream: Bool, _ batch: inout HTTP2Batch) {
        if !isDecided, !hasStarted { writeFirstLine(&batch) }
        if !isDecided, !endsStream { flaw = .openTrailers }
    }

    /// Whether the field belongs to the handshake of a WebSocket over HTTP/1, which extended
    /// CONNECT does without (RFC 8441 §5).
    func isHandshake(_ name: RawSpan) -> Bool {
        let all = ByteRange(from: 0, to: name.byteCount)
        return name.equalIgnoringCase(all, "sec-websocket-key")
            || name.equalIgnoringCase(all, "sec-websocket-accept")
    }
}

extension HeadBuilder.PseudoFields {
    /// The field of this name; empty if it is none of this part's.
    init(_ name: RawSpan, of part: HeadBuilder.Part, allowsWebSocket: Bool) {
        var field: HeadBuilder.PseudoFields = []
        if part == .response {
            if name.byteCount == 7, name.holds(":status", at: 0) { field = .status }
            self = field
            return
        }
        switch name.byteCount {
        case 5 where name.holds(":path", at: 0): field = .path
        case 7 where name.holds(":method", at: 0): field = .method
        case 7 where name.holds(":scheme", at: 0): field = .scheme
        case 9 where allowsWebSocket && name.holds(":protocol", at: 0): field = .protocolName
        case 10 where name.holds(":authority", at: 0): field = .authority
        default: break
        }
        self = field
    }
}

/// What is wrong with the name of an ordinary field that may not have it (RFC 9113 §8.2.1).
func nameFlaw(_ name: RawSpan) -> HTTP2Flaw {
    for index in 0..<name.byteCount {
        let byte = name.byte(at: index)
        if cbytes_is_token(byte) == 0 { return .invalidName }
        if UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte { return .upperCaseName }
    }
    return .invalidName
}

extension RawSpan {
    /// Which known field name it is; nil if it is none that a field of HTTP/2 may have (RFC 9113
    /// §8.2.1).
    var lowerFieldName: FieldName? {
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let start = unsafe base.assumingMemoryBound(to: UInt8.self)
            let code = unsafe cbytes_classify_lower(start, bytes.count)
            return code < CBYTES_FIELD_COUNT ? FieldName(code: code) : nil
        }
    }

    /// Whether a field may have it as its value (RFC 9113 §8.2.1): no control byte but HTAB, and
    /// no white space around it.
    var isFieldValue: Bool {
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return true }
            return unsafe cbytes_is_lean_value(
                base.assumingMemoryBound(to: UInt8.self),
                bytes.count
            ) != 0
        }
    }
}
