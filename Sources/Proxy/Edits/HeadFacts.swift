import CLinux
import HTTP

/// What the variables in a field's value stand for in one request.
struct HeadFacts: BitwiseCopyable {
    /// The request's head; the ranges lie in it.
    var head: UnsafeRawBufferPointer
    var method = ByteRange.empty
    var host = ByteRange.empty
    var path = ByteRange.empty
    var query = ByteRange.empty
    var hasQuery = false
    /// The id that a trusted peer gave the request; empty where Weir made it.
    var foreignID = ByteRange.empty
    var id: RequestID
    var client: weir_address
    var isSecure = false
    var route = UnsafeRawBufferPointer(start: nil, count: 0)
    var pool = UnsafeRawBufferPointer(start: nil, count: 0)
    var server = UnsafeRawBufferPointer(start: nil, count: 0)
    var identity = ClientIdentity()

    /// Facts of a request as it came.
    init(_ request: ReceivedRequest, client: weir_address) {
        head = UnsafeRawBufferPointer(start: request.bytes, count: request.head.headSize)
        method = request.head.methodName
        host = request.head.authority
        path = request.head.path
        query = request.head.query
        hasQuery = request.head.hasQuery
        id = request.id
        self.client = client
    }

    /// Facts of a request by its head as it goes to a server.
    init(_ exchange: UnsafeMutablePointer<Exchange>) {
        let request = exchange.pointee.request
        let end = request.base == nil ? 0 : Int(exchange.pointee.headEnd)
        head = UnsafeRawBufferPointer(start: request.base, count: end)
        method = exchange.pointee.methodRange
        host = exchange.pointee.hostRange
        foreignID = exchange.pointee.idRange
        id = exchange.pointee.requestID
        client = exchange.pointee.client
        isSecure = exchange.pointee.flags.contains(.https)
        start = Int(request.start)
        let target = exchange.pointee.targetRange
        path = target
        guard target.end <= end else { return }
        var index = target.start
        while index < target.end, head[index] != UInt8(ascii: "?") { index &+= 1 }
        path = ByteRange(from: target.start, to: index)
        hasQuery = index < target.end
        if hasQuery { query = ByteRange(from: index &+ 1, to: target.end) }
    }

    /// Where the head begins in its memory.
    private(set) var start = 0

    /// The head's lines.
    var lines: HeadText {
        HeadText(UnsafeRawBufferPointer(rebasing: head[min(start, head.count)...]))
    }

    /// The bytes of a range of the head.
    func bytes(_ range: ByteRange) -> UnsafeRawBufferPointer {
        guard range.end <= head.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: head[range.start..<range.end])
    }
}

/// Who the client is by its certificate: text in memory of its connection; empty without one.
struct ClientIdentity: BitwiseCopyable {
    var subject = UnsafeRawBufferPointer(start: nil, count: 0)
    var names = UnsafeRawBufferPointer(start: nil, count: 0)
    var fingerprint = UnsafeRawBufferPointer(start: nil, count: 0)
}
