import CLinux
import Configuration
import EventLoop
import Routing

/// Listening sockets that were open before the process began, by the address that each is for.
///
/// A service manager passes them (sd_listen_fds(3)) and keeps them open; a listener accepts from
/// those of its address instead of opening its own.
public struct InheritedSockets {
    /// One socket.
    struct Entry {
        /// What it is for.
        var address: ListenAddress
        /// Its descriptor, which stays open as long as the process does.
        var descriptor: Int32
        /// Who it comes from, for messages; empty where that is not known.
        var name: String
    }

    /// The first descriptor that a service manager passes (sd_listen_fds(3)).
    private static let firstPassed: Int32 = 3
    /// The most that is taken over.
    private static let most = 4096

    private var entries: [Entry] = []

    /// None.
    public init() {}

    /// What a service manager passes: by the variables `LISTEN_FDS`, `LISTEN_PID` and
    /// `LISTEN_FDNAMES`.
    ///
    /// - Throws: ``StartError`` for a descriptor that is no listening stream socket.
    public static func passed(
        environment: (String) -> String? = FileSystem.environment,
        process: Int32 = weir_process_id()
    ) throws(StartError) -> InheritedSockets {
        var sockets = InheritedSockets()
        guard environment("LISTEN_PID").flatMap({ Int32($0) }) == process,
            let count = environment("LISTEN_FDS").flatMap({ Int($0) }), count > 0
        else { return sockets }
        let names = (environment("LISTEN_FDNAMES") ?? "").split(
            separator: ":",
            omittingEmptySubsequences: false
        )
        for number in 0..<min(count, most) {
            let descriptor = firstPassed + Int32(number)
            let name = names.indices.contains(number) ? String(names[number]) : ""
            do throws(SystemError) {
                try sockets.adopt(descriptor, name)
            } catch {
                let reason =
                    error.code == EINVAL
                    ? "no listening stream socket" : error.reason.lowercased()
                throw StartError(
                    description: "descriptor \(descriptor)\(origin(name)), which the service "
                        + "manager passed, is of no use: \(reason); a socket unit for Weir has "
                        + "ListenStream= and Accept=no"
                )
            }
        }
        return sockets
    }

    private static func address(_ listener: weir_listener) -> ListenAddress {
        let address = listener.address
        if address.isInternet {
            let isAny = address.family == 6 && address.high == 0 && address.low == 0
            if isAny, listener.is_dual == 1 { return .any(port: address.port) }
            return .ip(IPAddress(address), port: address.port)
        }
        let path = withUnsafeBytes(of: listener.path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return .unix(path: path)
    }

    /// Adds a listening socket and makes it one of this process.
    ///
    /// - Throws: ``SystemError`` for one that is no listening stream socket, or none at all.
    mutating func adopt(_ descriptor: Int32, _ name: String) throws(SystemError) {
        var listener = weir_listener()
        _ = try SystemError.check(weir_adopt_listener(descriptor, &listener), "getsockopt")
        add(descriptor, at: Self.address(listener), from: name)
    }

    /// Adds a listening socket of this address; `name` is whom it comes from, empty where that is
    /// not known.
    mutating func add(_ descriptor: Int32, at address: ListenAddress, from name: String) {
        entries.append(Entry(address: address, descriptor: descriptor, name: name))
    }

    /// All of them.
    var all: [Entry] { entries }

    /// The sockets for an address of the file: one, or one for each version of IP.
    func descriptors(for address: ListenAddress) -> [Int32] {
        entries.filter { Self.serves($0.address, address) }.map(\.descriptor)
    }

    /// Other descriptors of the same sockets, for the caller to close: what a reload takes away, a
    /// later one may bring back.
    func duplicates(for address: ListenAddress) -> [Int32] {
        descriptors(for: address).map { weir_duplicate($0) }.filter { $0 >= 0 }
    }

    /// As ``duplicates(for:)``, where one is enough.
    func duplicate(for address: ListenAddress) -> Int32? {
        guard let first = descriptors(for: address).first else { return nil }
        let duplicate = weir_duplicate(first)
        return duplicate >= 0 ? duplicate : nil
    }

    /// Whether a socket at one address is for a listener of the other.
    private static func serves(_ socket: ListenAddress, _ listener: ListenAddress) -> Bool {
        if socket == listener { return true }
        switch (socket, listener) {
        // A unit that names both versions by themselves, or a machine without IPv6.
        case (.ip(.v4(0), let port), .any(let wanted)),
            (.ip(.v6(high: 0, low: 0), let port), .any(let wanted)),
            // `[::]:80` of a unit takes IPv4 as well, unless the unit says otherwise.
            (.any(let port), .ip(.v6(high: 0, low: 0), let wanted)):
            return port == wanted
        default: return false
        }
    }

    /// Refuses sockets that nothing in the file is for: nobody would ever accept from them.
    ///
    /// - Throws: ``StartError`` that names the first one.
    public func check(_ config: Config) throws(StartError) {
        let wanted = config.listeners.map(\.address) + (config.admin.map { [$0.address] } ?? [])
        for entry in entries where !wanted.contains(where: { Self.serves(entry.address, $0) }) {
            throw StartError(
                description: "the service manager passed a socket at \(entry.address)"
                    + "\(Self.origin(entry.name)), and no listener of the file has this address: "
                    + "add it to listeners, or take it out of the socket unit"
            )
        }
    }

    private static func origin(_ name: String) -> String {
        name.isEmpty || name == "unknown" ? "" : " (\(name))"
    }
}
