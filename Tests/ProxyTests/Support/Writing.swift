import CLinux
import HTTP
import Routing

@testable import Proxy

/// What `body` writes, as bytes.
func written(capacity: Int = 65_536, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, capacity), alignment: 1)
    defer { memory.deallocate() }
    var writer = ByteWriter(memory, capacity: capacity)
    body(&writer)
    return Array(UnsafeRawBufferPointer(start: memory, count: writer.count))
}

/// What `body` writes, as text.
func text(_ body: (inout ByteWriter) -> Void) -> String {
    String(decoding: written(body), as: UTF8.self)
}

/// An address from its text; a unix socket's for `nil`.
func peer(_ address: String?) -> weir_address {
    guard let address, let parsed = IPAddress(address) else { return weir_address() }
    return weir_address(parsed, port: 4321)
}

/// Lines with CRLF at their ends and a blank one behind.
func lines(_ lines: [String]) -> String {
    lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// Limits as the configuration has them by default.
let usualLimits = HeadLimits(headSize: 16 << 10, fields: 100, targetSize: 8 << 10)

/// Parses a request head and hands it on with its bytes; `nil` if it is refused or incomplete.
func withRequest<Result>(
    _ raw: String,
    limits: HeadLimits = usualLimits,
    _ body: (RequestHead, borrowing FieldTable, UnsafeMutableRawBufferPointer) -> Result
) -> Result? {
    var bytes = Array(raw.utf8)
    var fields = FieldTable(capacity: limits.fields)
    var parser = RequestParser()
    guard
        let head = try? parser.parse(bytes.span.bytes, into: &fields, limits: limits)
    else { return nil }
    return bytes.withUnsafeMutableBytes { body(head, fields, $0) }
}

/// Parses an answer's head and hands it on with its bytes; `nil` if it is refused or incomplete.
func withAnswer<Result>(
    _ raw: String,
    _ body: (ResponseHead, borrowing FieldTable, UnsafeRawPointer) -> Result
) -> Result? {
    let bytes = Array(raw.utf8)
    var fields = FieldTable(capacity: 100)
    var parser = ResponseParser()
    guard
        let head = try? parser.parse(bytes.span.bytes, into: &fields, limits: usualLimits)
    else { return nil }
    return bytes.withUnsafeBytes { buffer in
        buffer.baseAddress.map { body(head, fields, $0) } ?? nil
    }
}
