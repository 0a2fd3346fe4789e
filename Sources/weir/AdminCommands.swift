import ArgumentParser
import CLinux
import Configuration
import Control

/// How a command finds the process that it speaks to.
struct AdminTarget: ParsableArguments {
    /// Exit code where no process answers.
    static let nobody = ExitCode(3)

    @Argument(
        help: "The file that the process runs by; default $WEIR_FILE, then /etc/weir/weir.yaml."
    )
    var file: String?

    @Option(
        help: """
            The admin address, instead of the file's: 127.0.0.1:9900, unix:/path or \
            https://HOST:PORT.
            """
    )
    var admin: String?

    @Option(help: "A file with the token that the admin API asks for, beside --admin.")
    var tokenFile: String?

    @Option(
        help: """
            A file with the authorities that sign the admin API's certificate, beside --admin; \
            default the system's.
            """
    )
    var authority: String?

    func validate() throws {
        guard authority != nil else { return }
        guard let admin, origin?.isSecure == true || admin.hasPrefix("unix:") else {
            throw ValidationError("--authority is for --admin https://HOST:PORT or unix:/path")
        }
    }

    /// The origin that `--admin` is, if it is one.
    private var origin: WebOrigin? {
        admin.flatMap { WebOrigin($0.hasSuffix("/") ? String($0.dropLast()) : $0) }
    }

    private var path: String {
        file ?? FileSystem.environment("WEIR_FILE") ?? "/etc/weir/weir.yaml"
    }

    /// What the file says, where the command line names neither the admin API nor the process.
    func readFile(beside process: ProcessTarget) -> LoadResult? {
        admin == nil && process.pid == nil ? loadFile(path, requiresFiles: false) : nil
    }

    /// Whether nothing names an admin API: neither the command line nor a file that can be read.
    func namesNobody(_ read: LoadResult?) -> Bool {
        guard let read else { return false }
        return read.admin == nil && (read.config != nil || file == nil)
    }

    /// Whether the file is there and cannot be read, or is wrong.
    func isBad(_ read: LoadResult?) -> Bool {
        read != nil && read?.config == nil && weir_file_kind(path) != -ENOENT
    }

    /// A client of the admin API; `read` is what ``readFile(beside:)`` gave, if it was asked.
    func client(_ read: LoadResult? = nil) throws -> AdminClient {
        do throws(AdminClient.NoAnswer) {
            if let origin {
                return try AdminClient(origin, tokenFile: tokenFile, authority: authority)
            }
            return try AdminClient(try config(read), authority: authority)
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }

    /// Where it listens: by `--admin`, or by the file.
    private func config(_ read: LoadResult?) throws(AdminClient.NoAnswer) -> AdminConfig {
        if let admin {
            var text = "listen: \":1\"\nroutes: [{respond: 404}]\nadmin: {address: \"\(admin)\""
            if let tokenFile { text += ", token-file: \"\(tokenFile)\"" }
            let result = load(
                path: "--admin",
                files: CommandLineFiles(text: text + "}\n"),
                environment: { _ in nil },
                options: options
            )
            if let config = result.config?.admin { return config }
            throw AdminClient.NoAnswer(description: "\"\(admin)\" is no admin address")
        }
        let result = read ?? loadFile(path, requiresFiles: false)
        // The process serves by the file as it was: mistakes elsewhere do not hide it.
        if let admin = result.admin { return admin }
        guard result.config != nil else {
            throw AdminClient.NoAnswer(
                description: "\(path) cannot be read:\n" + render(result.diagnostics)
            )
        }
        throw AdminClient.NoAnswer(
            description: "\(path) has no admin section: add \"admin: 127.0.0.1:9900\", and send "
                + "SIGHUP to have it read"
        )
    }

    private var options: LoadOptions {
        var options = LoadOptions()
        options.workingDirectory = FileSystem.workingFolder
        options.requiresFiles = false
        return options
    }

    /// Asks, and ends the command where nobody answers.
    ///
    /// `read`: what ``readFile(beside:)`` gave, if it was asked.
    func answer(
        _ method: String,
        _ target: String,
        _ read: LoadResult? = nil
    ) throws -> AdminClient.Answer {
        let client = try client(read)
        do throws(AdminClient.NoAnswer) {
            return try client.ask(method, target)
        } catch {
            Output.error("weir: \(error)")
            throw error.isLate ? ExitCode(1) : Self.nobody
        }
    }

    /// As ``answer(_:_:_:)``, and ends the command where what is asked for is refused, too.
    func ask(_ method: String, _ target: String, _ read: LoadResult? = nil) throws -> String {
        let answer = try answer(method, target, read)
        guard (200..<300).contains(answer.status) else {
            Output.error("weir: refused with \(answer.status): \(answer.body)")
            throw ExitCode(1)
        }
        return answer.body
    }
}

/// A file system in which the command line's own words are the file.
private struct CommandLineFiles: FileAccess {
    let text: String

    func read(_ path: String) -> Result<[UInt8], FileProblem> {
        path == "--admin" ? .success(Array(text.utf8)) : FileSystem().read(path)
    }

    func glob(_ pattern: String) -> [String] { [] }
}

/// `weir status`.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how a running Weir and its servers are, on one screen."
    )

    @OptionGroup var target: AdminTarget

    @Flag(help: "Print what GET /stats answers.")
    var json = false

    func run() throws {
        let stats = try target.ask("GET", "/stats")
        if json {
            Output.text(stats)
        } else if let screen = StatusText.render(stats) {
            Output.text(screen)
        } else {
            Output.error("weir: what answers is no Weir")
            throw ExitCode(1)
        }
    }
}

/// `weir drain`.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a running Weir finish what runs and end, as SIGTERM does."
    )

    @OptionGroup var target: AdminTarget
    @OptionGroup var process: ProcessTarget

    func run() throws {
        let read = target.readFile(beside: process)
        if try process.signals(SIGTERM, insteadOf: target, read) {
            Output.text("told to drain by SIGTERM\n")
        } else {
            _ = try target.ask("POST", "/drain", read)
            Output.text("draining\n")
        }
    }
}

/// `weir reload`.
struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a running Weir serve by its changed file, without losing a request.",
        discussion: """
            The whole file is taken, or nothing changes: then its mistakes are printed and the \
            exit code is 1. What has changed is printed line by line.
            """
    )

    @OptionGroup var target: AdminTarget
    @OptionGroup var process: ProcessTarget

    @Flag(help: "Print what POST /reload answers.")
    var json = false

    func run() throws {
        let read = target.readFile(beside: process)
        if try process.signals(SIGHUP, insteadOf: target, read) {
            Output.text("told to reload by SIGHUP; what came of it stands in its log\n")
            return
        }
        let answer = try target.answer("POST", "/reload", read)
        if json {
            Output.text(answer.body)
        } else if let words = ReloadText.render(answer.body) {
            if words.isGood { Output.text(words.text) } else { Output.trouble(words.text) }
        } else {
            Output.error("weir: refused with \(answer.status): \(answer.body)")
        }
        guard answer.status == 200 else { throw ExitCode(1) }
    }
}

/// `weir upgrade`.
struct Upgrade: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a new process take the place of a running Weir, without losing a request.",
        discussion: """
            The running process starts the program of its own path, which may have been replaced, \
            hands its listening sockets over, and drains once the new one serves. A new process \
            that does not serve within a minute is ended, and the old one goes on: exit code 1.
            """
    )

    @OptionGroup var target: AdminTarget
    @OptionGroup var process: ProcessTarget

    func run() throws {
        let read = target.readFile(beside: process)
        if try process.signals(SIGUSR2, insteadOf: target, read) {
            Output.text("told to upgrade by SIGUSR2; what came of it stands in its log\n")
        } else {
            Output.text(try target.ask("POST", "/upgrade", read))
        }
    }
}
