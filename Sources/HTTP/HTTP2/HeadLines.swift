import CBytes
import CNghttp2

/// Turns the text of a head that Weir wrote for HTTP/1 into the fields of HTTP/2.
///
/// The fields point into the text and into the worker's memory: they are good until the next
/// head is read.
@safe
struct HeadLines {
    private let pool: UnsafeMutablePointer<HTTP2Pool>
    private let sensitive: SensitiveNames
    private var nameCount = 0
    /// Whether the content's type is one of gRPC's.
    private var isGRPC = false
    /// How many fields there are.
    private(set) var count = 0

    init(_ pool: UnsafeMutablePointer<HTTP2Pool>, sensitive: SensitiveNames) {
        unsafe self.pool = pool
        self.sensitive = sensitive
    }

    /// The fields.
    var fields: UnsafeMutablePointer<nghttp2_nv> { unsafe pool.pointee.fields }

    /// Reads an answer's head and returns its status; nil if it is none.
    mutating func readResponse(_ text: RawSpan, isWebSocket: Bool) -> UInt16? {
        guard text.byteCount > 14, text.holds("HTTP/1.", at: 0) else { return nil }
        var status: UInt16 = 0
        for index in 9..<12 {
            let digit = text.byte(at: index) &- Byte.zero
            if digit > 9 { return nil }
            status = status &* 10 &+ UInt16(digit)
        }
        let lineEnd = text.first(Byte.lineFeed, from: 12, to: text.byteCount)
        guard status >= 100, lineEnd < text.byteCount else { return nil }
        unsafe pool.pointee.reserveNames(text.byteCount)
        let isAccepted = isWebSocket && status == 101
        if isAccepted {
            status = 200
            addPseudoField(":status", "200")
        } else if status == 101 {
            return nil
        } else {
            addPseudoField(":status", text, ByteRange(from: 9, to: 12))
        }
        let dropped = isAccepted ? Self.withoutHandshake : Self.never
        guard readLines(text, from: lineEnd &+ 1, without: dropped) else { return nil }
        return status
    }

    /// Reads a request's head and returns its method; nil if it is none.
    mutating func readRequest(_ text: RawSpan, isSecure: Bool) -> Method? {
        let end = text.byteCount
        let methodEnd = text.tokenEnd(from: 0, to: end)
        guard methodEnd > 0, methodEnd < end, text.byte(at: methodEnd) == Byte.space else {
            return nil
        }
        let targetEnd = text.targetEnd(from: methodEnd &+ 1, to: end)
        let lineEnd = text.first(Byte.lineFeed, from: targetEnd, to: end)
        guard targetEnd > methodEnd &+ 1, lineEnd < end else { return nil }
        let method = Method(text.extracting(0..<methodEnd))
        guard
            let target = try? Target(
                text,
                ByteRange(from: methodEnd &+ 1, to: targetEnd),
                method: method
            )
        else { return nil }
        let host = findHost(text, from: lineEnd &+ 1) ?? .empty
        let authority = target.form == .absolute ? target.authority : host
        unsafe pool.pointee.reserveNames(end)
        addPseudoField(":method", text, ByteRange(from: 0, to: methodEnd))
        addPseudoField(":scheme", isSecure ? "https" : "http")
        // Where HTTP/1.0 named no host, none is made up (RFC 9113 §8.3.1).
        if !authority.isEmpty { addPseudoField(":authority", text, authority) }
        // Without its authority the target begins with the path, and has one even if empty.
        if target.path.isEmpty, !target.hasQuery {
            addPseudoField(":path", method == .options ? "*" : "/")
        } else if target.path.isEmpty {
            return nil
        } else {
            let path = ByteRange(from: target.path.start, to: targetEnd)
            addPseudoField(":path", text, path)
        }
        let dropped = Self.never | FieldName.host.bit
        guard readLines(text, from: lineEnd &+ 1, without: dropped) else { return nil }
        // What speaks gRPC ends with trailers, and asks whether its peer takes them.
        if isGRPC { addPseudoField("te", "trailers") }
        return method
    }

    /// Reads trailer lines as far as they are any.
    mutating func readTrailers(_ text: RawSpan) {
        unsafe pool.pointee.reserveNames(text.byteCount)
        _ = readLines(text, from: 0, without: Self.never | FieldName.te.bit)
    }

    private func findHost(_ text: RawSpan, from start: Int) -> ByteRange? {
        var position = start
        while let field = text.plainField(from: position, to: text.byteCount) {
            if field.id == .host { return field.value.isEmpty ? nil : field.value }
            position = Int(field.lineEnd)
        }
        return nil
    }

    /// Fields that HTTP/2 does not have (RFC 9113 §8.2.2); TE has a rule of its own.
    private static let never =
        FieldName.connection.bit | FieldName.keepAlive.bit | FieldName.proxyConnection.bit
        | FieldName.transferEncoding.bit | FieldName.upgrade.bit | FieldName.http2Settings.bit

    /// Besides those the fields of a WebSocket's handshake over HTTP/1; known by no number.
    private static let withoutHandshake = never | FieldName.other.bit

    /// Reads lines up to the blank one or the end; false at one that is no field.
    private mutating func readLines(
        _ text: RawSpan,
        from start: Int,
        without dropped: UInt64
    ) -> Bool {
        var position = start
        let end = text.byteCount
        while let field = text.plainField(from: position, to: end) {
            position = Int(field.lineEnd)
            if field.id == .other {
                if dropped & FieldName.other.bit != 0, isAccept(text, field.name) { continue }
            } else if dropped & field.id.bit != 0 {
                continue
            }
            if field.id == .te, !text.equalIgnoringCase(field.value, "trailers") { continue }
            if field.id == .contentType, text.beginsGRPC(field.value) { isGRPC = true }
            add(text, field)
        }
        return position == end || text.holdsLineEnd(at: position, to: end)
    }

    private func isAccept(_ text: RawSpan, _ name: ByteRange) -> Bool {
        text.equalIgnoringCase(name, "sec-websocket-accept")
    }

    private mutating func add(_ text: RawSpan, _ field: Field) {
        unsafe text.withUnsafeBytes { bytes in
            guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return
            }
            let lower = unsafe pool.pointee.names + nameCount
            var sum = NameSum()
            for index in 0..<Int(field.name.count) {
                let byte = unsafe cbytes_lower(base[field.name.start &+ index])
                unsafe lower[index] = byte
                sum.add(byte)
            }
            nameCount &+= Int(field.name.count)
            // Credentials are never to be guessed by their size (RFC 7541 §7.1.3).
            let isSensitive =
                field.id == .authorization || field.id == .proxyAuthorization
                || (!sensitive.isEmpty && sensitive.mayContain(sum))
            let flags = isSensitive ? NGHTTP2_NV_FLAG_NO_INDEX.rawValue : 0
            unsafe append(
                lower,
                Int(field.name.count),
                base + field.value.start,
                Int(field.value.count),
                UInt8(truncatingIfNeeded: flags)
            )
        }
    }

    private mutating func addPseudoField(
        _ name: StaticString,
        _ text: RawSpan,
        _ range: ByteRange
    ) {
        unsafe text.withUnsafeBytes { bytes in
            guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return
            }
            unsafe append(
                name.utf8Start,
                name.utf8CodeUnitCount,
                base + range.start,
                Int(range.count),
                0
            )
        }
    }

    private mutating func addPseudoField(_ name: StaticString, _ value: StaticString) {
        unsafe append(
            name.utf8Start,
            name.utf8CodeUnitCount,
            value.utf8Start,
            value.utf8CodeUnitCount,
            0
        )
    }

    private mutating func append(
        _ name: UnsafePointer<UInt8>,
        _ nameCount: Int,
        _ value: UnsafePointer<UInt8>,
        _ valueCount: Int,
        _ flags: UInt8
    ) {
        unsafe pool.pointee.reserveField(count)
        unsafe pool.pointee.fields[count] = unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name),
            value: UnsafeMutablePointer(mutating: value),
            namelen: nameCount,
            valuelen: valueCount,
            flags: flags
        )
        count &+= 1
    }
}

extension RawSpan {
    /// Whether the content type in `range` is one of gRPC's.
    public func beginsGRPC(_ range: ByteRange) -> Bool {
        let name: StaticString = "application/grpc"
        let count = name.utf8CodeUnitCount
        guard Int(range.count) >= count else { return false }
        let start = ByteRange(from: range.start, to: range.start &+ count)
        return equalIgnoringCase(start, "application/grpc")
    }
}
