import EventLoop
import TLS

/// Memory of encrypted connections that have nothing under way.
extension Worker {
    /// Nanoseconds without a request after which a connection gives its record buffers back, some
    /// 33 KB; whoever asks again sooner is spared making them anew.
    private static let restAfter: Int64 = 50_000_000

    /// How long a connection that is idle now is left alone at first; `wait` is how long it may
    /// stay idle.
    mutating func untilRest(_ downstream: UnsafeMutablePointer<Downstream>, _ wait: Int64) -> Int64
    {
        guard downstream.pointee.secure.isOn else { return wait }
        let rests = !isEnding(downstream) && wait > Self.restAfter &* 2
        downstream.pointee.secure.isResting = !rests
        return rests ? Self.restAfter : wait
    }

    /// Has an encrypted connection that stayed idle give its record buffers back; false if it has
    /// done so before, and its time is up.
    mutating func goesToRest(_ slot: Int32) -> Bool {
        let downstream = down[slot]
        guard let connection = downstream.pointee.secure.connection, !isEnding(downstream),
            !downstream.pointee.secure.isResting
        else { return false }
        downstream.pointee.secure.isResting = true
        // Part of a record that has come stays where it is.
        connection.freeBuffers()
        setDeadline(downstream: slot, now + (limits.keepAlive &- Self.restAfter))
        return true
    }
}
