/// What a look at changed files has brought.
enum FileNews<Made> {
    /// The files have changed, and what they hold is good.
    case changed(Made)
    /// The files cannot be used, and why; what was read last stays.
    case bad(String)
}

/// Tells when something that is made of files is to be made anew, and when to say that it cannot.
struct ChangeWatch {
    /// Looks at changed files that do not fit each other before it is said: a certificate and its
    /// key are mostly replaced one after the other.
    private static let patience = 2

    private var stamps: [String: FileStamp] = [:]
    private var problem: String?
    private var failures = 0
    private var isPending = false

    /// The files are read for the first time; their stamps were taken before.
    mutating func begin(_ current: [String: FileStamp]) { stamps = current }

    /// Makes the thing anew if a file has changed; `nil` where there is no news.
    ///
    /// `current`: stamps taken before anything is read, so that what is written meanwhile is read
    /// at the next look.
    mutating func look<Made>(
        _ current: [String: FileStamp],
        make: () throws(StartError) -> Made
    ) -> FileNews<Made>? {
        guard current != stamps || isPending else { return nil }
        stamps = current
        do throws(StartError) {
            let made = try make()
            isPending = false
            failures = 0
            problem = nil
            return .changed(made)
        } catch {
            isPending = true
            failures += 1
            guard failures >= Self.patience, problem != error.description else { return nil }
            problem = error.description
            return .bad(error.description)
        }
    }
}
