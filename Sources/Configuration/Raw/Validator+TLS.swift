extension Validator {
    /// A suite that is safe.
    func suite(_ text: ScalarText, _ place: Place) -> RawValue? {
        let name = text.text
        if TLSNames.suites.contains(name) { return .text(text) }
        let shown = text.written.shown
        if text.isFilled {
            reportUnknown(text, place, "suite", among: TLSNames.suites)
        } else if name.contains(where: { ":!@+ ".contains($0) }) {
            reporter.error(
                .suite,
                place,
                "\(shown) is a cipher string, not a suite",
                remedy: "write a list of names: [\(TLSNames.suites[0]), \(TLSNames.suites[3])]"
            )
        } else if let other = TLSNames.suite(alias: name) {
            reporter.error(
                .suite,
                place,
                "\(shown) is known by another name here",
                remedy: "write \(other)"
            )
        } else if let reason = TLSNames.weakness(ofSuite: name) {
            reporter.error(
                .suite,
                place,
                "\(shown) is a weak suite: \(reason)",
                remedy: "remove it; without suites all safe ones are taken"
            )
        } else {
            reportUnknown(text, place, "suite", among: TLSNames.suites)
        }
        return nil
    }

    /// A group for key exchange that is safe.
    func group(_ text: ScalarText, _ place: Place) -> RawValue? {
        let name = text.text
        if TLSNames.groups.contains(name) { return .text(text) }
        let shown = text.written.shown
        if !text.isFilled, let other = TLSNames.group(alias: name) {
            reporter.error(
                .suite,
                place,
                "\(shown) is known by another name here",
                remedy: "write \(other)"
            )
        } else if !text.isFilled, TLSNames.isWeak(group: name) {
            reporter.error(
                .suite,
                place,
                "\(shown) is a weak group",
                remedy: "remove it; groups here: " + TLSNames.groups.joined(separator: ", ")
            )
        } else {
            reportUnknown(text, place, "group", among: TLSNames.groups)
        }
        return nil
    }

    private func reportUnknown(
        _ text: ScalarText,
        _ place: Place,
        _ noun: String,
        among names: [String]
    ) {
        var remedy = "\(noun)s here: " + names.joined(separator: ", ")
        if !text.isFilled, let near = nearestName(to: text.text, among: names) {
            remedy = "did you mean \"\(near)\"?"
        }
        reporter.error(
            .suite,
            place,
            "no \(noun) is called \(text.written.shown)",
            remedy: remedy
        )
    }
}
