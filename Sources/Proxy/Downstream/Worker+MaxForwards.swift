import HTTP

extension Worker {
    /// The methods that Weir names where it answers for a server.
    private static let methods = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"

    /// Does what Max-Forwards of OPTIONS and TRACE asks of everybody on the way (RFC 9110 §7.6.2):
    /// it counts down where it stands, and a request that has come to its end is answered here.
    ///
    /// Returns `nil` if the request goes on, else what ``beginRequest`` returns.
    mutating func countForwards(_ slot: Int32, _ request: ReceivedRequest, _ route: Int) -> Int? {
        let method = request.head.method
        guard method == .options || method == .trace else { return nil }
        guard let index = fields.only(.maxForwards) else {
            return refuse(
                slot,
                request,
                .badRequest,
                route: route,
                because: "There is more than one Max-Forwards."
            )
        }
        let value = fields[index].value
        let digits = UnsafeMutableRawBufferPointer(
            start: request.bytes + value.start,
            count: Int(value.count)
        )
        guard !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return refuse(
                slot,
                request,
                .badRequest,
                route: route,
                because: "Max-Forwards is not a number."
            )
        }
        guard let last = digits.lastIndex(where: { $0 != 0x30 }) else {
            return endForwards(slot, request, route)
        }
        // As many digits as before, so that nothing behind them moves.
        digits[last] &-= 1
        for place in (last + 1)..<digits.count { digits[place] = 0x39 }
        return nil
    }

    /// Answers a request that was not to go any further.
    private mutating func endForwards(
        _ slot: Int32,
        _ request: ReceivedRequest,
        _ route: Int
    ) -> Int {
        if request.head.method == .options {
            return answer(slot, request, RouteAnswer(allowing: Self.methods), route: route)
        }
        // A trace would give back what only servers are to see.
        return refuse(
            slot,
            request,
            .methodRefused,
            route: route,
            because: "This server does not answer TRACE itself."
        )
    }
}
