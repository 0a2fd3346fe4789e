import Configuration
import Proxy

/// Requests to collectors (OTLP 1.x, `ExportTraceServiceRequest` in JSON).
enum OTLP {
    /// The body that has the spans of these batches.
    static func body(_ batches: [SpanBatch], service: String) -> [UInt8] {
        let name = JSONValue.text(service).compact
        let head =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":"#
            + #"{"stringValue":\#(name)}}]},"scopeSpans":[{"scope":{"name":"weir"},"spans":["#
        var body = Array(head.utf8)
        body.reserveCapacity(batches.reduce(body.count + 16) { $0 + $1.count + 1 })
        for (index, batch) in batches.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += UnsafeRawBufferPointer(start: batch.memory, count: batch.count)
        }
        body += Array("]}]}]}".utf8)
        return body
    }
}
