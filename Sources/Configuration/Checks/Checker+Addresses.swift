import Routing

/// Whose address it is, which decides what it may be and what is proposed instead.
enum AddressUse {
    case listener
    case server
    case admin

    /// An address as it would be written.
    var example: String {
        switch self {
        case .listener: "\":8080\""
        case .server: "10.0.0.1:8080"
        case .admin: "127.0.0.1:9900"
        }
    }

    /// A port as it would be written.
    var port: Int { self == .admin ? 9900 : 8080 }
}

extension Checker {
    /// An address in any of its forms; the host is not judged yet.
    private enum Parts {
        case unix(String)
        case port(host: String, port: UInt16)
    }

    /// The longest path that `sockaddr_un` holds besides its terminating zero.
    static var unixPathLengthMax: Int { 107 }

    /// Where a listener listens, or a report.
    func listenAddress(_ item: RawItem, for use: AddressUse = .listener) -> ListenAddress? {
        guard let text = item.text, let parts = parts(of: text, at: item.place, use)
        else { return nil }
        let address: ListenAddress
        switch parts {
        case .unix(let path): address = .unix(path: path)
        case .port("", let port): address = .any(port: port)
        case .port(let host, let port):
            guard let ip = ipAddress(host, of: text, at: item.place) else { return nil }
            address = .ip(ip, port: port)
        }
        written.remember(address.description, text)
        return address
    }

    /// Where a server is reached, or a report.
    func serverAddress(_ item: RawItem) -> ServerAddress? {
        guard let text = item.text, let parts = parts(of: text, at: item.place, .server)
        else { return nil }
        let address: ServerAddress
        switch parts {
        case .unix(let path): address = .unix(path: path)
        case .port("", let port):
            reporter.error(
                .address,
                item.place,
                "\(text.written.shown) does not say which machine",
                remedy: "write 127.0.0.1\(text.shown(":\(port)")) for this one"
            )
            return nil
        case .port(let host, let port):
            if Self.isHostName(host) {
                guard let name = hostName(host, of: text, at: item.place) else { return nil }
                address = .name(name, port: port)
            } else {
                guard let ip = ipAddress(host, of: text, at: item.place) else { return nil }
                address = .ip(ip, port: port)
            }
        }
        written.remember(address.description, text)
        return address
    }

    /// Whether the host is meant as a name that is resolved, be it a good one or not.
    static func isHostName(_ host: String) -> Bool {
        let isNumeric = host.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        return !host.hasPrefix("[") && host.lowercased() != "localhost" && !isNumeric
    }

    private func hostName(_ host: String, of text: ScalarText, at place: Place) -> String? {
        let name = host.lowercased()
        if HostNames.isName(name) { return name }
        reporter.error(
            .hostName,
            place,
            "\(text.shown(host).shown) is no host name",
            remedy: "a name has letters, digits, - and _ in labels of at most 63 between dots"
        )
        return nil
    }

    private func parts(of text: ScalarText, at place: Place, _ use: AddressUse) -> Parts? {
        let value = text.text
        for scheme in ["http://", "https://"] where value.lowercased().hasPrefix(scheme) {
            let rest = text.isFilled ? "" : value.dropFirst(scheme.count).prefix { $0 != "/" }
            let isSecure = scheme == "https://"
            var address = rest.isEmpty ? "10.0.0.1" : String(rest)
            let host = address.lastIndex(of: "]").map { address[$0...] } ?? address[...]
            if !host.contains(":") { address += isSecure ? ":443" : ":80" }
            if address.hasPrefix("[") { address = "\"\(address)\"" }
            let tls = use == .server ? ", and tls: true in the pool" : ", with tls beside it"
            reporter.error(
                .serverURL,
                place,
                "\(text.written.shown) is a URL, not an address",
                remedy: "remove \(scheme): write \(address)\(isSecure ? tls : "")"
            )
            return nil
        }
        if value.hasPrefix("unix:") { return unixPath(text, at: place) }
        if value.contains(" -") || value.hasPrefix("-") {
            let hint = "entries of a list stand below each other, each behind a - and a blank: "
            reportAddress(text, place, use, hint)
            return nil
        }
        if value.contains("/") || value.contains(" ") {
            reportAddress(text, place, use, "an address has no path and no blanks: ")
            return nil
        }
        let host: Substring
        let port: Substring
        if value.hasPrefix("[") {
            guard let close = value.firstIndex(of: "]") else {
                reportAddress(text, place, use, "")
                return nil
            }
            host = value[...close]
            port = value[value.index(after: close)...]
        } else {
            let colon = value.lastIndex(of: ":") ?? value.endIndex
            host = value[..<colon]
            port = value[colon...]
            if host.contains(":") {
                reportV6(text, place, use)
                return nil
            }
        }
        guard port.hasPrefix(":"), port.count > 1 else {
            reportMissingPort(text, String(host), place, use)
            return nil
        }
        guard let number = number(port.dropFirst(), text, place, use) else { return nil }
        return .port(host: String(host), port: number)
    }

    private func unixPath(_ text: ScalarText, at place: Place) -> Parts? {
        let path = String(text.text.dropFirst("unix:".count))
        guard path.hasPrefix("/"), path.count > 1 else {
            reporter.error(
                .address,
                place,
                "\(text.written.shown) names no absolute path",
                remedy: "write unix:/run/weir/name.sock"
            )
            return nil
        }
        guard path.utf8.count <= Self.unixPathLengthMax else {
            reporter.error(
                .address,
                place,
                "the path of a unix socket has \(path.utf8.count) bytes",
                remedy: "the kernel takes \(Self.unixPathLengthMax): use a shorter one"
            )
            return nil
        }
        return .unix(path)
    }

    private func reportAddress(
        _ text: ScalarText,
        _ place: Place,
        _ use: AddressUse,
        _ hint: String
    ) {
        let example = use == .listener ? "\":8080\" or 127.0.0.1:8080" : use.example
        reporter.error(
            .address,
            place,
            "\(text.written.shown) is no address",
            remedy: hint + "write \(example)"
        )
    }

    private func reportV6(_ text: ScalarText, _ place: Place, _ use: AddressUse) {
        let value = text.text
        if IPAddress(value) != nil {
            reporter.error(
                .missingPort,
                place,
                "\(text.written.shown) has no port",
                remedy: "write it in brackets with its port: \(Self.bracketed(text))"
            )
            return
        }
        reportAddress(text, place, use, "")
    }

    /// What an IPv6 address without brackets may have been meant as; the last part may be its port.
    private static func bracketed(_ text: ScalarText) -> String {
        let whole = "\"[\(text.written)]:8080\""
        guard !text.isFilled, let colon = text.text.lastIndex(of: ":") else { return whole }
        let host = String(text.text[..<colon])
        let port = text.text[text.text.index(after: colon)...]
        guard IPAddress(host) != nil, (UInt16(port) ?? 0) > 0 else { return whole }
        return "\"[\(host)]:\(port)\", or \(whole)"
    }

    private func reportMissingPort(
        _ text: ScalarText,
        _ host: String,
        _ place: Place,
        _ use: AddressUse
    ) {
        let host = text.isFilled ? "127.0.0.1" : host
        let isNumber = !host.isEmpty && host.utf8.allSatisfy { (48...57).contains($0) }
        let isKnown = use == .server ? !host.isEmpty : IPAddress(host) != nil
        var remedy = "write \(isKnown ? "\(host):\(use.port)" : use.example)"
        if isNumber {
            remedy = "write " + (use == .listener ? "\":\(host)\"" : "127.0.0.1:\(host)")
        }
        if host.hasPrefix("[") { remedy = "write \"\(host):\(use.port)\"" }
        reporter.error(
            .missingPort,
            place,
            isNumber
                ? "\(text.written.shown) is a port without an address"
                : "\(text.written.shown) has no port",
            remedy: remedy
        )
    }

    private func number(
        _ digits: Substring,
        _ text: ScalarText,
        _ place: Place,
        _ use: AddressUse
    ) -> UInt16? {
        let isNumber = digits.utf8.allSatisfy { (48...57).contains($0) }
        let least = use == .server ? 1 : 0
        guard isNumber, let number = UInt16(digits), number >= least else {
            reporter.error(
                .address,
                place,
                "\(text.written.shown) has no port from \(least) to 65535",
                remedy: use == .server
                    ? "write 10.0.0.1:8080" : "write \(use.example); port 0 takes any free port"
            )
            return nil
        }
        return number
    }

    private func ipAddress(_ host: String, of text: ScalarText, at place: Place) -> IPAddress? {
        if host.hasPrefix("[") {
            let inside = String(host.dropFirst().dropLast())
            if inside.contains(":"), let address = IPAddress(inside) { return address }
        } else if let address = IPAddress(host) {
            return address
        } else if host.lowercased() == "localhost" {
            return .v4(0x7F00_0001)
        } else if Self.isHostName(host) {
            reporter.error(
                .hostName,
                place,
                "\(text.shown(host).shown) is a host name, and listeners have addresses",
                remedy: "give an IP address of this machine, or the port alone for all of them"
            )
            return nil
        }
        reporter.error(
            .address,
            place,
            "\(text.shown(host).shown) is no IP address",
            remedy: "write 10.0.0.1:8080 or \"[2001:db8::1]:8080\""
        )
        return nil
    }
}
