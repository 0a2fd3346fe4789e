/// What an answer's head means, read slowly with strings and without any code of the parser.
struct OracleAnswer: Equatable {
    var status = 0
    var reason = ""
    var isOldVersion = false
    var length: UInt64?
    var isChunked = false
    var keepsAlive = true
    var becomesWebSocket = false
    /// The names of fields to be passed on.
    var passed: [String] = []
    var size = 0
}

/// Reads the answer's head that `bytes` begin with; nil if it is refused or incomplete.
func readAnswerSlowly(_ bytes: [UInt8]) -> OracleAnswer? {
    guard case .lines(let lines, let size) = readLinesSlowly(bytes, skipping: 0),
        var answer = readStatusLine(lines[0])
    else { return nil }
    answer.size = size
    var fields: [OracleLine] = []
    for line in lines.dropFirst() {
        guard let field = readField(line) else { return nil }
        fields.append((field.name.lowercased(), field.value))
    }
    func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
    let codings = values("transfer-encoding").map { $0.lowercased() }
    let lengths = values("content-length")
    if !codings.isEmpty {
        guard codings == ["chunked"], lengths.isEmpty, !answer.isOldVersion,
            answer.status >= 200, answer.status != 204
        else { return nil }
        answer.isChunked = true
    }
    if !lengths.isEmpty {
        guard lengths.count == 1, (1...18).contains(lengths[0].utf8.count),
            lengths[0].utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        answer.length = UInt64(lengths[0])
    }
    let options = values("connection").flatMap { split($0, at: ",") }.map(trim)
        .filter { !$0.isEmpty }.map { $0.lowercased() }
    let framing: Set = ["host", "content-length", "transfer-encoding"]
    guard options.allSatisfy(isOracleToken), options.count <= 32,
        framing.isDisjoint(with: options)
    else { return nil }
    answer.keepsAlive =
        !options.contains("close") && (!answer.isOldVersion || options.contains("keep-alive"))
    answer.becomesWebSocket =
        answer.status == 101 && options.contains("upgrade")
        && values("upgrade").map { $0.lowercased() } == ["websocket"]
    var dropped = Set(options).subtracting(["close"]).union([
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        "http2-settings",
    ])
    if answer.status < 200 || answer.status == 204 { dropped.insert("content-length") }
    answer.passed = fields.map(\.name).filter { !dropped.contains($0) }
    return answer
}

private func readStatusLine(_ line: String) -> OracleAnswer? {
    let scalars = Array(line.unicodeScalars)
    guard scalars.count >= 12, line.hasPrefix("HTTP/1."), ("0"..."9").contains(scalars[7]),
        scalars[8] == " ", scalars.count == 12 || scalars[12] == " "
    else { return nil }
    var digits = ""
    digits.unicodeScalars.append(contentsOf: scalars[9..<12])
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let status = Int(digits),
        (100...599).contains(status)
    else { return nil }
    var answer = OracleAnswer()
    answer.isOldVersion = scalars[7] == "0"
    answer.status = status
    answer.reason.unicodeScalars.append(contentsOf: scalars.dropFirst(13))
    let isClean = scalars.allSatisfy { $0 == "\t" || ($0 >= " " && $0 != "\u{7f}") }
    return isClean ? answer : nil
}
