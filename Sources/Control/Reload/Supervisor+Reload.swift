import CLinux
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
    /// Whether SIGHUP came during an upgrade: whoever serves behind it reads the file anew.
    var isWished = false
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
            refuseReload("Weir is draining, and takes no other file.", done)
            return
        }
        guard upgrade == nil else {
            refuseReload("An upgrade is under way: ask again when it has come to an end.", done)
            return
        }
        guard let read = reloads.read, let service = services.last else {
            refuseReload("What is served came from no file.", done)
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
        let reload = ServiceReload(service, config) { [self] outcome in
            switch outcome {
            case .failed(let error):
                own.drop()
                finishReload(.failed(error.description), done)
            case .taken(let missing):
                own.make()
                let difference = ConfigDifference(from: before, to: config)
                let warnings = result.diagnostics
                let postponed =
                    Self.postponed(before, config, missing: missing)
                    + (service.health?.outlasting(difference) ?? [])
                finishReload(.done(difference, warnings: warnings, postponed: postponed), done)
            }
        }
        reload?.start()
    }

    private func refuseReload(_ why: String, _ done: (ReloadResult) -> Void) {
        note(.failed(why))
        done(.failed(why))
    }

    /// Does what SIGHUP asks for: now, or by whoever serves once an upgrade has come to an end.
    func reloadBySignal() {
        if let successor {
            logs.note(level: .info, "reload: SIGHUP goes on to process \(successor), which serves")
            _ = weir_signal_process(successor, SIGHUP)
        } else if upgrade != nil, !isDraining {
            reloads.isWished = true
            logs.note(level: .info, "reload: it follows once the upgrade has come to an end")
        } else {
            reload { _ in }
        }
    }

    /// What has to wait: what cannot change while workers run, and `missing` workers that have not
    /// gone over.
    static func postponed(_ before: Config, _ after: Config, missing: Int) -> [String] {
        var words: [String] = []
        if missing > 0 {
            words.append(
                missing == 1
                    ? "a worker hangs: it goes over to the file when it turns again"
                    : "\(missing) workers hang: they go over to the file when they turn again"
            )
        }
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
        if !waiting.isEmpty {
            reload { result in
                for done in waiting { done(result) }
            }
        }
        // Behind what was asked for before it.
        guard isUpgradeWished, !reloads.isRunning else { return }
        isUpgradeWished = false
        upgrade { _ in }
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
        var change = try prepareAdmin(config)
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

    private func prepareAdmin(_ config: Config) throws(StartError) -> OwnChange {
        if let wanted = config.admin, let admin, admin.listens(as: wanted) {
            let time = Self.handshakeTime(config)
            let change = try admin.prepare(wanted, handshakeTime: time)
            return OwnChange { admin.follow(change) }
        }
        let next = try config.admin.map { wanted throws(StartError) in
            try makeAdmin(wanted, of: config)
        }
        let before = admin
        guard before != nil || next != nil else { return OwnChange {} }
        let make = { [self] in
            admin = next
            startAdmin()
            // The answer to whoever asked there has to leave yet.
            loop.after(AdminServer.farewell) { before?.end() }
        }
        return OwnChange(make: make) { next?.end() }
    }
}

extension Diagnostic {
    /// Where it is and what is wrong, on one line.
    var headline: String {
        "\(file):\(line):\(column): \(message) [\(id.rawValue)]"
            + (remedy.isEmpty ? "" : "; \(remedy)")
    }
}
