extension Checker {
    /// Bytes of a service's name.
    private static var serviceLength: ClosedRange<Int> { 1...128 }
    /// Bytes of a collector's URL.
    private static var longestURL: Int { 1024 }

    /// What the file says of traces.
    func tracing(_ all: RawMap) -> TracingConfig {
        var config = TracingConfig()
        guard let map = all.map(TopLevelKeys.tracing) else { return config }
        config.propagates = map.bool(TracingKeys.propagate)
        config.sample = map.share(TracingKeys.sample)
        if let item = map.item(TracingKeys.service), let text = item.text {
            config.service = text.text
            written.remember(text.text, text)
            checkService(text, item.place)
        }
        config.export = map.item(TracingKeys.export).flatMap(collector)
        if config.export != nil { config.resolver = resolver(RawMap(place: map.place)) }
        return config
    }

    private func checkService(_ text: ScalarText, _ place: Place) {
        let isGood = text.text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        if isGood, Self.serviceLength.contains(text.text.utf8.count) { return }
        reporter.error(
            .name,
            place,
            "\(text.written.shown) is no name of a service",
            remedy: "write 1 to \(Self.serviceLength.upperBound) bytes without control "
                + "characters, for example \(TracingKeys.service.example)"
        )
    }

    /// Where a collector takes spans, or a report.
    private func collector(_ item: RawItem) -> CollectorURL? {
        guard let text = item.text else { return nil }
        guard let url = CollectorURL(text.text), text.text.utf8.count <= Self.longestURL else {
            reporter.error(
                .collectorURL,
                item.place,
                "\(text.written.shown) is no URL of a collector",
                remedy: "write \(TracingKeys.export.example): scheme, host and port"
            )
            return nil
        }
        written.remember(url.description, text)
        return url
    }
}

extension CollectorURL {
    /// The URL in `text`; `nil` if it is none, or says more than scheme, host, port, path and
    /// query.
    public init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let end = text[mark.upperBound...].firstIndex { "/?#".contains($0) } ?? text.endIndex
        guard let origin = WebOrigin(String(text[..<end])) else { return nil }
        self.origin = origin
        let target = String(text[end...])
        // A target of visible ASCII cannot end its line.
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !target.contains("#")
        else { return nil }
        path = target.isEmpty || target == "/" ? Self.usualPath : target
        if path.hasPrefix("?") { path = "/" + path }
    }
}
