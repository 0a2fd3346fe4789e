import Control
import Testing

@Suite("Starting")
struct SupervisorTests {
    @Test("an error of the start says what it says")
    func startError() {
        #expect(StartError(description: "x").description == "x")
    }
}
