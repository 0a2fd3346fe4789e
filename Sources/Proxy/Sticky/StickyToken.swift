/// What names an endpoint to a client without telling it anything: 22 characters of base64url, 132
/// bits of a code that only those with the secret can make.
struct StickyToken: Equatable {
    /// Characters of a token.
    static let count = 22

    /// The characters.
    let bytes: [UInt8]

    /// The token of the endpoint with this name in the pool with that one.
    ///
    /// It is the front of HMAC-SHA-256 over both names with a zero byte between them, so it depends
    /// neither on the order of the servers nor on the machine.
    init(endpoint: String, pool: String, secret: StickySecret) {
        let code = secret.authenticate(Array(pool.utf8) + [0] + Array(endpoint.utf8))
        var bytes: [UInt8] = []
        for index in 0..<Self.count {
            let bit = index * 6
            let pair = UInt16(code[bit / 8]) << 8 | UInt16(code[bit / 8 + 1])
            bytes.append(Self.letter(UInt8(truncatingIfNeeded: pair >> (10 - bit % 8) & 0x3f)))
        }
        self.bytes = bytes
    }

    /// The letter of six bits (RFC 4648 §5).
    private static func letter(_ bits: UInt8) -> UInt8 {
        switch bits {
        case 0..<26: UInt8(ascii: "A") + bits
        case 26..<52: UInt8(ascii: "a") + (bits - 26)
        case 52..<62: UInt8(ascii: "0") + (bits - 52)
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }
}
