import Testing

@testable import Configuration

@Suite("Bounds")
struct BoundsTests {
    /// Whether the key takes the text.
    static func takes(_ key: Key, _ text: String) -> Bool {
        let reporter = Reporter()
        let place = Place(file: 0, line: 1, column: 1, length: 1)
        let node = Node(content: .scalar(ScalarText(text)), place: place)
        let value = Validator(reporter: reporter).value(of: node, for: key)
        #expect((value == nil) == reporter.hasErrors)
        #expect(reporter.hasErrors == reporter.has(.range))
        return value != nil
    }

    @Test("every number is taken at its bounds and refused one past them")
    func ranges() {
        var count = 0
        for set in ReferenceTests.sets {
            for key in set.keys {
                let texts: (least: String, most: String, past: String, before: String?)
                switch key.type {
                case .count(let range):
                    texts = (
                        "\(range.lowerBound)", "\(range.upperBound)", "\(range.upperBound + 1)",
                        "\(range.lowerBound - 1)"
                    )
                case .size(let range):
                    let before = range.lowerBound > 0 ? "\(range.lowerBound - 1)B" : nil
                    texts = (
                        "\(range.lowerBound)B", "\(range.upperBound)B",
                        "\(range.upperBound + 1)B", before
                    )
                case .duration(let range):
                    let least = range.lowerBound
                    let longest = Int(range.upperBound.components.seconds)
                    texts = (
                        Quantity.text(duration: least), "\(longest)s", "\(longest * 1000 + 1)ms",
                        least > .zero
                            ? Quantity.text(duration: least - .microseconds(1)) : nil
                    )
                case .factor(let range):
                    texts = (
                        Quantity.text(factor: range.lowerBound),
                        Quantity.text(factor: range.upperBound),
                        Quantity.text(factor: range.upperBound + 0.000001),
                        range.lowerBound > 0
                            ? Quantity.text(factor: range.lowerBound - 0.000001) : nil
                    )
                default:
                    continue
                }
                count += 1
                let name = "\(set.title) \(key.name)"
                #expect(Self.takes(key, texts.least), "\(name)")
                #expect(Self.takes(key, texts.most), "\(name)")
                #expect(!Self.takes(key, texts.past), "\(name)")
                if let before = texts.before { #expect(!Self.takes(key, before), "\(name)") }
            }
        }
        #expect(count > 25)
    }

    @Test("names, paths of sockets and included files have a bound")
    func texts() {
        func loads(_ text: String, _ files: [String: String] = [:]) -> Bool {
            load(text, files: files).config != nil
        }
        for (length, isTaken) in [(1, true), (128, true), (129, false), (0, false)] {
            let name = String(repeating: "n", count: length)
            let server = "{address: 10.0.0.1:80, name: \"\(name)\"}"
            #expect(loads("listen: \":1\"\nservers: [\(server)]\n") == isTaken, "\(length)")
        }
        for (length, isTaken) in [(107, true), (108, false)] {
            let path = "/" + String(repeating: "p", count: length - 1)
            #expect(loads("listen: unix:\(path)\nservers: [10.0.0.1:80]\n") == isTaken)
        }
        for (size, isTaken) in [(4 << 20, true), ((4 << 20) + 1, false)] {
            let file = String(repeating: "x", count: size)
            let text = "listen: \":1\"\nroutes: [{respond: {file: a.txt}}]\n"
            #expect(loads(text, ["a.txt": file]) == isTaken)
        }
        for (size, isTaken) in [(64 << 10, true), ((64 << 10) + 1, false)] {
            let file = String(repeating: "x", count: size)
            let text = "listen: \":1\"\nroutes: [{respond: {body: \"${file:a.txt}\"}}]\n"
            #expect(loads(text, ["a.txt": file]) == isTaken)
        }
    }

    @Test("eight files may include one another, the ninth is refused")
    func includeDepth() {
        for (included, isTaken) in [(7, true), (8, false)] {
            var files: [String: String] = [:]
            for depth in 1..<included { files["\(depth).yaml"] = "include: \(depth + 1).yaml\n" }
            files["\(included).yaml"] = "servers: [10.0.0.1:80]\n"
            let result = load("listen: \":1\"\ninclude: 1.yaml\n", files: files)
            #expect((result.config != nil) == isTaken, "\(render(result.diagnostics))")
        }
    }

    @Test("a hopeless file is told its first two hundred mistakes")
    func diagnostics() {
        let text = (0..<300).map { "k\($0): 1\n" }.joined()
        #expect(load(text).diagnostics.count == 200)
        #expect(load(text).config == nil)
    }
}
