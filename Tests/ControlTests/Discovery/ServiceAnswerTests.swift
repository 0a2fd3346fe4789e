import Testing

@testable import Control

@Suite("SRV records are read out of raw answers")
struct ServiceAnswerTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static func number(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    private static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private static func head(answers: Int) -> [UInt8] {
        [0x12, 0x34, 0x81, 0x80] + number(1) + number(answers) + number(0) + number(0)
            + name("_http._tcp.test") + number(33) + number(1)
    }

    /// A record; its owner is a pointer to the question.
    private static func record(
        type: Int = 33,
        dnsClass: Int = 1,
        ttl: Int,
        _ data: [UInt8]
    ) -> [UInt8] {
        [0xc0, 12] + number(type) + number(dnsClass) + number(ttl >> 16) + number(ttl)
            + number(data.count) + data
    }

    private static func service(
        _ priority: Int,
        _ weight: Int,
        _ port: Int,
        _ target: [UInt8]
    ) -> [UInt8] { number(priority) + number(weight) + number(port) + target }

    private static let whole =
        head(answers: 3)
        + record(ttl: 300, service(10, 60, 8080, name("A.example.test")))
        + record(type: 5, ttl: 20, name("elsewhere.test"))
        // Its target ends in a pointer to the question's `test`.
        + record(ttl: 30, service(20, 0, 9090, [1, 0x62, 0xc0, 23]))

    @Test("priority, weight, port, target and the least time to live come out")
    func reads() throws {
        let answer = try ServiceAnswer(Self.whole)
        #expect(
            answer.records == [
                ServiceRecord(priority: 10, weight: 60, port: 8080, target: "a.example.test"),
                ServiceRecord(priority: 20, weight: 0, port: 9090, target: "b.test"),
            ]
        )
        #expect(answer.ttl == 20)
    }

    @Test("a service that says it is not there, other classes, odd names and port 0 are left out")
    func leftOut() throws {
        let bytes =
            Self.head(answers: 6)
            + Self.record(ttl: 9, Self.service(0, 0, 80, [0]))
            + Self.record(dnsClass: 3, ttl: 1, Self.service(0, 0, 80, Self.name("c.test")))
            + Self.record(type: 1, ttl: 1, [127, 0, 0, 1])
            + Self.record(ttl: 9, Self.service(0, 0, 80, [3, 0x61, 0x2e, 0x62, 0]))
            + Self.record(ttl: 9, Self.service(0, 0, 80, [2, 0x0a, 0xff, 0]))
            + Self.record(ttl: 9, Self.service(0, 0, 0, Self.name("d.test")))
        let answer = try ServiceAnswer(bytes)
        #expect(answer.records == [])
        #expect(answer.ttl == 9)
    }

    @Test("a time to live with the highest bit set is 0")
    func hugeTTL() throws {
        let bytes =
            Self.head(answers: 1)
            + Self.record(ttl: 0x8000_0001, Self.service(0, 1, 80, Self.name("a.test")))
        #expect(try ServiceAnswer(bytes).ttl == 0)
    }

    @Test("what is cut anywhere is malformed, whole it is not")
    func cut() throws {
        for count in 0..<Self.whole.count {
            #expect(throws: ServiceAnswer.Malformed.self) {
                try ServiceAnswer(Array(Self.whole[..<count]))
            }
        }
        #expect(try ServiceAnswer(Self.whole + [1, 2, 3]).records.count == 2)
    }

    @Test(
        "names that do not end are malformed",
        arguments: [
            // To itself, forwards, in a circle through a label, an unknown kind of label.
            [0xc0, 51], [0xc0, 60], [1, 0x61, 0xc0, 51], [0x80, 1], [0x40, 1],
        ] as [[UInt8]]
    )
    func endless(target: [UInt8]) {
        let bytes =
            Self.head(answers: 1) + Self.record(ttl: 1, Self.service(0, 1, 80, target))
        #expect(bytes.count - target.count == 51)
        #expect(throws: ServiceAnswer.Malformed.self) { try ServiceAnswer(bytes) }
    }

    @Test("a name has 253 bytes at most")
    func longName() throws {
        let label = [UInt8(63)] + Array(repeating: 0x61, count: 63)
        func answer(_ last: Int) throws -> ServiceAnswer {
            let end = [UInt8(last)] + Array(repeating: 0x62, count: last)
            let target = label + label + label + end + [0]
            return try ServiceAnswer(
                Self.head(answers: 1) + Self.record(ttl: 1, Self.service(0, 1, 80, target))
            )
        }
        #expect(try answer(61).records.first?.target.utf8.count == 253)
        #expect(throws: ServiceAnswer.Malformed.self) { try answer(62) }
    }

    @Test("records beyond 1024 are left out")
    func many() throws {
        let one = Self.record(ttl: 1, Self.service(0, 1, 80, [0xc0, 12]))
        let bytes = Self.head(answers: 1100) + (0..<1100).flatMap { _ in one }
        #expect(try ServiceAnswer(bytes).records.count == ServiceAnswer.maxRecords)
    }

    @Test("random bytes and damaged answers neither trap nor run on", arguments: 1...8)
    func damaged(seed: Int) {
        var random = Generator(state: UInt64(seed))
        for _ in 0..<4000 {
            var bytes = Self.whole
            if Bool.random(using: &random) {
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
            } else {
                let count = Int.random(in: 0...80, using: &random)
                bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            if let answer = try? ServiceAnswer(bytes) { #expect(answer.isSound) }
        }
    }

    @Test(
        "what fuzzing starts from, and what it once failed on, holds",
        arguments: [
            "Corpus", "Failures",
        ]
    )
    func replay(folder: String) throws {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let paths = FileSystem().glob("/\(root)/Fuzz/\(folder)/dns/*")
        #expect(!paths.isEmpty || folder == "Failures")
        for path in paths {
            let bytes = try FileSystem().read(path).get()
            if let answer = try? ServiceAnswer(bytes) { #expect(answer.isSound, "\(path)") }
        }
    }
}
