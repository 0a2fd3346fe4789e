import CLinux
import Configuration
import Proxy

/// What came of an upgrade.
enum UpgradeResult {
    /// The process with this number serves; this one drains.
    case done(Int32)
    /// Nothing has changed, and why.
    case failed(String)

    /// The answer to whoever asked by the admin API.
    var response: AdminResponse {
        switch self {
        case .done(let pid):
            let document = JSONValue.object([
                ("state", .text("upgraded")), ("pid", .number(Int(pid))),
            ])
            return AdminResponse(type: "application/json", document.compact + "\n")
        case .failed(let why):
            return AdminProblem(422, "the new process does not serve", why).response
        }
    }
}

/// Another process in the place of this one, without losing anything.
extension Supervisor {
    /// Starts the program anew, hands the listening sockets over and drains once it serves; `done`
    /// is called with what came of it.
    ///
    /// A new process that does not serve within a minute is ended, and this one goes on.
    func upgrade(_ done: @escaping (UpgradeResult) -> Void) {
        if let why = reasonAgainstUpgrade {
            refuseUpgrade(why, done)
            return
        }
        guard let service = services.last, let program, reloads.read != nil else {
            refuseUpgrade("What is served came from no file.", done)
            return
        }
        logs.note(level: .info, "upgrading: \(program) starts")
        do throws(StartError) {
            upgrade = try Upgrade(
                program: program,
                arguments: CommandLine.arguments,
                messages(of: service),
                on: loop
            ) { [self] result in
                lastUpgrade = upgrade
                upgrade = nil
                switch result {
                case .success(let pid):
                    successor = pid
                    lastUpgrade = nil
                    manager.hasSuccessor(process: pid)
                    logs.note(level: .info, "upgraded: process \(pid) serves from now on")
                    done(.done(pid))
                    handOver()
                    // It may have read the file before that was changed.
                    if reloads.isWished { reloadBySignal() }
                case .failure(let error): failUpgrade(error, done)
                }
            }
        } catch {
            failUpgrade(error, done)
        }
    }

    private var reasonAgainstUpgrade: String? {
        if reloads.isRunning {
            return "A reload is under way: ask again when it has come to an end."
        }
        if isDraining { return "Weir is draining." }
        return upgrade == nil ? nil : "Another upgrade is under way."
    }

    private func refuseUpgrade(_ why: String, _ done: (UpgradeResult) -> Void) {
        logs.note(level: .error, "not upgraded: \(why)")
        done(.failed(why))
    }

    /// Does what SIGUSR2 asks for: now, or behind the reload that is under way.
    func upgradeBySignal() {
        if reloads.isRunning, !isDraining {
            isUpgradeWished = true
            logs.note(level: .info, "upgrade: it begins once the reload has come to an end")
        } else {
            upgrade { _ in }
        }
    }

    private func failUpgrade(_ error: StartError, _ done: (UpgradeResult) -> Void) {
        let why = "not upgraded: the new process does not serve: \(error.description)"
        logs.note(level: .error, why)
        done(.failed("\(error.description); this process serves on."))
        guard reloads.isWished else { return }
        reloads.isWished = false
        reload { _ in }
    }

    /// Everything that the next process gets.
    private func messages(
        of service: Service
    ) -> [(message: Handover.Message, descriptors: [Int32])] {
        var messages: [(message: Handover.Message, descriptors: [Int32])] = []
        for (number, place) in service.placed.listeners.enumerated() {
            if service.sockets.isPassed(at: place) { continue }
            let address = service.placed.config.listeners[place].address.description
            messages.append(
                (.listener(number, address), service.sockets.descriptors(at: place))
            )
        }
        messages += inheritance.passed.all.map { (.passed($0.name), [$0.descriptor]) }
        if let admin, !admin.isPassed {
            messages.append((.admin(admin.config.address.description), [admin.listener]))
        }
        if let tickets = service.certificates?.ticketKeys {
            messages.append((.tickets(tickets.keys, nextTurn: tickets.nextTurn), []))
        }
        messages.append((.secret(StickySecrets.ofThisProcess), []))
        messages += (service.health?.inheritance ?? []).map { ($0, []) }
        messages.append((.end, []))
        return messages
    }

    /// The next process serves: this one only finishes what runs.
    private func handOver() {
        for service in services { service.sockets.forgetPaths() }
        admin?.handOver()
        beginDrain(isHandedOver: true)
    }
}
