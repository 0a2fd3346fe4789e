extension Checker {
    /// The name of a user or group.
    func identityName(_ key: Key) -> String? {
        guard let item = root.item(key), let text = item.text else { return nil }
        checkName(text, at: item.place)
        written.remember(text.text, text)
        if key.name == TopLevelKeys.group.name, !root.mentions(TopLevelKeys.user) {
            reporter.error(
                .noEffect,
                item.keyPlace ?? item.place,
                "\"group\" has no effect without \"user\"",
                remedy: "write user: \(TopLevelKeys.user.example) beside it, or remove it"
            )
        }
        return text.text
    }

    /// Reports a port or a socket's folder that is closed to the user who serves, or a folder that
    /// is not there.
    func checkRights(at address: ListenAddress, _ shown: String, _ place: Place) {
        guard options.requiresFiles else { return }
        switch address {
        case .any(let port), .ip(_, let port):
            guard let identity = options.identity, port > 0, port < identity.lowestPort else {
                return
            }
            reporter.warning(
                .rights,
                place,
                "user \(identity.user) cannot listen at \(shown) without CAP_NET_BIND_SERVICE",
                remedy: "a unit gives it by AmbientCapabilities=CAP_NET_BIND_SERVICE, and Weir "
                    + "keeps it where root starts it with user: \(identity.user)"
            )
        case .unix(let path):
            guard let problem = files.obstacle(to: .socket, at: path) else { return }
            report(problem, place, "make", shown) { "give him the folder: chown \($0) DIR" }
        }
    }

    /// Reports a log that the user who serves may not write, or could not make again, or whose
    /// folder is not there.
    func checkRights(ofLog path: String, shown: String, at place: Place) {
        guard options.requiresFiles else { return }
        if let problem = files.obstacle(to: .log, at: path) {
            report(problem, place, "write", shown) {
                "give him a folder of his own for logs: chown \($0) DIR"
            }
        } else if let identity = options.identity,
            let problem = files.obstacle(to: .rotatedLog, at: path)
        {
            reporter.warning(
                .rights,
                place,
                "user \(identity.user) could not make \(shown) anew after a rotation: "
                    + problem.reason,
                remedy: "have logrotate create it, or give him the folder"
            )
        }
    }

    /// A folder that is not there may be made before Weir starts; rights that are missing stay so.
    ///
    /// Where nobody says who serves, rights may be others than those of who checks.
    private func report(
        _ problem: FileProblem,
        _ place: Place,
        _ verb: String,
        _ shown: String,
        remedy: (String) -> String
    ) {
        let isDenied = problem.reason.hasSuffix(FileProblem.denied)
        guard let user = options.identity?.user else {
            if isDenied { return }
            reporter.warning(
                .rights,
                place,
                "Weir cannot \(verb) \(shown): \(problem.reason)",
                remedy: "make the folder before Weir starts"
            )
            return
        }
        let message = "user \(user) cannot \(verb) \(shown): \(problem.reason)"
        if isDenied {
            reporter.error(.rights, place, message, remedy: remedy(user))
        } else {
            reporter.warning(.rights, place, message, remedy: remedy(user))
        }
    }
}
