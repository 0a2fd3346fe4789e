import CBytes
import CLinux
import Configuration
import HTTP
import Routing
import TLS

/// What the variables of a template stand for in one request.
struct TemplateValues {
    let request: ReceivedRequest
    /// The client's address as text.
    let clientAddress: String
    let routeName: String
    /// Whether the client's connection is encrypted.
    var isSecure = false
    /// Whether a URL is made, in which the target of `OPTIONS *` is the root: behind a host, the
    /// asterisk would be a part of its name.
    var isForURL = false
    /// Values of the fields that the templates name, by lower-case name, and of the cookies,
    /// behind `cookie.`.
    let headers: [String: String]
    /// The client's certificate, where the templates name it.
    var certificate: PeerCertificate?

    /// The variable's value without control bytes.
    func value(of variable: Template.Variable) -> String {
        let head = request.head
        switch variable {
        case .clientAddress: return clientAddress
        case .requestID: return hexadecimal(request.id.high) + hexadecimal(request.id.low)
        case .method: return text(head.methodName)
        case .scheme: return isSecure ? "https" : "http"
        case .host: return text(head.authority)
        case .path: return path
        case .query: return text(head.query)
        case .uri: return head.hasQuery ? path + "?" + text(head.query) : path
        case .route: return routeName
        case .pool, .server: return ""
        case .tlsSubject: return certificate?.templateSubject ?? ""
        case .tlsNames: return certificate?.templateNames ?? ""
        case .tlsFingerprint: return certificate?.fingerprint ?? ""
        case .header(let name): return headers[name] ?? ""
        case .cookie(let name): return headers["cookie." + name] ?? ""
        }
    }

    /// The template with its variables filled in.
    func render(_ template: Template) -> String {
        template.segments.reduce(into: "") { text, segment in
            switch segment {
            case .literal(let literal): text += literal
            case .variable(let variable): text += value(of: variable)
            }
        }
    }

    private var path: String {
        let path = request.head.path.isEmpty ? "/" : text(request.head.path)
        return isForURL && path == "*" ? "/" : path
    }

    private func hexadecimal(_ value: UInt64) -> String {
        withUnsafeBytes(of: cbytes_hex_digits(value)) { String(decoding: $0, as: UTF8.self) }
    }

    private func text(_ range: ByteRange) -> String {
        Self.text(request.bytes, range)
    }

    /// Bytes as text, without control bytes.
    static func text(_ bytes: UnsafeRawPointer, _ range: ByteRange) -> String {
        let raw = UnsafeRawBufferPointer(start: bytes + range.start, count: Int(range.count))
        return String(decoding: raw.filter { $0 >= 0x20 && $0 != 0x7f }, as: UTF8.self)
    }
}

/// The answer that a route makes without a server.
struct RouteAnswer {
    var status: Int
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// Whether the status allows a body and so a Content-Length.
    var hasLength: Bool { status != 204 && status != 304 }

    /// A text of Weir's own.
    init(_ status: Int, text: String) {
        self.status = status
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"),
        ]
        body = Array(text.utf8)
    }

    /// Says which methods there are, where nobody else is asked.
    init(allowing methods: String) {
        status = 204
        headers = [("Allow", methods)]
    }

    /// Sends the client to the same host and target by https.
    init(toHTTPS values: TemplateValues, port: UInt16) {
        var values = values
        values.isForURL = true
        var host = values.value(of: .host)
        if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            host.removeSubrange(colon...)
        }
        if port != 443 { host += ":\(port)" }
        status = 308
        headers = [("Location", "https://" + host + values.value(of: .uri))]
    }

    init(_ action: RouteAction, _ values: TemplateValues) {
        switch action {
        case .pool: status = 500
        case .redirect(let to, let status, let keepsPathAndQuery):
            self.status = status
            var values = values
            values.isForURL = true
            var location = values.render(to)
            if keepsPathAndQuery { location += values.value(of: .uri) }
            headers = [("Location", location)]
        case .respond(let fixed):
            status = fixed.status
            switch fixed.body {
            case .template(let template):
                body = Array(values.render(template).utf8)
                headers = [("Content-Type", "text/plain; charset=utf-8")]
            case .bytes(let bytes, let contentType):
                body = bytes
                headers = [("Content-Type", contentType)]
            }
            if body.isEmpty { headers = [] }
            for header in fixed.headers {
                let name = header.name.lowercased()
                headers.removeAll { $0.0.lowercased() == name }
            }
            headers += fixed.headers.map { ($0.name, values.render($0.value)) }
        }
    }
}

extension RouteAction {
    /// Every template of an answer that Weir makes itself.
    var templates: [Template] {
        switch self {
        case .pool: return []
        case .redirect(let to, _, _): return [to]
        case .respond(let fixed):
            var templates = fixed.headers.map(\.value)
            if case .template(let template) = fixed.body { templates.append(template) }
            return templates
        }
    }
}

extension Worker {
    /// The values of the request's fields that the route's templates name.
    mutating func headerValues(_ action: RouteAction, _ request: ReceivedRequest) -> [String:
        String]
    {
        var values: [String: String] = [:]
        for template in action.templates {
            for case .variable(.header(let name)) in template.segments where values[name] == nil {
                values[name] = headerValue(name, request)
            }
            for case .variable(.cookie(let name)) in template.segments {
                values["cookie." + name] = cookie(name, request)
            }
        }
        return values
    }

    private mutating func cookie(_ name: String, _ request: ReceivedRequest) -> String? {
        let bytes = RawSpan(_unsafeStart: request.bytes, byteCount: request.head.headSize)
        for index in 0..<fields.count where fields[index].id == .cookie {
            let found = name.utf8.withContiguousStorageIfAvailable { name in
                cookieValue(RawSpan(_unsafeElements: name), in: bytes, range: fields[index].value)
            }
            if let found = found ?? nil { return TemplateValues.text(request.bytes, found) }
        }
        return nil
    }

    private mutating func headerValue(_ name: String, _ request: ReceivedRequest) -> String? {
        for index in 0..<fields.count {
            let field = fields[index]
            guard Int(field.name.count) == name.utf8.count else { continue }
            if TemplateValues.text(request.bytes, field.name).lowercased() == name {
                return TemplateValues.text(request.bytes, field.value)
            }
        }
        return nil
    }

    /// The client: the peer, or behind trusted proxies the first address of X-Forwarded-For, from
    /// the right, that is no trusted proxy.
    mutating func client(of slot: Int32, _ request: ReceivedRequest) -> weir_address {
        let downstream = down[slot]
        guard downstream.pointee.flags.contains(.trustedPeer),
            let forwarded = forwardedClient(request.bytes)
        else { return downstream.pointee.peer }
        return weir_address(forwarded, port: 0)
    }

    /// The request's client as text.
    mutating func clientAddress(of slot: Int32, _ request: ReceivedRequest) -> String {
        addressText(client(of: slot, request))
    }

    /// A client's address as text, `unix` for one that has none.
    mutating func addressText(_ client: weir_address) -> String {
        client.isInternet ? IPAddress(client).description : "unix"
    }

    /// Walks X-Forwarded-For from the right past trusted proxies.
    mutating func forwardedClient(_ bytes: UnsafeRawPointer) -> IPAddress? {
        var last: IPAddress?
        for index in (0..<fields.count).reversed()
        where fields[index].id == .xForwardedFor && !fields[index].isHopByHop {
            let range = fields[index].value
            var end = range.end
            while end > range.start {
                var start = end
                while start > range.start,
                    bytes.load(fromByteOffset: start &- 1, as: UInt8.self) != 0x2c
                {
                    start &-= 1
                }
                let element = trimmed(bytes, start, end)
                end = start &- 1
                // Empty elements of a list do not count (RFC 9110 §5.6.1.2).
                if element.isEmpty { continue }
                let span = RawSpan(
                    _unsafeStart: bytes + element.start,
                    byteCount: Int(element.count)
                )
                // Beyond an element that is no address nothing can be believed.
                guard let address = IPAddress(parsingNode: span) else { return last }
                last = address
                if !snapshot.config.trustedProxies.contains(where: { $0.contains(address) }) {
                    return address
                }
            }
        }
        return last
    }

    private mutating func trimmed(_ bytes: UnsafeRawPointer, _ from: Int, _ to: Int) -> ByteRange {
        var start = from
        var end = to
        while start < end, isBlank(bytes, start) { start &+= 1 }
        while end > start, isBlank(bytes, end &- 1) { end &-= 1 }
        return ByteRange(from: start, to: end)
    }

    private mutating func isBlank(_ bytes: UnsafeRawPointer, _ offset: Int) -> Bool {
        let byte = bytes.load(fromByteOffset: offset, as: UInt8.self)
        return byte == 0x20 || byte == 0x09
    }
}
