import Foundation
import Testing

/// The rules of the code that a program can hold.
@Suite("Code is tidy")
struct CodeRules {
    private static let sources = SourceTree.files(under: "Sources", endings: ["swift"])
    private static let shims = SourceTree.files(under: "Sources", endings: ["c", "h"])
    private static let tests = SourceTree.files(under: "Tests", endings: ["swift", "py"])
    private static let measurements = SourceTree.files(under: "perf", endings: ["swift"])

    private var sources: [SourceFile] { Self.sources }
    private var shims: [SourceFile] { Self.shims }
    private var tests: [SourceFile] { Self.tests }
    private var measurements: [SourceFile] { Self.measurements }

    @Test("the tree is where this test looks for it")
    func tree() {
        #expect(sources.count > 20 && shims.count > 2 && tests.count > 10)
        #expect(tests.contains { $0.path.hasSuffix(".py") })
        #expect(tests.contains { $0.path == "Tests/TidyTests/CodeRules.swift" })
    }

    @Test("files have 400 lines at most")
    func fileLength() {
        let slips = (sources + tests + measurements).filter { $0.lines.count > 400 }.map {
            Slip(path: $0.path, line: 401, what: "\($0.lines.count) lines")
        }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("functions have 60 lines at most")
    func functionLength() {
        let slips = (sources + tests + measurements).flatMap { longFunctions($0, limit: 60) }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("Swift lines have 100 columns at most")
    func lineLength() throws {
        let manifest = try #require(SourceTree.file("Package.swift"))
        let files = sources + measurements + tests.filter { $0.path.hasSuffix(".swift") }
        let slips = (files + [manifest]).flatMap { longLines($0, limit: 100) }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("no method borrows the worker, which the compiler would copy")
    func workersAreNotCopied() {
        var methods = 0
        var slips: [Slip] = []
        for file in sources where file.path.hasPrefix("Sources/Proxy/") {
            var isWorker = false
            for (index, line) in file.code.enumerated() {
                if !line.hasPrefix(" ") && !line.hasPrefix("}") && !line.isEmpty {
                    isWorker =
                        line.hasPrefix("extension Worker ") || line.contains("struct Worker:")
                }
                let words = line.split(separator: " ").prefix(3)
                guard isWorker, line.hasPrefix("    "), !line.hasPrefix("     "),
                    words.contains("func")
                else { continue }
                methods += 1
                if words.contains("mutating") || words.contains("static") { continue }
                slips.append(Slip(path: file.path, line: index + 1, what: "not mutating"))
            }
        }
        #expect(methods > 300)
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("no notes to come back to are left")
    func words() {
        let notes = ["TODO", "FIXME", "XXX", "HACK"]
        let slips = (sources + shims + tests + measurements)
            .filter { !$0.path.hasPrefix("Tests/TidyTests/") }
            .flatMap { occurrences(of: notes, in: $0.lines, path: $0.path) }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("no source traps by design")
    func traps() {
        let calls = ["try!", "as!", "fatalError(", "preconditionFailure("]
        let slips = sources.flatMap { occurrences(of: calls, in: $0.code, path: $0.path) }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("pure targets import pure targets and nothing else")
    func pureImports() throws {
        let pure = try pureTargets()
        let allowed = Set(pure).union(["CBytes", "CNghttp2", "CYaml", "Synchronization"])
        var slips: [Slip] = []
        for file in sources where isIn(file, pure) {
            for (module, line) in imports(of: file) where !allowed.contains(module) {
                slips.append(Slip(path: file.path, line: line, what: "imports \(module)"))
            }
        }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("pure targets read no clock, environment or global randomness")
    func pureInputs() throws {
        let pure = try pureTargets()
        let inputs = [
            "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "CommandLine",
            "randomElement()", "shuffled()", "shuffle()",
        ]
        let files = sources.filter { isIn($0, pure) }
        var slips = files.flatMap { occurrences(of: inputs, in: $0.code, path: $0.path) }
        // `.random(in: range, using: &generator)` is pure, without the generator it is not.
        for file in files {
            for (number, line) in file.code.enumerated()
            where line.contains(".random(in:") && !line.contains("using:") {
                slips.append(Slip(path: file.path, line: number + 1, what: ".random(in:"))
            }
        }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    @Test("pure C has no header of the kernel")
    func pureShims() {
        let headers = ["<sys/", "<time.h>", "<unistd.h>", "<fcntl.h>", "<pthread.h>", "<poll.h>"]
        let slips = shims.filter { !$0.path.hasPrefix("Sources/CLinux/") }
            .flatMap { occurrences(of: headers, in: $0.code, path: $0.path) }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    /// Files that may import the C library or Foundation, each with its reason.
    private static let libraryUsers: [String: String] = [:]

    @Test("the C library and Foundation are imported by name only where a reason is given")
    func libraries() {
        let libraries: Set = [
            "Glibc", "Musl", "Foundation", "FoundationEssentials", "Dispatch", "SwiftGlibc",
        ]
        let users = sources.filter { file in
            imports(of: file).contains { libraries.contains($0.module) }
        }
        let paths = Set(users.map(\.path))
        #expect(paths.subtracting(Self.libraryUsers.keys).isEmpty)
        #expect(Set(Self.libraryUsers.keys).subtracting(paths).isEmpty, "no longer needed")
    }

    /// Functions of the C library that touch sockets or clocks, or wait.
    private static let kernelCalls: Set<String> = [
        "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect", "send", "sendto",
        "sendmsg", "recv", "recvfrom", "recvmsg", "shutdown", "setsockopt", "getsockopt",
        "getsockname", "getpeername", "getaddrinfo", "epoll_create1", "epoll_ctl", "epoll_wait",
        "poll", "select", "splice", "pipe2", "eventfd", "signalfd", "timerfd_create",
        "timerfd_settime", "clock_gettime", "gettimeofday", "time", "nanosleep", "usleep", "sleep",
        "localtime_r", "gmtime_r", "strftime",
    ]

    @Test("only CLinux calls the C library's socket and time functions")
    func door() {
        // A name that Weir's own code gives a function is that function when it is called.
        let calls = sources.map { (path: $0.path, calls: freeCalls($0)) }
        let own = Set(calls.flatMap { $0.calls.filter(\.isDeclaration).map(\.name) })
        let slips = calls.flatMap { file in
            file.calls.filter { Self.kernelCalls.contains($0.name) && !own.contains($0.name) }
                .map { Slip(path: file.path, line: $0.line, what: $0.name) }
        }
        #expect(slips.isEmpty, "\(slips.report)")
    }

    private func pureTargets() throws -> [String] {
        let manifest = try #require(SourceTree.file("Package.swift"))
        let pure = TidyTests.pureTargets(manifest: manifest.text)
        #expect(Set(pure).isSuperset(of: ["HTTP", "Balancing", "Routing", "Configuration"]))
        return pure
    }

    private func isIn(_ file: SourceFile, _ targets: [String]) -> Bool {
        targets.contains { file.path.hasPrefix("Sources/\($0)/") }
    }
}
