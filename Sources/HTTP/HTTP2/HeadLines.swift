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
    /// What nghttp2 is told about each field.
    private let flags: UInt8
    private var nameCount = 0
    /// Whether the content's type is one of gRPC's.
    private var isGRPC = false
    /// How many fields there are.
    private(set) var count = 0

    /// Whether nghttp2 has to copy the fields is up to `isCopied`: they are sent before the text
    /// goes, or later.
    init(
        _ pool: UnsafeMutablePointer<HTTP2Pool>,
        sensitive: SensitiveNames,
        isCopied: Bool
    ) {
        unsafe self.pool = pool
        self.sensitive = sensitive
        let borrowed =
            NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        flags = isCopied ? 0 : UInt8(truncatingIfNeeded: borrowed)
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
        let end = text.byteCount
        // A line takes four bytes or more.
        unsafe pool.pointee.reserveFields(count &+ (end &- start) / 4 &+ 1, keeping: count)
        let position = unsafe text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return start }
            return unsafe readLines(
                base.assumingMemoryBound(to: UInt8.self),
                from: start,
                to: end,
                without: dropped
            )
        }
        return position == end || text.holdsLineEnd(at: position, to: end)
    }

    /// Reads lines, for which there is room; returns where those end that are plain ones.
    private mutating func readLines(
        _ bytes: UnsafePointer<UInt8>,
        from start: Int,
        to end: Int,
        without dropped: UInt64
    ) -> Int {
        var position = start
        var line = cbytes_field()
        while unsafe position < end
            && cbytes_read_field(bytes, position, end, &line) != CBYTES_LINE_ODD
        {
            position = Int(line.line_end)
            let bit: UInt64 = 1 &<< UInt64(line.name)
            let name = unsafe bytes + Int(line.name_start)
            let value = unsafe bytes + Int(line.value_start)
            if bit & (dropped | Self.telling) != 0,
                unsafe !heed(line, name, value, without: dropped)
            {
                continue
            }
            unsafe add(line, name, value)
        }
        return position
    }

    /// Fields whose values say something.
    private static let telling = FieldName.te.bit | FieldName.contentType.bit

    /// Looks at a field; whether it goes on.
    private mutating func heed(
        _ line: cbytes_field,
        _ name: UnsafePointer<UInt8>,
        _ value: UnsafePointer<UInt8>,
        without dropped: UInt64
    ) -> Bool {
        let id = FieldName(code: line.name)
        let name = unsafe RawSpan(_unsafeStart: name, byteCount: Int(line.name_count))
        if id == .other {
            let all = ByteRange(from: 0, to: name.byteCount)
            return !name.equalIgnoringCase(all, "sec-websocket-accept")
        }
        if dropped & id.bit != 0 { return false }
        let value = unsafe RawSpan(_unsafeStart: value, byteCount: Int(line.value_count))
        let all = ByteRange(from: 0, to: value.byteCount)
        if id == .te { return value.equalIgnoringCase(all, "trailers") }
        if value.beginsGRPC(all) { isGRPC = true }
        return true
    }

    private mutating func add(
        _ line: cbytes_field,
        _ name: UnsafePointer<UInt8>,
        _ value: UnsafePointer<UInt8>
    ) {
        let count = Int(line.name_count)
        var lower = unsafe name
        if unsafe cbytes_has_upper(name, count) != 0 {
            let copy = unsafe pool.pointee.names + nameCount
            for index in 0..<count { unsafe copy[index] = cbytes_lower(name[index]) }
            nameCount &+= count
            unsafe lower = UnsafePointer(copy)
        }
        let isHidden =
            unsafe Self.neverIndexed & 1 &<< UInt64(line.name) != 0
            || (!sensitive.isEmpty && isSensitive(lower, count))
        unsafe append(
            lower,
            count,
            value,
            Int(line.value_count),
            isHidden ? UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NO_INDEX.rawValue) : 0
        )
    }

    /// Fields that no compression is to remember: credentials are never to be guessed by their size
    /// (RFC 7541 §7.1.3), and what no other request has would drive out what all of them have.
    private static let neverIndexed =
        FieldName.authorization.bit | FieldName.proxyAuthorization.bit | FieldName.xRequestID.bit

    private func isSensitive(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var sum = NameSum()
        for index in 0..<count { unsafe sum.add(name[index]) }
        return sensitive.mayContain(sum)
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

    /// Adds a field, for which there is room.
    private mutating func append(
        _ name: UnsafePointer<UInt8>,
        _ nameCount: Int,
        _ value: UnsafePointer<UInt8>,
        _ valueCount: Int,
        _ own: UInt8
    ) {
        unsafe pool.pointee.fields[count] = unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name),
            value: UnsafeMutablePointer(mutating: value),
            namelen: nameCount,
            valuelen: valueCount,
            flags: flags | own
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

/// Where the head that begins at `bytes` ends, its blank line included; 0 if its end is not there.
public func headEnd(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe cbytes_find_head_end(bytes.assumingMemoryBound(to: UInt8.self), count)
}
