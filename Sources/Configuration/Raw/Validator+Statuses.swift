import HTTP

extension Validator {
    /// A status code, or a class of them, or the name of one of `calls`.
    ///
    /// The numbers of gRPC's stand below those of HTTP.
    func status(
        _ text: ScalarText,
        _ key: Key,
        _ place: Place,
        calls: [GRPCStatus] = []
    ) -> RawValue? {
        let value = text.text
        if let call = calls.first(where: { "\($0.name)" == value }) {
            return .codes(Int(call.rawValue)...Int(call.rawValue))
        }
        let digits = value.utf8.allSatisfy { (48...57).contains($0) }
        if digits, !value.isEmpty {
            guard let code = Int(value), (200...599).contains(code) else {
                reportRange(text, "200 to 599", key, place)
                return nil
            }
            return .codes(code...code)
        }
        if value.utf8.count == 3, value.hasSuffix("xx"), let first = value.first?.wholeNumberValue,
            (2...5).contains(first), value.utf8.first.map({ (48...57).contains($0) }) == true
        {
            return .codes(first * 100...first * 100 + 99)
        }
        var remedy = "write a code or a class of them: 503, 5xx"
        if !key.words.isEmpty { remedy += ", or " + key.words.joined(separator: " or ") }
        let classes = ["2xx", "3xx", "4xx", "5xx"]
        let names = calls.map { "\($0.name)" }
        if let near = nearestName(to: value, among: classes + key.words + names) {
            remedy = "did you mean \"\(near)\"?"
        }
        reporter.error(
            .value,
            place,
            "\(text.written.shown) is no status of answers",
            remedy: remedy
        )
        return nil
    }

    /// So many of so many: `3 of 5`.
    func window(_ text: ScalarText, _ key: Key, _ place: Place) -> RawValue? {
        let parts = text.text.split(separator: " ")
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil
        }
        guard parts.count == 3, parts[1] == "of", numbers.count == 2 else {
            reporter.error(
                .type,
                place,
                "\(text.written.shown) is no window",
                remedy: "write how many of how many: \(key.example)"
            )
            return nil
        }
        guard (1...64).contains(numbers[1]), (1...numbers[1]).contains(numbers[0]) else {
            reportRange(text, "1 of 1 to 64 of 64, the first not above the second", key, place)
            return nil
        }
        return .window(bad: numbers[0], of: numbers[1])
    }
}
