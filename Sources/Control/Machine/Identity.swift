import CLinux
import Configuration
import EventLoop

/// A user of this machine with its group, as whom Weir serves.
public struct Identity {
    /// The user's name.
    public let user: String
    /// The group's name; `nil` is the user's own.
    public let group: String?
    private let numbers: weir_identity

    /// The user of this name.
    ///
    /// - Throws: ``StartError`` where the machine knows no such user or group.
    public init(user: String, group: String?) throws(StartError) {
        var found = weir_identity()
        let result =
            group.map { weir_find_identity(user, $0, &found) }
            ?? weir_find_identity(user, nil, &found)
        switch -result {
        case 0: break
        case ENOENT: throw StartError(description: "there is no such user: \(user)")
        case ESRCH: throw StartError(description: "there is no such group: \(group ?? "")")
        default: throw Self.error("cannot look up user \(user)", result)
        }
        self.user = user
        self.group = group
        numbers = found
    }

    /// Whether the process acts as root.
    public static var isRoot: Bool { weir_is_root() == 1 }

    /// Whether the process acts as this user, and as the group if one is named.
    public var isCurrent: Bool {
        withUnsafePointer(to: numbers) { weir_is_identity($0, group == nil ? 0 : 1) == 1 }
    }

    /// What ``LoadOptions`` reports by, once the process acts as this user.
    ///
    /// `keepsPorts`: whether ports that need a right will be open to it.
    public func serving(keepsPorts: Bool) -> ServingIdentity {
        ServingIdentity(
            user: user,
            group: group ?? user,
            lowestPort: keepsPorts ? 0 : UInt16(clamping: weir_first_free_port())
        )
    }

    /// Whether the process may listen at every port.
    public static var mayBindAllPorts: Bool { weir_may_bind_all_ports() == 1 }

    /// Becomes this user for good; of root's rights only that to every port stays, where it is
    /// there.
    ///
    /// Before everything that is opened, so that what opens at the start opens again later, and
    /// before the first thread, whose rights would stay what they were.
    ///
    /// - Throws: ``StartError`` where the process is not root's, or the kernel refuses.
    public func become() throws(StartError) {
        if isCurrent { return }
        guard Self.isRoot else {
            throw StartError(
                description: "cannot become user \(user): Weir was started by "
                    + "\(Self.current), and only root may; start it as root or as \(user), "
                    + "or remove \"user\""
            )
        }
        let result = withUnsafePointer(to: numbers) { weir_become(user, $0) }
        if result < 0 { throw Self.error("cannot become user \(user)", result) }
    }

    /// Reads and writes files with the rights of this user from now on, and of nobody else.
    ///
    /// - Throws: ``StartError`` where the process may not.
    public func actForFiles() throws(StartError) {
        let result = withUnsafePointer(to: numbers) { weir_act_as(user, $0) }
        if result < 0 { throw Self.error("cannot read files as \(user)", result) }
    }

    private static var current: String {
        var name = [CChar](repeating: 0, count: 256)
        weir_current_user(&name, name.count)
        return String(
            decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
    }

    private static func error(_ what: String, _ result: Int32) -> StartError {
        StartError(description: "\(what): \(SystemError.words(result))")
    }
}
