import Synchronization

/// Serial numbers for certificates, each given once.
enum Serials {
    private static let last = Mutex(1000)

    static func next() -> Int {
        last.withLock { number in
            number += 1
            return number
        }
    }
}
