import Configuration
import EventLoop
import Proxy

/// What a supervisor knows of reloads.
struct ReloadState {
    /// Reads the file anew; `nil` where there is none.
    var read: (() -> LoadResult)?
    /// Whether one is under way.
    var isRunning = false
    /// Who asked while one was under way: they are told of the next.
    var waiting: [(ReloadResult) -> Void] = []
    /// When the file was taken last, in nanoseconds of the wall clock, and whether the last reload
    /// succeeded.
    var lastSuccess: Int64
    /// See ``lastSuccess``.
    var lastSucceeded = true
    /// How many succeeded and failed.
    var successes = 0
    /// See ``successes``.
    var failures = 0
}

/// Another file, without losing anything.
extension Supervisor {
    /// Changes that are told one by one on Weir's own log.
    private static let mostNoted = 20

    /// Reads the file anew and serves by it; `done` is called with what came of it.
    ///
    /// Nothing has changed where it fails. One at a time: who asks while one is under way is told
    /// of another that follows.
    func reload(_ done: @escaping (ReloadResult) -> Void) {
        guard !isDraining else {
            done(.failed("Weir is draining, and takes no other file."))
            return
        }
        guard upgrade == nil else {
            done(.failed("An upgrade is under way: ask again when it has come to an end."))
            return
        }
        guard let read = reloads.read, let service = services.last else {
            done(.failed("What is served came from no file."))
            return
        }
        guard !reloads.isRunning else {
            reloads.waiting.append(done)
            return
        }
        reloads.isRunning = true
        manager.reloading()
        let result = read()
        guard let config = result.config else {
            finishReload(.refused(result.diagnostics), done)
            return
        }
        let before = service.config
        let own: OwnChange
        do throws(StartError) {
            own = try prepareOwn(config, before)
        } catch {
            finishReload(.failed(error.description), done)
            return
        }
        let reload = ServiceReload(service, config) { [self] problem, isTaken in
            if isTaken { own.make() } else { own.drop() }
            if let problem {
                finishReload(.failed("\(problem)"), done)
                return
            }
            let difference = ConfigDifference(from: before, to: config)
            let warnings = result.diagnostics
            let postponed =
                Self.postponed(before, config) + (service.health?.outlasting(difference) ?? [])
            finishReload(.done(difference, warnings: warnings, postponed: postponed), done)
        }
        reload?.start()
    }

    /// What cannot change while workers run.
    private static func postponed(_ before: Config, _ after: Config) -> [String] {
        var words: [String] = []
        if before.workers != after.workers {
            words.append(
                "workers: another number of them takes effect with weir upgrade or a restart"
            )
        }
        if before.user != after.user || before.group != after.group {
            words.append("user and group: others take effect with a restart")
        }
        return words
    }

    private func finishReload(_ result: ReloadResult, _ done: (ReloadResult) -> Void) {
        note(result)
        reloads.isRunning = false
        manager.ready(servingStatus)
        done(result)
        let waiting = reloads.waiting
        reloads.waiting = []
        guard !waiting.isEmpty else { return }
        reload { result in
            for done in waiting { done(result) }
        }
    }

    /// Says on Weir's own log what came of it.
    private func note(_ result: ReloadResult) {
        switch result {
        case .done(let difference, let warnings, let postponed):
            reloads.lastSucceeded = true
            reloads.lastSuccess = Self.wallClock
            reloads.successes += 1
            for warning in warnings { logs.note(level: .warning, warning.headline) }
            for words in postponed { logs.note(level: .warning, words) }
            let changes = difference.changes
            if changes.isEmpty { logs.note(level: .info, "reloaded: nothing has changed") }
            for change in changes.prefix(Self.mostNoted) {
                logs.note(level: .info, "reloaded: \(change)")
            }
            if changes.count > Self.mostNoted {
                logs.note(
                    level: .info,
                    "reloaded: and \(changes.count - Self.mostNoted) other changes"
                )
            }
        case .refused(let diagnostics):
            reloads.lastSucceeded = false
            reloads.failures += 1
            for mistake in diagnostics where mistake.severity == .error {
                logs.note(level: .error, "not reloaded: \(mistake.headline)")
            }
        case .failed(let why):
            reloads.lastSucceeded = false
            reloads.failures += 1
            logs.note(level: .error, "not reloaded: \(why)")
        }
    }

    // MARK: Log and admin API

    /// A change that can be made, or dropped.
    private struct OwnChange {
        var make: () -> Void
        var drop: () -> Void = {}
    }

    /// Tries what the supervisor itself needs of a changed file.
    ///
    /// - Throws: ``StartError`` for what cannot be.
    private func prepareOwn(_ config: Config, _ before: Config) throws(StartError) -> OwnChange {
        if config.log != before.log {
            do throws(SystemError) {
                try LogWriter.check(config.log)
            } catch {
                throw StartError(description: "\(error)")
            }
        }
        var change = try prepareAdmin(config.admin)
        let (makeAdmin, dropAdmin) = (change.make, change.drop)
        if before.log.access == nil, let access = config.log.access {
            // Workers may hand over lines before they all have been told.
            var early = before.log
            early.access = access
            writer.follow(early)
            change.drop = { [self] in
                writer.follow(before.log)
                dropAdmin()
            }
        }
        change.make = { [self] in
            if config.log != before.log {
                logs.setStyle(LogStyle(config.log))
                writer.follow(config.log)
            }
            own = config
            makeAdmin()
        }
        return change
    }

    private func prepareAdmin(_ config: AdminConfig?) throws(StartError) -> OwnChange {
        if let config, let admin, admin.listens(as: config) {
            let access = try AdminServer.access(config)
            return OwnChange { admin.follow(config, access) }
        }
        let next = try config.map { config throws(StartError) in try makeAdmin(config) }
        let before = admin
        guard before != nil || next != nil else { return OwnChange {} }
        let make = { [self] in
            admin = next
            startAdmin()
            // The answer to whoever asked there has to leave yet.
            loop.after(Self.adminEnd) { before?.end() }
        }
        return OwnChange(make: make) { next?.end() }
    }

    /// Nanoseconds that an admin API goes on which the file has elsewhere now.
    private static var adminEnd: Int64 { 1_000_000_000 }
}

extension Diagnostic {
    /// Where it is and what is wrong, on one line.
    var headline: String {
        "\(file):\(line):\(column): \(message) [\(id.rawValue)]"
            + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}
