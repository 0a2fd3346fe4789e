/// Numbers as text, by integers only, so that no machine writes other digits.
enum FixedPoint {
    /// `number` ÷ 10^`places`, with all its places.
    static func text(_ number: Int64, places: Int) -> String {
        guard places > 0 else { return String(number) }
        let digits = String(number.magnitude)
        let zeros = String(repeating: "0", count: max(0, places + 1 - digits.count))
        let padded = zeros + digits
        let point = padded.index(padded.endIndex, offsetBy: -places)
        return (number < 0 ? "-" : "") + padded[..<point] + "." + padded[point...]
    }

    /// Nanoseconds as milliseconds with two places.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        text(rounded(nanoseconds, by: 10_000), places: 2)
    }

    /// Nanoseconds as seconds with six places.
    static func seconds(_ nanoseconds: Int64) -> String {
        text(rounded(nanoseconds, by: 1000), places: 6)
    }

    /// Nanoseconds as seconds with one place.
    static func tenths(_ nanoseconds: Int64) -> String {
        text(rounded(nanoseconds, by: 100_000_000), places: 1)
    }

    /// A share of 0 to 1 in per cent with two places, without the sign.
    static func percent(_ share: Double) -> String { decimal(share * 100, places: 2) }

    /// A number with a fixed number of places, 0 to 9.
    static func decimal(_ number: Double, places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = number * scale
        guard scaled.isFinite, scaled.magnitude < 9e18 else { return "-" }
        return text(Int64(scaled + (scaled < 0 ? -0.5 : 0.5)), places: places)
    }

    /// A whole number with commas between thousands.
    static func grouped(_ number: Int) -> String {
        var groups: [Substring] = []
        var digits = Substring(String(number.magnitude))
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = digits.dropLast(3)
        }
        groups.insert(digits, at: 0)
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    private static func rounded(_ number: Int64, by unit: Int64) -> Int64 {
        number / unit + (number % unit * 2 >= unit ? 1 : 0)
    }
}
