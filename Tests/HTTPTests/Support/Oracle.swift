/// What a request head means, read slowly with strings and without any code of the parser.
///
/// Each byte becomes the character of its number, so that strings are as good as bytes.
struct OracleHead: Equatable {
    var method = ""
    var target = ""
    var path = ""
    var query: String?
    var authority = ""
    var isOldVersion = false
    var framing = "none"
    var keepsAlive = true
    var upgrade = "none"
    var expectsContinue = false
    /// `name: value` in order, those to be removed with a `-` before.
    var fields: [String] = []
    var size = 0
}

enum OracleResult: Equatable {
    case head(OracleHead)
    case refused
    case incomplete
}

typealias OracleLine = (name: String, value: String)

/// The lines of a section up to its empty line, without their ends.
enum OracleLines {
    case lines([String], size: Int)
    case refused
    case incomplete
}

/// Takes lines apart, passing over so many empty ones before the first.
func readLinesSlowly(_ bytes: [UInt8], skipping most: Int) -> OracleLines {
    var lines: [String] = []
    var current = ""
    var size = 0
    var empty = 0
    for byte in bytes {
        size += 1
        guard byte == 10 else {
            current.unicodeScalars.append(Unicode.Scalar(byte))
            continue
        }
        guard current.unicodeScalars.last == "\r" else { return .refused }
        current.unicodeScalars.removeLast()
        if current.unicodeScalars.contains("\r") { return .refused }
        if current.isEmpty, !lines.isEmpty { return .lines(lines, size: size) }
        if current.isEmpty {
            empty += 1
            if empty > most { return .refused }
            continue
        }
        lines.append(current)
        current = ""
    }
    return .incomplete
}

/// Reads the request head that `bytes` begin with; limits are not its business.
func readSlowly(_ bytes: [UInt8]) -> OracleResult {
    switch readLinesSlowly(bytes, skipping: 4) {
    case .refused: return .refused
    case .incomplete: return .incomplete
    case .lines(let lines, let size):
        guard var head = readRequestLine(lines[0]) else { return .refused }
        head.size = size
        var fields: [OracleLine] = []
        for line in lines.dropFirst() {
            guard let field = readField(line) else { return .refused }
            fields.append(field)
        }
        return conclude(head, fields)
    }
}

private let tokenCharacters = Set(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .unicodeScalars
)

func isOracleToken(_ text: String) -> Bool {
    !text.isEmpty && text.unicodeScalars.allSatisfy(tokenCharacters.contains)
}

func split(_ text: String, at separator: Unicode.Scalar) -> [String] {
    text.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false)
        .map { String($0) }
}

func trim(_ text: String) -> String {
    var scalars = Array(text.unicodeScalars)
    while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
    while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
    var result = ""
    result.unicodeScalars.append(contentsOf: scalars)
    return result
}

private func readRequestLine(_ line: String) -> OracleHead? {
    let words = split(line, at: " ")
    guard words.count == 3, isOracleToken(words[0]), words[0].utf8.count <= 32 else {
        return nil
    }
    let target = words[1]
    guard !target.isEmpty, target.unicodeScalars.allSatisfy({ $0 > " " && $0 < "\u{7f}" }),
        !target.contains("#"), words[0] != "CONNECT"
    else { return nil }
    let version = Array(words[2].unicodeScalars)
    guard version.count == 8, words[2].hasPrefix("HTTP/1."), ("0"..."9").contains(version[7])
    else { return nil }
    var head = OracleHead()
    head.method = words[0]
    head.target = target
    head.isOldVersion = version[7] == "0"
    var rest = target
    if target == "*" {
        head.path = "*"
        return head.method == "OPTIONS" ? head : nil
    }
    if !target.hasPrefix("/") {
        let lower = target.lowercased()
        guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else {
            return nil
        }
        rest = String(target.dropFirst(scheme.count))
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard isHost(String(authority)) else { return nil }
        head.authority = String(authority)
        rest = String(rest.dropFirst(authority.count))
    }
    let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    head.path = String(parts.first ?? "")
    head.query = parts.count > 1 ? String(parts[1]) : nil
    return head
}

private func isHost(_ text: String) -> Bool {
    var name = text
    var port = ""
    if text.hasPrefix("[") {
        guard let end = text.firstIndex(of: "]") else { return false }
        let inside = text[text.index(after: text.startIndex)..<end]
        guard inside.allSatisfy({ $0.isHexDigit && $0.isASCII || $0 == ":" || $0 == "." }),
            inside.filter({ $0 == ":" }).count >= 2
        else { return false }
        let behind = text[text.index(after: end)...]
        if behind.isEmpty { return true }
        guard behind.hasPrefix(":") else { return false }
        port = String(behind.dropFirst())
    } else {
        if let colon = text.firstIndex(of: ":") {
            name = String(text[..<colon])
            port = String(text[text.index(after: colon)...])
        }
        let permitted = tokenCharacters.union("();=".unicodeScalars)
            .subtracting("#%^`|".unicodeScalars)
        guard !name.isEmpty, name.unicodeScalars.allSatisfy(permitted.contains) else {
            return false
        }
    }
    if port.isEmpty { return true }
    guard port.utf8.count <= 5, port.utf8.allSatisfy({ (48...57).contains($0) }),
        let number = Int(port)
    else { return false }
    return number <= 65535
}

func readField(_ line: String) -> OracleLine? {
    guard let colon = line.unicodeScalars.firstIndex(of: ":") else { return nil }
    let name = String(line.unicodeScalars[..<colon])
    let value = String(line.unicodeScalars[line.unicodeScalars.index(after: colon)...])
    let isClean = value.unicodeScalars.allSatisfy { $0 == "\t" || ($0 >= " " && $0 != "\u{7f}") }
    guard isOracleToken(name), isClean else { return nil }
    return (name, trim(value))
}

private func conclude(_ start: OracleHead, _ fields: [OracleLine]) -> OracleResult {
    var head = start
    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name }.map(\.value)
    }
    let hosts = values("host")
    if hosts.count > 1 || !hosts.allSatisfy(isHost) { return .refused }
    if hosts.isEmpty, !head.isOldVersion { return .refused }
    if head.authority.isEmpty { head.authority = hosts.first ?? "" }

    let codings = values("transfer-encoding")
    let lengths = values("content-length")
    if codings.count > 1 || lengths.count > 1 { return .refused }
    if let coding = codings.first {
        if coding.lowercased() != "chunked" || head.isOldVersion || !lengths.isEmpty {
            return .refused
        }
        head.framing = "chunked"
    }
    if let length = lengths.first {
        guard !length.isEmpty, length.utf8.count <= 18,
            length.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt64(length)
        else { return .refused }
        head.framing = "length(\(number))"
    }
    let options = values("connection").flatMap { split($0, at: ",") }.map(trim)
        .filter { !$0.isEmpty }.map { $0.lowercased() }
    if !options.allSatisfy(isOracleToken) || options.count > 32 { return .refused }
    for name in ["host", "content-length", "transfer-encoding"] where options.contains(name) {
        return .refused
    }
    head.keepsAlive =
        !options.contains("close") && (!head.isOldVersion || options.contains("keep-alive"))
    let hasBody = head.framing != "none" && head.framing != "length(0)"
    let expected = values("expect").first?.lowercased()
    head.expectsContinue = !head.isOldVersion && hasBody && expected == "100-continue"
    let upgrades = values("upgrade").map { $0.lowercased() }
    if !upgrades.isEmpty {
        let isWebSocket =
            upgrades == ["websocket"] && options.contains("upgrade") && head.method == "GET"
            && !head.isOldVersion && !hasBody
        head.upgrade = isWebSocket ? "websocket" : "other"
    }
    let always: Set = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        "http2-settings",
    ]
    head.fields = fields.map { field in
        let name = field.name.lowercased()
        let goes = always.contains(name) || options.filter { $0 != "close" }.contains(name)
        return (goes ? "-" : "+") + field.name + ": " + field.value
    }
    return .head(head)
}
