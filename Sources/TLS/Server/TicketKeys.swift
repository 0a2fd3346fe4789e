import COpenSSL
import Synchronization

/// The keys that session tickets are sealed with (RFC 5077 §4), shared by all workers.
///
/// Keys of our own take turns: the newest seals, the two before it still open. Keys from a file
/// stay as they are.
public final class TicketKeys: Sendable {
    /// How long a key of our own seals tickets, in seconds.
    public static let turn: Int64 = 12 * 3600
    /// How many keys of our own open tickets.
    public static let kept = 3
    /// The size of one key in a file: a name of 16 bytes, 32 for HMAC-SHA-256, 32 for AES-256.
    public static let size = 80
    /// How many keys a file may have.
    public static let limit = 16

    private struct State {
        var keys: [TicketKey]
        /// When the next turn is; `nil`: keys from a file have none.
        var nextTurn: Int64?
    }

    private let state: Mutex<State>

    /// A random key that takes turns; `now` in seconds, from any start.
    public init(now: Int64) {
        state = Mutex(State(keys: [TicketKey()], nextTurn: now + Self.turn))
    }

    /// Keys from a file's bytes, 80 for each; the first one seals, all open.
    public init(file bytes: [UInt8]) throws(TLSSetupError) {
        let count = bytes.count / Self.size
        guard count > 0, bytes.count % Self.size == 0, count <= Self.limit else {
            let text = "ticket keys are 80 bytes each, up to \(Self.limit): not \(bytes.count)"
            throw TLSSetupError(.ticketKeys, text)
        }
        let keys = (0..<count).map { TicketKey(bytes[($0 * Self.size)..<(($0 + 1) * Self.size)]) }
        guard Set(keys.map(\.name)).count == count else {
            throw TLSSetupError(.ticketKeys, "two ticket keys have the same name, bytes 1 to 16")
        }
        state = Mutex(State(keys: keys, nextTurn: nil))
    }

    /// Keys of our own that another process has had, which go on to take turns; `nil` for bytes
    /// that are none.
    public convenience init?(handedOver bytes: [UInt8], nextTurn: Int64) {
        guard (try? Self(file: bytes)) != nil else { return nil }
        self.init(bytes, nextTurn: nextTurn)
    }

    private init(_ bytes: [UInt8], nextTurn: Int64) {
        let keys = stride(from: 0, to: bytes.count, by: Self.size).map {
            TicketKey(bytes[$0..<($0 + Self.size)])
        }
        state = Mutex(State(keys: keys, nextTurn: nextTurn))
    }

    /// The bytes of all keys, for another process, and seconds until the next one is made.
    public func forSuccessor(now: Int64) -> (keys: [UInt8], nextTurn: Int64) {
        state.withLock { state in
            (state.keys.flatMap(\.copy), max(0, (state.nextTurn ?? now) - now))
        }
    }

    /// Makes a new key when its time has come; `true`: it did.
    @discardableResult
    public func rotate(now: Int64) -> Bool {
        state.withLock { state in
            guard let next = state.nextTurn, now >= next else { return false }
            state.keys = Array(([TicketKey()] + state.keys).prefix(Self.kept))
            state.nextTurn = now + Self.turn
            return true
        }
    }

    /// The key that seals.
    func sealing() -> TicketKey? { state.withLock { $0.keys.first } }

    /// The key of this name, and whether it still seals.
    func opening(_ name: UnsafePointer<UInt8>) -> (key: TicketKey, isNewest: Bool)? {
        let name = UnsafeRawPointer(name).loadUnaligned(as: TicketKey.Name.self)
        return state.withLock { state in
            guard let index = state.keys.firstIndex(where: { $0.name == name }) else { return nil }
            return (state.keys[index], index == 0)
        }
    }
}

/// One key, wiped when nobody needs it any more.
final class TicketKey: @unchecked Sendable {
    // Unchecked: the bytes do not change after it is made.
    typealias Name = SIMD16<UInt8>

    let name: Name
    private let bytes: UnsafeMutableRawPointer

    /// A random key.
    convenience init() {
        var random = [UInt8](repeating: 0, count: TicketKeys.size)
        // Without randomness no key of any kind could be made, so Weir could not serve.
        precondition(RAND_bytes(&random, Int32(random.count)) == 1, "OpenSSL has no randomness")
        self.init(random[...])
        OPENSSL_cleanse(&random, random.count)
    }

    /// A key of these 80 bytes.
    init(_ source: ArraySlice<UInt8>) {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: TicketKeys.size, alignment: 16)
        source.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: copy, count: TicketKeys.size)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(TicketKeys.size)))
        }
        bytes = copy
        name = copy.load(as: Name.self)
    }

    /// The bytes, which whoever gets them has to guard.
    var copy: [UInt8] { Array(UnsafeRawBufferPointer(start: bytes, count: TicketKeys.size)) }

    deinit {
        OPENSSL_cleanse(bytes, TicketKeys.size)
        bytes.deallocate()
    }

    /// Prepares to seal: fills in name and start vector; or to open, with these given.
    func prepare(
        name: UnsafeMutablePointer<UInt8>,
        vector: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer,
        _ mac: OpaquePointer,
        isSealing: Bool
    ) -> Bool {
        guard let aes = TicketCipher.shared.cipher else { return false }
        if isSealing {
            name.update(from: bytes.assumingMemoryBound(to: UInt8.self), count: 16)
            guard RAND_bytes(vector, EVP_CIPHER_get_iv_length(aes)) == 1 else { return false }
        }
        let secrets = bytes.assumingMemoryBound(to: UInt8.self)
        let direction: Int32 = isSealing ? 1 : 0
        return EVP_CipherInit_ex2(cipher, aes, secrets + 48, vector, direction, nil) == 1
            && weir_mac_set_key(mac, secrets + 16, 32) == 1
    }
}

/// AES-256-CBC, looked up once: each lookup by name costs OpenSSL 3.0 a lock and a search.
private struct TicketCipher: @unchecked Sendable {
    // Unchecked: OpenSSL's ciphers do not change.
    static let shared = TicketCipher()

    let cipher = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)
}
