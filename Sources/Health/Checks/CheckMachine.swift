/// What one endpoint's active checks say of it, after each of them.
///
/// The first result decides alone: as if all before it had been like it.
public struct CheckMachine: Sendable, BitwiseCopyable {
    /// What a result has changed.
    public enum OnResult: Equatable, Sendable {
        /// Nothing.
        case unchanged
        /// The endpoint is up now.
        case up
        /// It is down now.
        case down
    }

    private enum Rule: BitwiseCopyable {
        /// So many contrary results in a row change the state.
        case consecutive(rise: UInt8, fall: UInt8)
        /// Down while at least `bad` of the last `of` failed.
        case window(bad: UInt8, of: UInt8)
    }

    private let rule: Rule
    /// The newest results, the last in the lowest bit; 1 is a failure.
    private var failures: UInt64 = 0
    /// Results in a row that disagree with the state, at most 255.
    private var contrary: UInt8 = 0
    private var hasResult = false
    /// Whether the endpoint is up.
    public private(set) var isUp: Bool

    /// A machine that has seen nothing yet.
    ///
    /// `isDown`: whether the endpoint is down by what others have seen.
    public init(_ options: CheckOptions, isDown: Bool = false) {
        switch options.rule {
        case .consecutive(let rise, let fall):
            rule = .consecutive(
                rise: UInt8(clamping: max(1, rise)),
                fall: UInt8(clamping: max(1, fall))
            )
        case .window(let bad, let of):
            let of = min(64, max(1, of))
            rule = .window(bad: UInt8(min(of, max(1, bad))), of: UInt8(of))
        }
        isUp = options.isInitiallyUp && !isDown
    }

    /// Whether the last result disagrees with the state.
    public var isChanging: Bool { contrary > 0 }

    /// A check has passed.
    public mutating func passed() -> OnResult { took(isGood: true) }

    /// A check has failed.
    public mutating func failed() -> OnResult { took(isGood: false) }

    private mutating func took(isGood: Bool) -> OnResult {
        let shouldBeUp: Bool
        if !hasResult {
            hasResult = true
            failures = isGood ? 0 : .max
            shouldBeUp = isGood
        } else {
            failures = failures << 1 | (isGood ? 0 : 1)
            contrary = isGood == isUp ? 0 : contrary &+ (contrary < .max ? 1 : 0)
            shouldBeUp = verdict()
        }
        guard shouldBeUp != isUp else { return .unchanged }
        isUp = shouldBeUp
        contrary = 0
        return isUp ? .up : .down
    }

    /// Whether the endpoint should be up.
    private func verdict() -> Bool {
        switch rule {
        case .consecutive(let rise, let fall):
            return contrary >= (isUp ? fall : rise) ? !isUp : isUp
        case .window(let bad, let of):
            let seen = of == 64 ? failures : failures & ((1 << UInt64(of)) &- 1)
            return seen.nonzeroBitCount < Int(bad)
        }
    }

    /// Nanoseconds from the end of one check to the next: as the options have it for the state,
    /// a tenth more or less.
    ///
    /// That of a state that may be about to change comes before that of one that is down.
    public func wait(_ options: CheckOptions, random: UInt64) -> Int64 {
        let every = isChanging ? options.everyChanging : isUp ? options.every : options.everyDown
        let time = max(1_000_000, every.inNanoseconds)
        let tenth = time / 10
        let part = (UInt64(tenth) * 2 + 1).multipliedFullWidth(by: random).high
        return time &- tenth &+ min(Int64(clamping: part), .max &- (time &- tenth))
    }
}
