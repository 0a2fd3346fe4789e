/// What the file wrote for texts that came from the environment, so that printing the
/// configuration does not show what the environment holds.
///
/// Says nothing about what the configuration does: all are equal.
struct WrittenTexts: Sendable, Equatable {
    /// By the text as the configuration has it.
    var texts: [String: String] = [:]
    /// Templates with what was written for them.
    var templates: [(template: Template, written: String)] = []

    static func == (_: WrittenTexts, _: WrittenTexts) -> Bool { true }

    /// What was written for the template, if it came from the environment.
    func written(_ template: Template) -> String? {
        templates.first { $0.template == template }?.written
    }
}

/// Collects ``WrittenTexts`` while a file is checked.
final class WrittenRecorder {
    private(set) var texts = WrittenTexts()

    /// Notes that `value` was made from `text`, where that came from the environment.
    func remember(_ value: String, _ text: ScalarText) {
        if text.isFilled, !text.isPart { texts.texts[value] = text.written }
    }

    /// Notes that `template` was made from `text`, where that came from the environment.
    func remember(_ template: Template, _ text: ScalarText) {
        if text.isFilled { texts.templates.append((template, text.written)) }
    }
}
