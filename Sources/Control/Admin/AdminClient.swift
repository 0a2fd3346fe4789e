import CLinux
import Configuration
import EventLoop
import HTTP

/// Asks the admin API of a running process, for commands; waits for the answer.
public struct AdminClient {
    /// Why there is no answer.
    public struct NoAnswer: Error, CustomStringConvertible {
        /// In words.
        public var description: String

        /// An error with these words.
        public init(description: String) { self.description = description }
    }

    /// An answer.
    public struct Answer {
        /// Its status.
        public var status: Int
        /// Its body as text.
        public var body: String
    }

    /// Nanoseconds that an answer is waited for.
    private static let patience: Int64 = 10_000_000_000

    private let address: ListenAddress
    private let token: [UInt8]?

    /// A client of the API that listens at `address`, which may want a token.
    public init(address: ListenAddress, token: [UInt8]? = nil) {
        self.address = address
        self.token = token
    }

    /// A client of the API of a file, read as `weir run` reads it.
    ///
    /// - Throws: ``NoAnswer`` if its token cannot be read.
    public init(_ config: AdminConfig) throws(NoAnswer) {
        address = config.address
        guard let file = config.tokenFile else {
            token = nil
            return
        }
        switch FileSystem().read(file) {
        case .success(let bytes): token = AdminConfig.token(bytes)
        case .failure(let problem):
            throw NoAnswer(description: "cannot read \(file): \(problem.reason)")
        }
    }

    /// Where the API listens, as an operator would type it.
    public var place: String { "\(address)" }

    /// Asks once.
    ///
    /// - Throws: ``NoAnswer`` if nobody answers in ten seconds.
    public func ask(_ method: String, _ target: String) throws(NoAnswer) -> Answer {
        let bytes = try exchange(Array(request(method, target).utf8))
        guard let end = Self.headEnd(bytes), let status = Self.status(bytes[..<end]) else {
            throw stranger
        }
        return Answer(status: status, body: String(decoding: bytes[end...], as: UTF8.self))
    }

    /// The error where something else listens.
    var stranger: NoAnswer {
        NoAnswer(description: "what answers at \(address) is no admin API")
    }

    /// The error where nothing does.
    var nobody: NoAnswer { NoAnswer(description: "no process answers at \(address)") }

    /// A request's head and end; `more` are fields of its own.
    func request(_ method: String, _ target: String, more: [String] = []) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "host: localhost", "connection: close"]
        lines += more
        if method != "GET" { lines.append("content-length: 0") }
        if let token {
            lines.append("authorization: Bearer " + String(decoding: token, as: UTF8.self))
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The status in an answer's head; `nil` for what is none.
    static func status(_ head: ArraySlice<UInt8>) -> Int? {
        let words = String(decoding: head, as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/1.") else { return nil }
        return Int(words[1])
    }

    /// Where an answer's body begins; `nil` if its head has not ended.
    static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4)
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13
            && bytes[index + 3] == 10
        {
            return index + 4
        }
        return nil
    }

    // MARK: Sockets

    /// Sends these bytes and returns everything that comes until the other side ends.
    private func exchange(_ request: [UInt8]) throws(NoAnswer) -> [UInt8] {
        let nobody = nobody
        let socket = try open()
        guard let poller = try? Poller(capacity: 1),
            poller.addConnection(socket.descriptor, token: 0)
        else { throw nobody }
        let end = weir_monotonic_ns() + Self.patience
        var sent = 0
        var received: [UInt8] = []
        while true {
            let left = (end - weir_monotonic_ns()) / 1_000_000
            guard left > 0 else { throw nobody }
            _ = poller.wait(milliseconds: Int32(clamping: left))
            guard weir_socket_error(socket.descriptor) == 0 else { throw nobody }
            if sent < request.count {
                let count = request.withUnsafeBytes { bytes in
                    bytes.baseAddress.map {
                        weir_send(socket.descriptor, $0 + sent, bytes.count - sent)
                    } ?? 0
                }
                if count > 0 { sent += count }
                if count < 0, count != Int(-EAGAIN) { throw nobody }
            }
            if try receive(socket.descriptor, &received) { return received }
        }
    }

    /// A socket that is connected, or about to be.
    func open() throws(NoAnswer) -> Socket {
        let socket = Socket(adopting: weir_socket(address.isUnix ? 0 : family, isUnix))
        guard socket.descriptor >= 0 else { throw nobody }
        let result = connect(socket.descriptor)
        guard result == 0 || result == -EINPROGRESS else { throw nobody }
        return socket
    }

    private var isUnix: Int32 { address.isUnix ? 1 : 0 }

    private var family: Int32 {
        if case .ip(.v6, _) = address { 6 } else { 4 }
    }

    private func connect(_ descriptor: Int32) -> Int32 {
        var internet = weir_address()
        switch address {
        case .unix(let path): return weir_connect_unix(descriptor, path)
        case .ip(let ip, let port): internet = weir_address(ip, port: port)
        // Whatever listens everywhere listens here.
        case .any(let port): internet = weir_address(.v4(0x7F00_0001), port: port)
        }
        return weir_connect(descriptor, &internet)
    }

    /// Takes in what has come; true at the end.
    private func receive(
        _ descriptor: Int32,
        _ received: inout [UInt8]
    ) throws(NoAnswer) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { memory in
                memory.baseAddress.map { weir_recv(descriptor, $0, memory.count) } ?? 0
            }
            if count == Int(-EAGAIN) { return false }
            if count == 0 { return true }
            guard count > 0 else {
                throw NoAnswer(description: "the connection to \(address) broke")
            }
            received += buffer[..<count]
        }
    }
}
