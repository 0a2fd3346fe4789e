/// Numbers with units, to and from text.
enum Quantity {
    /// What is wrong with a quantity.
    enum Failure: Equatable {
        case noUnit
        case unknownUnit(String)
        case noNumber
        case tooLarge
    }

    /// A quantity, or what is wrong with it.
    enum Parsed<Value: Equatable>: Equatable {
        case value(Value)
        case failure(Failure)

        /// The quantity, if it is one.
        var number: Value? { if case .value(let value) = self { value } else { nil } }
    }

    private static let durationUnits: [(String, Int)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000),
        ("ms", 1000),
    ]
    private static let sizeUnits: [(String, Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// `250ms`, `1.5s`, `5m`, `1h`, `7d`; exact to a microsecond.
    static func duration(_ text: String) -> Parsed<Duration> {
        switch parse(text, units: durationUnits) {
        case .value(let microseconds): .value(.microseconds(microseconds))
        case .failure(let failure): .failure(failure)
        }
    }

    /// `512B`, `64KiB`, `10MiB`, in bytes.
    static func size(_ text: String) -> Parsed<Int> {
        parse(text, units: sizeUnits)
    }

    /// `50%` or `0.1%`, exact to a millionth, as 0 to 1.
    static func share(_ text: String) -> Parsed<Double> {
        switch parse(text, units: [("%", 10_000)]) {
        case .value(let millionths):
            millionths <= 1_000_000 ? .value(Double(millionths) / 1_000_000) : .failure(.tooLarge)
        case .failure(let failure): .failure(failure)
        }
    }

    /// `1.25`, `3`, `0.84`, exact to a millionth.
    static func factor(_ text: String) -> Parsed<Double> {
        switch parse(text + "x", units: [("x", 1_000_000)]) {
        case .value(let millionths): .value(Double(millionths) / 1_000_000)
        case .failure(.tooLarge): .failure(.tooLarge)
        case .failure: .failure(.noNumber)
        }
    }

    /// `2000/s`, `30/m`, `5/h`, exact to a millionth of one an hour, as events in a second.
    static func rate(_ text: String) -> Parsed<Double> {
        let units = [("/s", 3_600_000_000), ("/m", 60_000_000), ("/h", 1_000_000)]
        switch parse(text, units: units) {
        case .value(let number): return .value(Double(number) / 3_600_000_000)
        case .failure(let failure): return .failure(failure)
        }
    }

    /// The duration in the largest unit that leaves a whole number.
    static func text(duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
        if microseconds == 0 { return "0s" }
        // Days read worse than hours up to two of them.
        for (unit, factor) in durationUnits where microseconds % factor == 0 {
            if unit == "d", microseconds / factor < 2 { continue }
            if unit == "m", microseconds / factor < 2 { continue }
            return "\(microseconds / factor)\(unit)"
        }
        return decimal(microseconds, scale: 1000) + "ms"
    }

    /// The size in the largest unit that leaves a whole number.
    static func text(size: Int) -> String {
        if size == 0 { return "0B" }
        for (unit, factor) in sizeUnits where size % factor == 0 {
            return "\(size / factor)\(unit)"
        }
        return "\(size)B"
    }

    /// The share in per cent.
    static func text(share: Double) -> String {
        decimal(Int((share * 1_000_000).rounded()), scale: 10_000) + "%"
    }

    /// The number without needless zeros.
    static func text(factor: Double) -> String {
        decimal(Int((factor * 1_000_000).rounded()), scale: 1_000_000)
    }

    /// The rate in the shortest time that gives an exact number.
    static func text(rate: Double) -> String {
        let number = Int((rate * 3_600_000_000).rounded())
        if number % 3600 == 0 { return decimal(number / 3600, scale: 1_000_000) + "/s" }
        if number % 60 == 0 { return decimal(number / 60, scale: 1_000_000) + "/m" }
        return decimal(number, scale: 1_000_000) + "/h"
    }

    /// A number of which `scale` (a power of ten) are 1, without needless zeros.
    private static func decimal(_ number: Int, scale: Int) -> String {
        var text = "\(number / scale)"
        let rest = number % scale
        if rest == 0 { return text }
        var digits = String(rest + scale).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        text += "." + digits
        return text
    }

    /// A decimal number directly before its unit, in the smallest unit; a remainder is refused.
    private static func parse(_ text: String, units: [(String, Int)]) -> Parsed<Int> {
        let number = text.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
        let unit = String(text[number.endIndex...])
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, parts.count <= 2,
            parts.count == 1 || parts.last?.isEmpty == false
        else { return .failure(.noNumber) }
        if unit.isEmpty { return .failure(.noUnit) }
        guard let factor = units.first(where: { $0.0 == unit })?.1 else {
            return .failure(.unknownUnit(unit))
        }
        guard whole.count <= 18, let base = Int(whole) else { return .failure(.tooLarge) }
        let (scaled, overflow) = base.multipliedReportingOverflow(by: factor)
        guard !overflow else { return .failure(.tooLarge) }
        guard parts.count == 2, let fraction = parts.last else { return .value(scaled) }
        guard fraction.count <= 6, let numerator = Int(fraction) else { return .failure(.noNumber) }
        var scale = 1
        for _ in 0..<fraction.count { scale *= 10 }
        let (product, overflowed) = numerator.multipliedReportingOverflow(by: factor)
        guard !overflowed, product % scale == 0 else { return .failure(.noNumber) }
        let (sum, tooLarge) = scaled.addingReportingOverflow(product / scale)
        return tooLarge ? .failure(.tooLarge) : .value(sum)
    }
}
