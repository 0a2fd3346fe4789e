/// How often and how long something kept endpoints out, from when on requests count.
struct OutageLedger {
    /// One endpoint's account.
    private struct Account {
        /// Since when it is out; `Int64.max` while it is not.
        var since = Int64.max
        var times = 0
        var length: Int64 = 0
    }

    private var accounts: [Account]
    /// From when on it counts, in nanoseconds; `Int64.max` until requests count.
    private var begin = Int64.max

    init(endpoints: Int) { accounts = Array(repeating: Account(), count: endpoints) }

    /// Requests count from now on.
    mutating func begin(at now: Int64) { begin = min(begin, now) }

    /// An endpoint has been taken out, perhaps once more.
    mutating func out(_ endpoint: Int, _ now: Int64) {
        if accounts[endpoint].since == Int64.max { accounts[endpoint].since = now }
        if begin <= now { accounts[endpoint].times += 1 }
    }

    /// An endpoint is back.
    mutating func back(_ endpoint: Int, _ now: Int64) {
        accounts[endpoint].length = length(endpoint, now)
        accounts[endpoint].since = Int64.max
    }

    /// How often an endpoint was taken out.
    func times(_ endpoint: Int) -> Int { accounts[endpoint].times }

    /// How long it was out up to now, in nanoseconds.
    func length(_ endpoint: Int, _ now: Int64) -> Int64 {
        let account = accounts[endpoint]
        guard account.since != Int64.max, begin < now else { return account.length }
        return account.length &+ max(0, now &- max(account.since, begin))
    }
}
