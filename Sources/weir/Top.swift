import ArgumentParser
import Control
import EventLoop

/// `weir top`.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a running Weir does, live, in the terminal.",
        discussion: """
            q quits, s sorts the servers by another column, arrows or j and k scroll. Where \
            standard output is no terminal one frame is printed as text.
            """
    )

    @OptionGroup var target: AdminTarget

    @Flag(help: "Print one frame as text and end.")
    var once = false

    func run() throws {
        let client = try target.client()
        let ending: TopSession.Ending
        do throws(SystemError) {
            var session = try TopSession(client)
            ending = session.run(once: once)
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
        switch ending {
        case .done: return
        case .text(let text): Output.text(text)
        case .nobody(let words):
            Output.error("weir: \(words)")
            throw AdminTarget.nobody
        case .refused(let words):
            Output.error("weir: \(words)")
            throw ExitCode(1)
        }
    }
}
