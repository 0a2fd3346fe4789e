import Configuration
import Testing

@testable import Control

@Suite("What a reload answers")
struct ReloadResultTests {
    @Test("a file that not every worker serves by yet is taken, and says so")
    func missingWorkers() throws {
        let words = Supervisor.postponed(Config(), Config(), missing: 2)
        let difference = ConfigDifference(from: Config(), to: Config())
        let result = ReloadResult.done(difference, warnings: [], postponed: words)
        #expect(result.response.status == 200)
        let body = String(decoding: result.response.body, as: UTF8.self)
        let shown = try #require(ReloadText.render(body))
        #expect(shown.isGood)
        #expect(shown.text.hasPrefix("! 2 workers hang"))
        #expect(Supervisor.postponed(Config(), Config(), missing: 0).isEmpty)
    }
}
