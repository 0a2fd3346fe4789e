import HTTP

/// The HTTP conversation of one active check: bytes in, verdict out.
///
/// The caller sends ``request(_:host:)``, shows what comes, and closes the connection once there
/// is a verdict, which is as soon as nothing that may still come can change it.
public struct CheckConversation: Sendable {
    /// What the bytes so far amount to.
    public enum Step: Equatable, Sendable {
        /// So many of the bytes are used; the others are to be shown again with those to come.
        case needMore(used: Int)
        /// The server is well.
        case passed
        /// It is not.
        case failed(CheckFailure)
    }

    /// Bytes of the answer's head; more are no good answer.
    public static let mostHead = 16 * 1024
    /// Fields of it.
    public static let mostFields = 100
    /// Bytes of the body that are looked at.
    public static let mostBody = 64 * 1024

    private let statuses: StatusSet
    private var reader: AnswerReader
    private var search: TextSearch?
    private var bodyBytes = 0

    /// A conversation before its first answered byte.
    public init(_ question: HTTPQuestion) {
        statuses = question.statuses
        // Of the others, none has an answer that ends elsewhere than GET's.
        reader = AnswerReader(to: question.method == "HEAD" ? .head : .get)
        search = question.body.map { TextSearch(for: Array($0.utf8)) }
    }

    /// The bytes of the request; `host` is the server's name where the question has none.
    ///
    /// The connection serves no second check: one that is kept would not show whether the server
    /// still accepts.
    public static func request(_ question: HTTPQuestion, host: String) -> [UInt8] {
        var text = "\(question.method) \(question.path) HTTP/1.1\r\n"
        text += "Host: \(question.host ?? host)\r\n"
        for field in question.headers { text += "\(field.name): \(field.value)\r\n" }
        for (name, value) in [("User-Agent", "weir-check"), ("Accept", "*/*")]
        where !question.headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
            text += "\(name): \(value)\r\n"
        }
        if ["POST", "PUT", "PATCH"].contains(question.method) { text += "Content-Length: 0\r\n" }
        return Array((text + "Connection: close\r\n\r\n").utf8)
    }

    /// Takes what was received: the bytes not used before and those that have come since.
    ///
    /// `fields` is room for the head, which nobody else uses meanwhile.
    public mutating func take(_ bytes: RawSpan, with fields: inout FieldTable) -> Step {
        let limits = HeadLimits(
            headSize: Self.mostHead,
            fields: min(Self.mostFields, fields.capacity),
            targetSize: 0
        )
        var offset = 0
        while true {
            let event: AnswerReader.Event
            do throws(AnswerFault) {
                event = try reader.next(bytes, from: offset, into: &fields, limits: limits)
            } catch {
                return .failed(.malformed)
            }
            switch event {
            case .needMore(let used): return .needMore(used: used)
            case .head(let head, let start):
                guard statuses.contains(Int(head.status)) else {
                    return .failed(.status(head.status))
                }
                offset = start &+ head.headSize
            case .data(let range):
                look(bytes, range)
                offset = range.end
            case .end: return isDone ? .passed : .failed(.textMissing)
            }
            if isDone { return .passed }
            if bodyBytes >= Self.mostBody { return .failed(.textMissing) }
        }
    }

    /// The server has ended the connection.
    public mutating func ended() -> Step {
        guard reader.closed() else { return .failed(.closed) }
        return isDone ? .passed : .failed(.textMissing)
    }

    /// Whether all that was asked for has come; only looked at after the head.
    private var isDone: Bool { search?.isFound ?? true }

    private mutating func look(_ bytes: RawSpan, _ range: ByteRange) {
        let end = min(range.end, range.start &+ (Self.mostBody &- bodyBytes))
        for place in range.start..<max(range.start, end) {
            search?.take(unsafe bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self))
        }
        bodyBytes &+= Int(range.count)
    }
}
