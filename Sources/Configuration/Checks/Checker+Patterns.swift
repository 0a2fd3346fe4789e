import Routing

extension Checker {
    /// A pattern of `match.host`, or a report.
    func hostPattern(_ item: RawItem) -> HostPattern? {
        guard let text = item.text else { return nil }
        var host = text.text.lowercased()
        if host.hasSuffix("."), host.count > 1 { host.removeLast() }
        var bare = host[...]
        var wrap: (String) -> HostPattern = { .exact($0) }
        if host == "*" {
            report(item, "\"*\" is any host", "leave host out: then every host matches")
            return nil
        }
        if host.hasPrefix("*.") {
            bare = host.dropFirst(2)
            wrap = { .subdomains(of: $0) }
        } else if host.hasPrefix(".") {
            bare = host.dropFirst()
            wrap = { .domain($0) }
        } else if host.hasPrefix("[") {
            let inside = String(host.dropFirst().prefix { $0 != "]" })
            if host == "[\(inside)]", IPAddress(inside) != nil { return .exact(host) }
        }
        if let problem = Self.hostProblem(String(bare)) {
            report(item, "\(text.written.shown) \(problem.what)", problem.remedy)
            return nil
        }
        let pattern = wrap(String(bare))
        written.remember(pattern.description, text)
        return pattern
    }

    private func report(_ item: RawItem, _ message: String, _ remedy: String) {
        reporter.error(.pattern, item.place, message, remedy: remedy)
    }

    private static func hostProblem(_ host: String) -> (what: String, remedy: String)? {
        if host.isEmpty { return ("names no host", "write a.example, *.a.example or .a.example") }
        if host.contains("*") {
            return ("has a * in its middle", "a * stands at the start, before a dot: *.a.example")
        }
        if host.contains("://") { return ("is a URL", "write the host alone") }
        if host == "http:" || host == "https:" {
            return ("is a URL's beginning", "leave \(host)// out: write host/path")
        }
        if host.contains("/") {
            return ("has a path behind its host", "write match: host/path, or the key path")
        }
        if host.contains(":") {
            return ("has a port, which is ignored in matching", "remove the port")
        }
        if !host.utf8.allSatisfy({ $0 < 128 }) {
            return ("has letters beyond ASCII", "write the host as it is sent: xn--…")
        }
        let isHost = host.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 97...122: true
            default: "-_.".utf8.contains(byte)
            }
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if !isHost || labels.contains(where: \.isEmpty) || host.utf8.count > 253 {
            return ("is no host", "write a.example, *.a.example or .a.example")
        }
        return nil
    }

    /// A pattern of `match.path`, or a report.
    func pathPattern(_ item: RawItem) -> PathPattern? {
        guard let text = item.text else { return nil }
        let value = text.text
        let isExact = value.hasPrefix("=")
        let path = isExact ? String(value.dropFirst()) : value
        if value.hasPrefix("~") {
            report(
                item,
                "\(text.written.shown) begins with ~, which no pattern does",
                "write /p/ for a path and all below it, =/p for exactly that path"
            )
            return nil
        }
        guard path.hasPrefix("/") else {
            report(
                item,
                "\(text.written.shown) does not begin with a slash",
                "write \(isExact ? "=" : "")/\(text.shown(path))"
            )
            return nil
        }
        if path.contains("?") || path.contains("#") {
            report(
                item,
                "\(text.written.shown) holds a query, which is no part of the path",
                "end it before the ?"
            )
            return nil
        }
        if path.hasSuffix("/*") {
            report(
                item,
                "\(text.written.shown) ends with a *, which stands for itself in paths",
                text.isFilled || path == "/*"
                    ? "end it with the slash, behind which all is taken"
                    : "write \(path.dropLast()): it takes all below"
            )
            return nil
        }
        switch Self.normalised(path) {
        case .failure(let fault):
            report(item, "\(text.written.shown) can match no path", fault.explanation)
            return nil
        case .success(let normal):
            let bare = normal.hasSuffix("/") ? String(normal.dropLast()) : normal
            let pattern: PathPattern = isExact ? .exact(normal) : .prefix(bare)
            written.remember(pattern.description, text)
            return pattern
        }
    }

    /// Why a path has no normal form, in words.
    struct PathFault: Error {
        var explanation: String
    }

    /// A path in the form in which paths are compared.
    static func normalised(_ path: String) -> Result<String, PathFault> {
        let bytes = Array(path.utf8)
        if bytes.contains(where: { $0 <= 32 || $0 >= 127 }) {
            return .failure(PathFault(explanation: "write blanks and letters beyond ASCII as %xx"))
        }
        let output = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count),
            alignment: 1
        )
        defer { unsafe output.deallocate() }
        switch unsafe normalisePath(bytes.span.bytes, into: output) {
        case .unchanged: return .success(path)
        case .written(let count):
            return .success(unsafe String(decoding: output.prefix(count), as: UTF8.self))
        case .refused(let error):
            return .failure(PathFault(explanation: "\(error.explanation)"))
        }
    }

    /// A method of `match.method`, or a report.
    func method(_ item: RawItem) -> String? {
        guard let text = item.text else { return nil }
        let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]
        let value = text.text
        let upper = value.uppercased()
        if value != upper, known.contains(upper) {
            reporter.error(
                .method,
                item.place,
                "\(text.written.shown) is written in capitals by clients",
                remedy: "write \(upper)"
            )
            return nil
        }
        guard FieldNames.isToken(value), value.utf8.count <= 32 else {
            reporter.error(
                .method,
                item.place,
                "\(text.written.shown) is no method",
                remedy: "write \(known.prefix(4).joined(separator: ", ")) …"
            )
            return nil
        }
        return value
    }
}

extension HostPattern: CustomStringConvertible {
    /// As the file would have it.
    public var description: String {
        switch self {
        case .exact(let host): host
        case .subdomains(let host): "*.\(host)"
        case .domain(let host): ".\(host)"
        }
    }
}

extension PathPattern: CustomStringConvertible {
    /// As the file would have it.
    public var description: String {
        switch self {
        case .exact(let path): "=\(path)"
        case .prefix(let path): "\(path)/"
        }
    }
}
