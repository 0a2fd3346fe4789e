import Testing

@testable import Configuration

@Suite("Numbers with units")
struct QuantityTests {
    @Test(
        "a duration is read exactly and printed in its largest whole unit",
        arguments: [
            ("250ms", Duration.milliseconds(250), "250ms"), ("1.5s", .milliseconds(1500), "1500ms"),
            ("5m", .seconds(300), "5m"), ("60s", .seconds(60), "60s"), ("1h", .seconds(3600), "1h"),
            ("24h", .seconds(86400), "24h"), ("7d", .seconds(604_800), "7d"), ("0s", .zero, "0s"),
            ("0.5ms", .microseconds(500), "0.5ms"), ("0.001ms", .microseconds(1), "0.001ms"),
            ("90s", .seconds(90), "90s"), ("120s", .seconds(120), "2m"),
        ]
    )
    func durations(text: String, duration: Duration, printed: String) {
        #expect(Quantity.duration(text) == .value(duration))
        #expect(Quantity.text(duration: duration) == printed)
        #expect(Quantity.duration(printed) == .value(duration))
    }

    @Test(
        "a size is read exactly and printed in its largest whole unit",
        arguments: [
            ("512B", 512, "512B"), ("64KiB", 65536, "64KiB"), ("1.5KiB", 1536, "1536B"),
            ("10MiB", 10 << 20, "10MiB"), ("2GiB", 2 << 30, "2GiB"), ("0B", 0, "0B"),
            ("1024KiB", 1 << 20, "1MiB"), ("1TiB", 1 << 40, "1TiB"),
        ]
    )
    func sizes(text: String, size: Int, printed: String) {
        #expect(Quantity.size(text) == .value(size))
        #expect(Quantity.text(size: size) == printed)
    }

    @Test(
        "a share is read exactly and printed again",
        arguments: [
            ("50%", 0.5, "50%"), ("0%", 0, "0%"), ("100%", 1, "100%"), ("0.1%", 0.001, "0.1%"),
            ("33.3333%", 0.333333, "33.3333%"), ("7%", 0.07, "7%"),
        ]
    )
    func shares(text: String, share: Double, printed: String) {
        #expect(Quantity.share(text) == .value(share))
        #expect(Quantity.text(share: share) == printed)
    }

    @Test(
        "a number with a fraction is read exactly and printed again",
        arguments: [
            ("1.25", 1.25, "1.25"), ("0", 0, "0"), ("3", 3, "3"), ("0.84", 0.84, "0.84"),
            ("1.50", 1.5, "1.5"), ("0.000001", 0.000001, "0.000001"), ("100", 100, "100"),
        ]
    )
    func factors(text: String, factor: Double, printed: String) {
        #expect(Quantity.factor(text) == .value(factor))
        #expect(Quantity.text(factor: factor) == printed)
    }

    @Test(
        "what is no number with a fraction is refused",
        arguments: ["", ".5", "1.", "-1", "1e3", "1,5", "1.25x", "0.0000001", "nan", "0x1"]
    )
    func noFactors(text: String) {
        #expect(Quantity.factor(text) == .failure(.noNumber))
    }

    @Test(
        "what is no duration is refused for its reason",
        arguments: [
            ("2", Quantity.Failure.noUnit), ("", .noNumber), ("s", .noNumber), ("1.s", .noNumber),
            (".5s", .noNumber), ("1.2.3s", .noNumber), ("-1s", .noNumber),
            ("1 s", .unknownUnit(" s")),
            ("1S", .unknownUnit("S")), ("1min", .unknownUnit("min")), ("1e3s", .unknownUnit("e3s")),
            ("1000000000000000d", .tooLarge), ("999999999999999d", .tooLarge),
            ("0.0001ms", .noNumber), ("1.1234567s", .noNumber), ("\u{0661}s", .noNumber),
        ]
    )
    func failures(text: String, failure: Quantity.Failure) {
        #expect(Quantity.duration(text) == .failure(failure))
    }
}
