import HTTP

/// A request head and what must become of it.
struct RequestCase: CustomStringConvertible, Sendable {
    var name: String
    var bytes: [UInt8]
    var error: HeadError?
    /// Pieces of the head's description that must be there.
    var says: [String] = []
    var description: String { name }

    /// A head that is accepted and whose description holds each of `says`.
    init(_ name: String, _ text: String, says: String...) {
        self.name = name
        bytes = Array(text.utf8)
        self.says = says
    }

    /// A head that is refused.
    init(_ name: String, _ text: String, _ error: HeadError) {
        self.name = name
        bytes = Array(text.utf8)
        self.error = error
    }

    /// A head that is refused, as bytes.
    init(_ name: String, bytes: [UInt8], _ error: HeadError) {
        self.name = name
        self.bytes = bytes
        self.error = error
    }
}

/// A Host field.
let host = "Host: a.b\r\n"
/// The usual request line.
let line = "GET / HTTP/1.1\r\n"

/// A request with these field lines besides Host.
func get(_ fields: String) -> String { line + host + fields + "\r\n" }
/// A POST with these field lines besides Host.
func post(_ fields: String) -> String {
    "POST / HTTP/1.1\r\n" + host + fields + "\r\n"
}
/// A request of this request line.
func request(_ line: String) -> String { line + "\r\n" + host + "\r\n" }
