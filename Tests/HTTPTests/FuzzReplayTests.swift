import Foundation
import Testing

/// Inputs that the fuzzers of Fuzz/ once failed on, and those that they start from.
@Suite struct FuzzReplayTests {
    private func inputs(_ folder: String, _ parser: ParserUnderTest) throws -> [(String, [UInt8])] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let place = root.appending(path: "Fuzz/\(folder)/\(parser.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: place.path)
            .filter { $0 != ".gitkeep" }.sorted()
            .map { ($0, Array(try Data(contentsOf: place.appending(path: $0)))) }
    }

    @Test("what a fuzzer found once holds now", arguments: ParserUnderTest.allCases)
    func failures(_ parser: ParserUnderTest) throws {
        for (name, bytes) in try inputs("Failures", parser) { check(parser, name, bytes) }
    }

    @Test(
        "what fuzzing starts from holds, each byte of it changed",
        arguments: ParserUnderTest.allCases
    )
    func corpus(_ parser: ParserUnderTest) throws {
        let seeds = try inputs("Corpus", parser)
        #expect(!seeds.isEmpty)
        for (name, bytes) in seeds {
            check(parser, name, bytes)
            for place in bytes.indices {
                for byte: UInt8 in [0x00, 0x0a, 0x0d, 0x20, 0x30, 0x3a, 0x80] {
                    var changed = bytes
                    changed[place] = byte
                    check(parser, "\(name) with \(byte) at \(place)", changed)
                }
            }
        }
    }

    private func check(_ parser: ParserUnderTest, _ name: String, _ bytes: [UInt8]) {
        var random = TestRandom(seed: UInt64(bytes.count))
        if let violation = parser.violation(on: bytes, cutting: &random) {
            Issue.record("\(name): \(violation)")
        }
    }
}
