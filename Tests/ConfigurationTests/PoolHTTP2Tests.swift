import HTTP
import Health
import Testing

@testable import Configuration

@Suite("HTTP/2 and gRPC to servers in the file")
struct PoolHTTP2Tests {
    @Test("HTTP/2 is spoken on request only")
    func use() throws {
        for (text, use) in [
            ("slow-start: 0s", HTTP2Use.off), ("http2: false", .off), ("tls: true", .off),
            ("tls: true, http2: true", .overTLS), ("http2: cleartext", .cleartext),
        ] {
            #expect(try PoolTLSTests.pool(text).http2 == use, "\(text)")
        }
        let inherited = try PoolTLSTests.pool("tls: true", defaults: "{http2: true, tls: true}")
        #expect(inherited.http2 == .overTLS)
    }

    @Test("checks of gRPC ask for a service, or the server")
    func checks() throws {
        for (text, service) in [
            ("health: {kind: grpc}", ""), ("health: {kind: grpc, service: a.B}", "a.B"),
            ("health: grpc", ""),
        ] {
            let checks = try PoolTLSTests.pool(text).checks
            #expect(checks?.question == .grpc(service: service), "\(text)")
        }
        let own = try PoolTLSTests.pool(
            "health: /up",
            defaults: "{health: {kind: grpc, service: a}}"
        )
        #expect(own.checks?.question == .http(HTTPQuestion(path: "/up")))
        let call = try PoolTLSTests.pool("health: {kind: grpc}", defaults: "{health: /up}")
        #expect(call.checks?.question == .grpc(service: ""))
    }

    @Test("statuses of gRPC stand beside those of HTTP")
    func statuses() throws {
        let pool = try PoolTLSTests.pool(
            "ejection: {status: [503, unavailable, data-loss]}, "
                + "retries: {status: resource-exhausted}"
        )
        #expect(pool.ejection?.statuses.codes == [503])
        #expect(pool.ejection?.statuses.calls == [.unavailable, .dataLoss])
        #expect(pool.retries.statuses.calls == [.resourceExhausted])
        #expect(pool.retries.statuses.codes.isEmpty)
    }
}
