import HTTP

extension Validator {
    /// A scalar's value by the type of its key; the scalar's own look does not matter.
    func scalar(
        _ text: ScalarText,
        as type: ValueType,
        for key: Key,
        at place: Place
    ) -> RawValue? {
        switch type {
        case .bool: return bool(text, key, place)
        case .count(let range): return count(text, range, key, place)
        case .size(let range): return size(text, range, key, place)
        case .duration(let range): return duration(text, range, key, place)
        case .share: return share(text, key, place)
        case .factor(let range): return factor(text, range, key, place)
        case .rate: return rate(text, key, place)
        case .octal: return octal(text, key, place)
        case .word(let words): return word(text, words, key, place)
        case .status: return status(text, key, place)
        case .answerStatus: return status(text, key, place, calls: GRPCStatus.failures)
        case .window: return window(text, key, place)
        case .suite: return suite(text, place)
        case .group: return group(text, place)
        case .listenAddress, .serverAddress, .nameServer, .file, .logTarget:
            return reporter.isPath(text, at: place) ? .text(text) : nil
        default: return .text(text)
        }
    }

    private func bool(_ text: ScalarText, _ key: Key, _ place: Place) -> RawValue? {
        switch text.text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            let wanted: String? =
                switch text.text.lowercased() {
                case "yes", "on", "true", "1", "y": "true"
                case "no", "off", "false", "0", "n": "false"
                default: nil
                }
            reporter.error(
                .type,
                place,
                "\(text.written.shown) is neither true nor false",
                remedy: wanted.map { "write \($0)" }
                    ?? "write " + (["true", "false"] + key.words).joined(separator: " or ")
            )
            return nil
        }
    }

    private func count(
        _ text: ScalarText,
        _ range: ClosedRange<Int>,
        _ key: Key,
        _ place: Place
    ) -> RawValue? {
        let digits = text.text.utf8
        let isNegative = digits.first == UInt8(ascii: "-") && digits.count > 1
        let number = isNegative ? digits.dropFirst() : digits[...]
        guard !number.isEmpty, number.allSatisfy({ (48...57).contains($0) }) else {
            var choices = "write a whole number, for example \(key.example)"
            if case .map = key.type { choices = "write a whole number" }
            if !key.words.isEmpty { choices += ", or " + key.words.joined(separator: " or ") }
            reporter.error(
                .type,
                place,
                "\(text.written.shown) is no whole number",
                remedy: key.remedy(forRefusal: text.text) ?? choices
            )
            return nil
        }
        guard let value = Int(text.text), range.contains(value) else {
            reportRange(text, "\(range.lowerBound) to \(range.upperBound)", key, place)
            return nil
        }
        return .count(value)
    }

    /// Reports a value that is well but too small or too large.
    func reportRange(_ text: ScalarText, _ range: String, _ key: Key, _ place: Place) {
        reporter.error(
            .range,
            place,
            "\(text.written.shown) is out of range for \"\(key.name)\"",
            remedy: "write \(range)" + key.words.map { ", or \($0)" }.joined()
        )
    }

    private func size(
        _ text: ScalarText,
        _ range: ClosedRange<Int>,
        _ key: Key,
        _ place: Place
    ) -> RawValue? {
        switch Quantity.size(text.text) {
        case .value(let bytes):
            guard range.contains(bytes) else {
                let words =
                    "\(Quantity.text(size: range.lowerBound)) to "
                    + Quantity.text(size: range.upperBound)
                reportRange(text, words, key, place)
                return nil
            }
            return .count(bytes)
        case .failure(let failure):
            report(failure, text, kind: "size", examples: "512B, 64KiB, 10MiB", key, place)
            return nil
        }
    }

    private func duration(
        _ text: ScalarText,
        _ range: ClosedRange<Duration>,
        _ key: Key,
        _ place: Place
    ) -> RawValue? {
        switch Quantity.duration(text.text) {
        case .value(let duration):
            guard range.contains(duration) else {
                let words =
                    "\(Quantity.text(duration: range.lowerBound)) to "
                    + Quantity.text(duration: range.upperBound)
                reportRange(text, words, key, place)
                return nil
            }
            return .duration(duration)
        case .failure(.noUnit) where text.text == "0" && range.lowerBound > .zero:
            let (least, most) = (range.lowerBound, range.upperBound)
            let words = "\(Quantity.text(duration: least)) to \(Quantity.text(duration: most))"
            reportRange(text, words, key, place)
            return nil
        case .failure(let failure):
            let examples =
                text.text.utf8.allSatisfy { (48...57).contains($0) }
                    && text.text.utf8.count < 4 && !text.text.isEmpty
                ? "\(text.text)s, 500ms, 1m" : "2s, 500ms, 1m"
            report(failure, text, kind: "duration", examples: examples, key, place)
            return nil
        }
    }

    private func report(
        _ failure: Quantity.Failure,
        _ text: ScalarText,
        kind: String,
        examples: String,
        _ key: Key,
        _ place: Place
    ) {
        let words = key.words.map { ", or \($0)" }.joined()
        let remedy =
            key.remedy(forRefusal: text.text) ?? "write a \(kind): \(examples)\(words)"
        switch failure {
        case .noUnit:
            reporter.error(
                .unit,
                place,
                "\(text.written.shown) has no unit",
                remedy: remedy
            )
        case .unknownUnit(let unit):
            reporter.error(
                .unit,
                place,
                "\(text.written.shown) has an unknown unit, \(unit.shown)",
                remedy: remedy
            )
        case .noNumber:
            reporter.error(
                .type,
                place,
                "\(text.written.shown) is no \(kind)",
                remedy: remedy
            )
        case .tooLarge:
            reporter.error(
                .range,
                place,
                "\(text.written.shown) is out of range for \"\(key.name)\"",
                remedy: remedy
            )
        }
    }

    private func share(_ text: ScalarText, _ key: Key, _ place: Place) -> RawValue? {
        switch Quantity.share(text.text) {
        case .value(let share): return .share(share)
        case .failure(.tooLarge):
            reportRange(text, "0% to 100%", key, place)
        case .failure(let failure):
            report(failure, text, kind: "share", examples: "50%, 0.1%", key, place)
        }
        return nil
    }

    private func factor(
        _ text: ScalarText,
        _ range: ClosedRange<Double>,
        _ key: Key,
        _ place: Place
    ) -> RawValue? {
        switch Quantity.factor(text.text) {
        case .value(let factor):
            if range.contains(factor) { return .factor(factor) }
        case .failure(.tooLarge):
            break
        case .failure:
            let words = key.words.map { ", or \($0)" }.joined()
            reporter.error(
                .type,
                place,
                "\(text.written.shown) is no number",
                remedy: "write a number, for example \(key.example)\(words)"
            )
            return nil
        }
        let bounds =
            "\(Quantity.text(factor: range.lowerBound)) to "
            + Quantity.text(factor: range.upperBound)
        reportRange(text, bounds, key, place)
        return nil
    }

    private func rate(_ text: ScalarText, _ key: Key, _ place: Place) -> RawValue? {
        switch Quantity.rate(text.text) {
        case .value(let rate):
            if rate >= 1 / 3600, rate <= 1_000_000 { return .factor(rate) }
            reportRange(text, "1/h to 1000000/s", key, place)
        case .failure(let failure):
            report(failure, text, kind: "rate", examples: "2000/s, 30/m", key, place)
        }
        return nil
    }

    private func octal(_ text: ScalarText, _ key: Key, _ place: Place) -> RawValue? {
        let digits = text.text.hasPrefix("0o") ? text.text.dropFirst(2) : text.text[...]
        let isOctal = digits.utf8.allSatisfy { (48...55).contains($0) }
        guard isOctal, (3...4).contains(digits.utf8.count), let mode = Int(digits, radix: 8),
            mode <= 0o777
        else {
            reporter.error(
                .range,
                place,
                "\(text.written.shown) is no set of rights",
                remedy: "write three octal digits, for example \(key.example)"
            )
            return nil
        }
        return .count(mode)
    }

    private func word(
        _ text: ScalarText,
        _ words: [String],
        _ key: Key,
        _ place: Place
    ) -> RawValue? {
        if words.contains(text.text) { return .text(text) }
        let all = words + key.words
        var remedy = "write " + all.joined(separator: ", ")
        if key.words.contains(text.text) {
            remedy = "write it alone, without brackets: \(key.name): \(text.text)"
        } else if let near = nearestName(to: text.text, among: all) {
            remedy = "did you mean \"\(near)\"?"
        }
        reporter.error(
            .value,
            place,
            "\"\(key.name)\" does not know \(text.written.shown)",
            remedy: remedy
        )
        return nil
    }
}
