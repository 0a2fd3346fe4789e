import CLinux
import Configuration
import EventLoop

/// What a process hands over to the one that follows it: sockets that listen, and what only it
/// knows.
struct Handover {
    /// One message between the two.
    enum Message: Equatable {
        /// The sockets of the listener with this number, at an address; several messages where
        /// there are many.
        case listener(Int, String)
        /// A listening socket that a service manager passed, with the name that it gave it.
        case passed(String)
        /// The socket of the admin API at an address.
        case admin(String)
        /// Keys of session tickets, and seconds until the next one is made.
        case tickets([UInt8], nextTurn: Int64)
        /// What signs sticky tokens of pools without a file for it.
        case secret([UInt8])
        /// What an operator has changed of a server.
        case change(pool: String, server: String, state: String?, weight: Int?)
        /// What is known of an endpoint: its health and its latency, as they are stored.
        case endpoint(pool: String, name: String, health: UInt64, latency: UInt64)
        /// That was all.
        case end
        /// From the other side: it serves.
        case ready
    }

    /// The variable of the environment that names the descriptor.
    static let variable = "WEIR_HANDOVER"
    /// The most bytes of a message.
    static let largest = 65_536
}

extension Handover.Message {
    /// The message as bytes: fields between zero bytes, which are in none of them.
    var bytes: [UInt8] {
        let fields: [String] =
            switch self {
            case .listener(let number, let address): ["listener", String(number), address]
            case .passed(let name): ["passed", name]
            case .admin(let address): ["admin", address]
            case .tickets(let keys, let next): ["tickets", Self.hex(keys), String(next)]
            case .secret(let bytes): ["secret", Self.hex(bytes)]
            case .change(let pool, let server, let state, let weight):
                ["change", pool, server, state ?? "", weight.map(String.init) ?? ""]
            case .endpoint(let pool, let name, let health, let latency):
                ["endpoint", pool, name, String(health), String(latency)]
            case .end: ["end"]
            case .ready: ["ready"]
            }
        return Array(fields.joined(separator: "\0").utf8)
    }

    /// Reads a message; `nil` for what is none of this version's, which is left alone.
    init?(_ bytes: [UInt8]) {
        let fields = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        switch (fields[0], fields.count) {
        case ("listener", 3):
            guard let number = Int(fields[1]) else { return nil }
            self = .listener(number, fields[2])
        case ("passed", 2): self = .passed(fields[1])
        case ("admin", 2): self = .admin(fields[1])
        case ("tickets", 3):
            guard let keys = Self.bytes(hex: fields[1]), let next = Int64(fields[2]) else {
                return nil
            }
            self = .tickets(keys, nextTurn: next)
        case ("secret", 2):
            guard let secret = Self.bytes(hex: fields[1]) else { return nil }
            self = .secret(secret)
        case ("change", 5):
            self = .change(
                pool: fields[1],
                server: fields[2],
                state: fields[3].isEmpty ? nil : fields[3],
                weight: Int(fields[4])
            )
        case ("endpoint", 5):
            guard let health = UInt64(fields[3]), let latency = UInt64(fields[4]) else {
                return nil
            }
            self = .endpoint(pool: fields[1], name: fields[2], health: health, latency: latency)
        case ("end", 1): self = .end
        case ("ready", 1): self = .ready
        default: return nil
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    private static func bytes(hex: String) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index...(index + 1)], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}

/// One end of the socket between the two processes.
struct HandoverSocket {
    let descriptor: Int32

    /// Sends a message with descriptors, as many messages as they need.
    ///
    /// - Throws: ``SystemError`` if the other side is gone.
    func send(_ message: Handover.Message, _ descriptors: [Int32] = []) throws(SystemError) {
        let bytes = message.bytes
        var rest = descriptors[...]
        repeat {
            let part = Array(rest.prefix(Int(WEIR_HANDOVER_DESCRIPTORS)))
            rest = rest.dropFirst(part.count)
            let sent = weir_handover_send(
                descriptor,
                bytes,
                bytes.count,
                part,
                Int32(part.count)
            )
            _ = try SystemError.check(Int32(clamping: sent), "sendmsg")
        } while !rest.isEmpty
    }

    /// Receives a message; `nil` at the end, or if none waits.
    func receive() -> (message: Handover.Message?, descriptors: [Int32])? {
        var buffer = [UInt8](repeating: 0, count: Handover.largest)
        var descriptors = [Int32](repeating: -1, count: Int(WEIR_HANDOVER_DESCRIPTORS))
        var count: Int32 = 0
        let received = weir_handover_receive(
            descriptor,
            &buffer,
            buffer.count,
            &descriptors,
            &count
        )
        guard received > 0 else { return nil }
        let message = Handover.Message(Array(buffer[..<Int(received)]))
        return (message, Array(descriptors.prefix(Int(count))))
    }
}
