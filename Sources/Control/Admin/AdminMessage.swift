import Configuration
import HTTP

/// A request to the admin API.
struct AdminRequest {
    /// As sent.
    var method: String
    /// Without the query, its percent-encoding still on.
    var path: String
    /// Behind the question mark; empty without one.
    var query: String
    /// The host that it names, with its port.
    var host: String
    /// Names in lower case, in the order sent.
    var fields: [(name: String, value: String)]
    var body: [UInt8]

    /// The value of the first field of this name, which is in lower case.
    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Whether it asks to change nothing (RFC 9110 §9.2.1).
    var isSafe: Bool { method == "GET" || method == "HEAD" || method == "OPTIONS" }

    /// The parts of the path between slashes, decoded; `nil` if one is no text.
    var segments: [String]? {
        var segments: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            guard let text = Self.decoded(part) else { return nil }
            segments.append(text)
        }
        return segments
    }

    /// The text without its percent-encoding; `nil` if that is wrong or yields no UTF-8.
    static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit),
                let low = rest.popFirst().flatMap(hexDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// An answer of the admin API.
struct AdminResponse {
    var status = 200
    var type = "application/json"
    var body: [UInt8] = []
    var fields: [(name: String, value: String)] = []
    /// Whether events follow for as long as the client stays.
    var isEventStream = false
    /// Where the answer takes a while: begins what it waits for, which then gives the answer that
    /// is sent instead of this one.
    var later: ((@escaping (AdminResponse) -> Void) -> Void)?

    /// An answer with this text.
    init(_ status: Int = 200, type: String, _ text: String) {
        self.status = status
        self.type = type
        body = Array(text.utf8)
    }

    /// An answer that takes a while; `begin` gets what is to be called with it, once.
    static func later(_ begin: @escaping (@escaping (AdminResponse) -> Void) -> Void) -> Self {
        var response = AdminResponse(type: "application/json", "")
        response.later = begin
        return response
    }

    /// The head in front of the body.
    ///
    /// `keepsAlive`: whether the connection waits for another request.
    func head(keepsAlive: Bool) -> String {
        var lines = ["HTTP/1.1 \(status) \(AdminResponse.reason(status))", "content-type: \(type)"]
        if !isEventStream { lines.append("content-length: \(body.count)") }
        lines += ["cache-control: no-store", "x-content-type-options: nosniff"]
        lines += fields.map { "\($0.name): \($0.value)" }
        if !keepsAlive { lines.append("connection: close") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: ""
        }
    }
}

/// Why a request to the admin API is refused: a problem document (RFC 9457).
struct AdminProblem: Error, Equatable {
    var status: Int
    /// What kind of problem it is, in a few words that stay the same.
    var title: String
    /// What is wrong here, and what to do.
    var detail: String
    /// Fields that the answer bears besides.
    var fields: [String: String] = [:]

    init(_ status: Int, _ title: String, _ detail: String, fields: [String: String] = [:]) {
        self.status = status
        self.title = title
        self.detail = detail
        self.fields = fields
    }

    /// The answer that says it.
    var response: AdminResponse {
        let json = JSONValue.object([
            ("type", .text("about:blank")), ("title", .text(title)), ("status", .number(status)),
            ("detail", .text(detail)),
        ])
        var response = AdminResponse(
            status,
            type: "application/problem+json",
            json.compact + "\n"
        )
        response.fields = fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return response
    }
}
