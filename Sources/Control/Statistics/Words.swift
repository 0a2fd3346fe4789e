import Configuration

/// How figures are written for people, in `weir status` and `weir top`.
enum Words {
    /// `812 µs`, `4.2 ms`, `1.25 s` for seconds; `-` for none.
    static func time(_ seconds: Double?) -> String {
        guard let seconds else { return "-" }
        if seconds >= 1 { return JSONValue.text(of: (seconds * 100).rounded() / 100) + " s" }
        if seconds >= 0.001 { return JSONValue.text(of: (seconds * 1e4).rounded() / 10) + " ms" }
        return String(Int((max(0, seconds) * 1e6).rounded())) + " µs"
    }

    /// `3d 4h`, `12m 5s`: two units at the most.
    static func span(_ seconds: Double) -> String {
        let whole = Int(exactly: max(0, seconds).rounded(.down)) ?? 0
        let parts = [(whole / 86_400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m")]
        let shown = parts.drop { $0.0 == 0 }.prefix(2).map { "\($0.0)\($0.1)" }
        return shown.count < 2
            ? (shown + ["\(whole % 60)s"]).joined(separator: " ")
            : shown.joined(separator: " ")
    }

    /// A whole number; `-` for none.
    static func count(_ value: Double?) -> String {
        value.flatMap { Int(exactly: $0.rounded(.down)) }.map(String.init) ?? "-"
    }

    /// At most six characters: `12`, `0.4`, `12.3k`, `4.5M`; `-` for none.
    static func short(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        if value >= 1e7 { return tenths(value / 1e6) + "M" }
        if value >= 1e4 { return tenths(value / 1e3) + "k" }
        return value >= 100 ? count(value.rounded()) : tenths(value)
    }

    /// `42.1 MiB` for bytes; `-` for none.
    static func megabytes(_ bytes: Double?) -> String {
        bytes.map { tenths($0 / 1_048_576) + " MiB" } ?? "-"
    }

    /// `0.5 %` for a share of 0.005.
    static func percent(_ share: Double) -> String { tenths(share * 100) + " %" }

    /// `14:03:09` in UTC for seconds since 1970.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(exactly: max(0, seconds).rounded(.down)) ?? 0
        let parts = [whole / 3600 % 24, whole / 60 % 60, whole % 60]
        return parts.map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
    }

    private static func tenths(_ value: Double) -> String {
        JSONValue.text(of: (value * 10).rounded() / 10)
    }
}
