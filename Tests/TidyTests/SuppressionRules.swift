import Testing

/// What the sanitizers are told to pass over.
@Suite("Suppressions are tidy")
struct SuppressionRules {
    /// Frames that are the Swift runtime's, or that the compiler makes for it: `_WZ` ends the name
    /// of the function by which the runtime makes a global, once.
    private static func isOfRuntime(_ frame: Substring) -> Bool {
        frame == "_WZ" || frame.hasPrefix("swift_") || frame.hasPrefix("libswift")
    }

    @Test("leaks are passed over in frames of the Swift runtime only, each with a reason")
    func leaks() throws {
        let file = try #require(SourceTree.file("Tests/Support/leaks.supp"))
        var reason = 0
        var rules = 0
        for (number, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("#") {
                reason += line.drop { $0 == "#" || $0 == " " }.count
                continue
            }
            if line.isEmpty {
                // A reason stands right above what it is for.
                reason = 0
                continue
            }
            let place = "Tests/Support/leaks.supp:\(number + 1)"
            #expect(line.hasPrefix("leak:"), "\(place) is no rule about leaks")
            #expect(Self.isOfRuntime(line.dropFirst("leak:".count)), "\(place) is Weir's own")
            #expect(reason > 60, "\(place) has no reason above it")
            rules += 1
            reason = 0
        }
        #expect(rules > 0, "the file of suppressions is empty: remove it")
    }
}
