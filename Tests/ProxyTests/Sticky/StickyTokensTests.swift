import Configuration
import HTTP
import Testing

@testable import Proxy

private let secret = StickySecret(Array("a secret of some length".utf8))
private let names = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]

private func make(
    _ config: StickyConfig = StickyConfig(),
    secret: StickySecret = secret,
    pool: String = "main",
    endpoints: [String] = names
) -> StickyTokens {
    StickyTokens(config, secret: secret, pool: pool, endpoints: endpoints)
}

private func token(_ endpoint: String, pool: String = "main") -> [UInt8] {
    StickyToken(endpoint: endpoint, pool: pool, secret: secret).bytes
}

/// What `tokens` makes of these bytes, with others around them.
private func find(_ token: [UInt8], in tokens: StickyTokens) -> Int? {
    let bytes = Array("weir=".utf8) + token + Array("; a=b".utf8)
    return tokens.endpoint(of: ByteRange(from: 5, to: 5 + token.count), in: bytes.span.bytes)
}

/// What `tokens` makes of a field with this value.
private func find(field: String, in tokens: StickyTokens) -> Int? {
    let bytes = Array("X: ".utf8) + Array(field.utf8) + Array("\r\n".utf8)
    let range = ByteRange(from: 3, to: 3 + field.utf8.count)
    return tokens.endpoint(inField: range, of: bytes.span.bytes)
}

private func line(_ tokens: StickyTokens, _ endpoint: Int, secure: Bool = false) -> String {
    String(decoding: tokens.fieldLine(for: endpoint, secure: secure), as: UTF8.self)
}

/// A golden line; `#` stands for the token.
struct LineCase: Sendable, CustomStringConvertible {
    var description: String
    var config: StickyConfig
    var plain: String
    var secure: String

    init(
        _ description: String,
        plain: String,
        secure: String,
        _ change: (inout StickyConfig) -> Void
    ) {
        self.description = description
        self.plain = plain
        self.secure = secure
        var config = StickyConfig()
        change(&config)
        self.config = config
    }
}

private let lineCases: [LineCase] = [
    LineCase(
        "defaults",
        plain: "Set-Cookie: weir=#; Path=/; HttpOnly; SameSite=Lax\r\n",
        secure: "Set-Cookie: weir=#; Path=/; HttpOnly; SameSite=Lax; Secure\r\n"
    ) { _ in },
    LineCase(
        "everything set",
        plain: "Set-Cookie: __Host-s=#; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600\r\n",
        secure:
            "Set-Cookie: __Host-s=#; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600; Secure\r\n"
    ) {
        $0.carrier = .cookie("__Host-s")
        $0.sameSite = .strict
        $0.maxAge = .seconds(3600)
    },
    LineCase(
        "from everywhere, an age below a second",
        plain: "Set-Cookie: weir=#; Path=/; HttpOnly; SameSite=None; Max-Age=1\r\n",
        secure: "Set-Cookie: weir=#; Path=/; HttpOnly; SameSite=None; Max-Age=1; Secure\r\n"
    ) {
        $0.sameSite = .none
        $0.maxAge = .milliseconds(1)
    },
    LineCase("a header", plain: "x-server: #\r\n", secure: "x-server: #\r\n") {
        $0.carrier = .header("x-server")
        $0.maxAge = .seconds(5)
    },
]

@Suite("Tokens of sticky pools")
struct StickyTokensTests {
    @Test("HMAC-SHA-256 is as in RFC 4231, test cases 1, 2 and 6")
    func knownAnswers() {
        let cases: [([UInt8], String, String)] = [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
        for (key, message, code) in cases {
            let made = StickySecret(key).authenticate(Array(message.utf8))
            let digits = made.map { byte in
                let text = String(byte, radix: 16)
                return text.count < 2 ? "0" + text : text
            }
            #expect(digits.joined() == code)
        }
    }

    @Test("a token is the front of the code over pool, zero and endpoint in base64url")
    func knownToken() {
        // printf 'main\00010.0.0.1:80' | openssl dgst -sha256 -hmac 'a secret of some length'
        // -binary | basenc --base64url | cut -c 1-22
        #expect(String(decoding: token(names[0]), as: UTF8.self) == "fOxp3OhXUaeUEsqp2ygGJc")
    }

    @Test("each endpoint is found by its token")
    func found() {
        let tokens = make()
        for (index, name) in names.enumerated() {
            #expect(find(token(name), in: tokens) == index)
        }
    }

    @Test("tokens differ by secret, pool and endpoint")
    func different() {
        let one = StickySecret.random()
        let other = StickySecret.random()
        var all: Set<[UInt8]> = []
        for secret in [one, other] {
            for pool in ["a", "b"] {
                for endpoint in ["a", "b", ""] {
                    let token = StickyToken(endpoint: endpoint, pool: pool, secret: secret)
                    #expect(token.bytes.count == 22)
                    all.insert(token.bytes)
                }
            }
        }
        #expect(all.count == 12)
        let theirs = make(secret: other)
        #expect(find(token(names[0]), in: theirs) == nil)
        #expect(find(token(names[0], pool: "b"), in: make()) == nil)
    }

    @Test("the secret of this process stays the same")
    func ownSecret() {
        let first = StickySecret.ofThisProcess.authenticate([1])
        #expect(StickySecret.ofThisProcess.authenticate([1]) == first)
        #expect(StickySecret.random().authenticate([1]) != first)
    }

    @Test("another machine with the same secret and another order of servers agrees")
    func order() {
        let here = make()
        let there = make(endpoints: Array(names.reversed()) + ["new"])
        for (index, name) in names.enumerated() {
            #expect(find(token(name), in: here) == index)
            #expect(find(token(name), in: there) == names.count - 1 - index)
        }
    }

    @Test("a token with one flipped bit is none")
    func flipped() {
        let tokens = make()
        for name in names {
            for bit in 0..<22 * 8 {
                var forged = token(name)
                forged[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(find(forged, in: tokens) == nil, "bit \(bit)")
            }
        }
    }

    @Test("what is too short, too long or beyond the bytes is no token")
    func lengths() {
        let tokens = make()
        let good = token(names[0])
        #expect(find([], in: tokens) == nil)
        #expect(find(Array(good.dropLast()), in: tokens) == nil)
        #expect(find(good + [65], in: tokens) == nil)
        #expect(find([UInt8](repeating: 0, count: 22), in: tokens) == nil)
        let outside = ByteRange(from: 1, to: 23)
        #expect(tokens.endpoint(of: outside, in: good.span.bytes) == nil)
    }

    @Test("all of a thousand endpoints are found, and nothing else is")
    func many() {
        let names = (0..<1000).map { "server-\($0)" }
        let tokens = make(endpoints: names)
        for (index, name) in names.enumerated() {
            #expect(find(token(name), in: tokens) == index)
        }
        var random = TestRandom(seed: 4)
        let letters = Array("ABCDEFGHIJabcdefghij0123456789-_".utf8)
        for _ in 0..<10_000 {
            let forged = (0..<22).map { _ in random.pick(letters) }
            #expect(find(forged, in: tokens) == nil)
        }
    }

    @Test("of endpoints with one name the first is meant")
    func twins() {
        let tokens = make(endpoints: ["a", "b", "b", "a"])
        #expect(find(token("a"), in: tokens) == 0)
        #expect(find(token("b"), in: tokens) == 1)
    }

    @Test("a pool without endpoints knows no token")
    func empty() {
        let tokens = make(endpoints: [])
        #expect(find(token(names[0]), in: tokens) == nil)
        #expect(tokens.fieldLine(for: 0, secure: false).isEmpty)
    }

    @Test("a cookie is found among others; the first of its name counts")
    func cookies() {
        let tokens = make()
        let good = String(decoding: token(names[1]), as: UTF8.self)
        let other = String(decoding: token(names[2]), as: UTF8.self)
        #expect(tokens.requestField == "cookie" && tokens.isCookie)
        #expect(find(field: "weir=\(good)", in: tokens) == 1)
        #expect(find(field: "a=b; weir=\(good); c=d", in: tokens) == 1)
        #expect(find(field: "weir=\(good); weir=\(other)", in: tokens) == 1)
        #expect(find(field: "weir=x; weir=\(other)", in: tokens) == nil)
        #expect(find(field: "weir=\"\(good)\"", in: tokens) == nil)
        #expect(find(field: "a=\(good)", in: tokens) == nil)
        #expect(find(field: good, in: tokens) == nil)
        #expect(find(field: "", in: tokens) == nil)
    }

    @Test("a header's value is the token and nothing else")
    func header() {
        var config = StickyConfig()
        config.carrier = .header("x-server")
        let tokens = make(config)
        let good = String(decoding: token(names[1]), as: UTF8.self)
        #expect(tokens.requestField == "x-server" && !tokens.isCookie)
        #expect(find(field: good, in: tokens) == 1)
        #expect(find(field: "weir=\(good)", in: tokens) == nil)
        #expect(find(field: good + " ", in: tokens) == nil)
    }

    @Test("golden field lines", arguments: lineCases)
    func fieldLines(test: LineCase) {
        let tokens = make(test.config)
        for (index, name) in names.enumerated() {
            let token = String(decoding: token(name), as: UTF8.self)
            let plain = test.plain.split(separator: "#").joined(separator: token)
            let secure = test.secure.split(separator: "#").joined(separator: token)
            #expect(line(tokens, index) == plain)
            #expect(line(tokens, index, secure: true) == secure)
        }
        #expect(line(tokens, names.count).isEmpty && line(tokens, -1).isEmpty)
    }
}
