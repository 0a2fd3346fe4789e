import Testing

@testable import Control

@Suite("What is made of files, and made again when they change")
struct ChangeWatchTests {
    private struct Look {
        var watch = ChangeWatch()
        var made = 0
        var fails: String?

        /// Looks at files with these stamps; the words of what is told.
        mutating func look(_ path: String) -> String? {
            let count = made + 1
            let fails = fails
            let stamps = ["file": FileStamp(of: path)]
            let news = watch.look(stamps) { () throws(StartError) -> Int in
                if let fails { throw StartError(description: fails) }
                return count
            }
            switch news {
            case .changed(let number):
                made = number
                return "changed"
            case .bad(let reason): return reason
            case nil: return nil
            }
        }
    }

    /// Two files of which one is as good as another, but not the same.
    private let one = "/proc/self/exe"
    private let other = "/etc"

    @Test("nothing is made as long as nothing changes, and then once")
    func changes() {
        var look = Look()
        look.watch.begin(["file": FileStamp(of: one)])
        #expect(look.look(one) == nil)
        #expect(look.look(other) == "changed")
        #expect(look.look(other) == nil)
        #expect(look.look("/nowhere/at/all") == "changed")
        #expect(look.made == 2)
    }

    @Test("what does not fit at first is tried again, and told at the second look, once")
    func patience() {
        var look = Look()
        look.watch.begin(["file": FileStamp(of: one)])
        look.fails = "the key does not fit"
        #expect(look.look(other) == nil)
        #expect(look.look(other) == "the key does not fit")
        #expect(look.look(other) == nil)
        look.fails = "no key"
        #expect(look.look(other) == "no key")
        look.fails = nil
        #expect(look.look(other) == "changed")
        #expect(look.look(other) == nil)
    }

    @Test("files that are in the middle of being replaced are no news")
    func replacing() {
        var look = Look()
        look.watch.begin(["file": FileStamp(of: one)])
        look.fails = "the key does not fit"
        #expect(look.look(other) == nil)
        look.fails = nil
        #expect(look.look(other) == "changed")
    }
}
