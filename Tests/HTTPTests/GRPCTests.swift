import HTTP
import Testing

@Suite("What heads and trailers say of calls of gRPC")
struct GRPCTests {
    private func span<Value>(_ text: String, _ body: (RawSpan) -> Value) -> Value {
        Array(text.utf8).withUnsafeBytes { body(RawSpan(_unsafeBytes: $0)) }
    }

    @Test("trailers name a status")
    func trailers() {
        let cases: [(String, GRPCStatus?)] = [
            ("", nil), ("x-a: b\r\n", nil), ("grpc-status: 0\r\n", .ok),
            ("x-a: b\r\nGrpc-Status: 14\r\ngrpc-message: no\r\n", .unavailable),
            ("grpc-status: 16\r\n", .unauthenticated), ("grpc-status: 17\r\n", .unknown),
            ("grpc-status: 999\r\n", .unknown), ("grpc-status: 1000\r\n", nil),
            ("grpc-status: -1\r\n", nil), ("grpc-status: \r\n", nil),
            ("grpc-status: 1x\r\n", nil),
        ]
        for (text, status) in cases {
            #expect(span(text) { GRPCStatus(lines: $0) } == status, "\(text)")
            let head = "HTTP/1.1 200 \r\n" + text + "\r\n"
            #expect(span(head) { GRPCStatus(head: $0) } == status, "\(text)")
        }
    }

    @Test("numbers and names are those of gRPC")
    func names() {
        let names = GRPCStatus.allCases.map { "\($0.name)" }
        #expect(Set(names).count == 17)
        #expect(GRPCStatus.unavailable.rawValue == 14 && GRPCStatus.unauthenticated.rawValue == 16)
        #expect(GRPCStatus.deadlineExceeded.rawValue == 4)
        #expect(GRPCStatus.failures.count == 16)
    }

    @Test("a call is known by its content's type")
    func types() {
        for (type, isCall) in [
            ("application/grpc", true), ("application/grpc+proto", true),
            ("Application/GRPC; a=b", true), ("application/json", false),
            ("application/grp", false),
        ] {
            let head = "POST /a.B/C HTTP/1.1\r\nhost: h\r\ncontent-type: \(type)\r\n\r\n"
            #expect((span(head) { GRPCCall(head: $0) } != nil) == isCall, "\(type)")
        }
        #expect(span("POST / HTTP/1.1\r\nhost: h\r\n\r\n") { GRPCCall(head: $0) == nil })
    }

    @Test("grpc-timeout is a number of up to eight digits and a unit")
    func timeouts() {
        let cases: [(String, Int64?)] = [
            ("1S", 1_000_000_000), ("250m", 250_000_000), ("3u", 3_000), ("7n", 7),
            ("2M", 120_000_000_000), ("1H", 3_600_000_000_000), ("0m", 0),
            ("99999999n", 99_999_999), ("99999999H", nil), ("100000000n", nil), ("5", nil),
            ("S", nil), ("1 S", nil), ("-1S", nil), ("1s", nil), ("", nil),
        ]
        for (text, wanted) in cases {
            for order in [true, false] {
                let lines = ["content-type: application/grpc", "grpc-timeout: \(text)"]
                let fields = (order ? lines : lines.reversed()).joined(separator: "\r\n")
                let head = "POST /a.B/C HTTP/1.1\r\n\(fields)\r\n\r\n"
                let call = span(head) { GRPCCall(head: $0) }
                #expect(call != nil && call?.timeout == wanted, "\(text)")
            }
        }
    }
}
