/// Why a text is no template.
struct TemplateFault: Error, Equatable {
    var message: String
    var remedy: String
}

extension Template {
    /// Reads `{name}` out of a text.
    ///
    /// `{{` is a brace. A brace before a quote, a blank, another kind of bracket or the text's end
    /// is itself, so that JSON needs no care. What came from the environment is taken as it is.
    static func parse(_ pieces: [ScalarText.Piece]) throws(TemplateFault) -> Template {
        var segments: [Segment] = []
        var literal = ""
        for piece in pieces {
            if piece.isLiteral {
                literal += piece.text
                continue
            }
            // By code points: an accent behind a brace would make another character of it.
            var rest = piece.text.unicodeScalars[...]
            while let brace = rest.firstIndex(of: "{") {
                literal.unicodeScalars += rest[..<brace]
                let behind = rest.index(after: brace)
                if behind < rest.endIndex, rest[behind] == "{" {
                    literal += "{"
                    rest = rest[rest.index(after: behind)...]
                } else if behind == rest.endIndex || isPlain(rest[behind]) {
                    literal += "{"
                    rest = rest[behind...]
                } else {
                    guard let end = rest[behind...].firstIndex(of: "}") else {
                        throw TemplateFault(
                            message: "a brace is opened and never closed",
                            remedy: "write {name}, or {{ for a brace"
                        )
                    }
                    let variable = try Variable(named: String(rest[behind..<end]))
                    if !literal.isEmpty { segments.append(.literal(literal)) }
                    literal = ""
                    segments.append(.variable(variable))
                    rest = rest[rest.index(after: end)...]
                }
            }
            literal.unicodeScalars += rest
        }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return Template(segments: segments)
    }

    /// Whether a brace before this character opens no variable.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || "\"'}[]".unicodeScalars.contains(scalar)
    }
}

extension Template.Variable {
    /// The names that templates know, for diagnostics and the reference.
    static let names = [
        "client.address", "request.id", "method", "scheme", "host", "path", "query", "uri",
        "route", "pool", "server", "tls.subject", "tls.san", "tls.fingerprint", "header.NAME",
        "cookie.NAME",
    ]

    init(named name: String) throws(TemplateFault) {
        switch name {
        case "client.address": self = .clientAddress
        case "request.id": self = .requestID
        case "method": self = .method
        case "scheme": self = .scheme
        case "host": self = .host
        case "path": self = .path
        case "query": self = .query
        case "uri": self = .uri
        case "route": self = .route
        case "pool": self = .pool
        case "server": self = .server
        case "tls.subject": self = .tlsSubject
        case "tls.san": self = .tlsNames
        case "tls.fingerprint": self = .tlsFingerprint
        default:
            if let field = Self.token(of: name, behind: "header.") {
                self = .header(field.lowercased())
                return
            }
            if let cookie = Self.token(of: name, behind: "cookie.") {
                self = .cookie(cookie)
                return
            }
            let near = nearestName(to: name, among: Self.names)
            let list = "variables: " + Self.names.joined(separator: ", ") + "; {{ is a brace"
            throw TemplateFault(
                message: "no variable is called \(name.shown)",
                remedy: near.map { "did you mean {\($0)}? " + list } ?? list
            )
        }
    }

    /// What follows the prefix, if it is a token.
    private static func token(of name: String, behind prefix: String) -> String? {
        guard name.hasPrefix(prefix) else { return nil }
        let token = String(name.dropFirst(prefix.count))
        return FieldNames.isToken(token) ? token : nil
    }

    /// As it stands between braces.
    var name: String {
        switch self {
        case .clientAddress: "client.address"
        case .requestID: "request.id"
        case .method: "method"
        case .scheme: "scheme"
        case .host: "host"
        case .path: "path"
        case .query: "query"
        case .uri: "uri"
        case .route: "route"
        case .pool: "pool"
        case .server: "server"
        case .tlsSubject: "tls.subject"
        case .tlsNames: "tls.san"
        case .tlsFingerprint: "tls.fingerprint"
        case .header(let field): "header.\(field)"
        case .cookie(let name): "cookie.\(name)"
        }
    }
}

/// Where a template stands, which decides what it may name.
enum TemplatePlace {
    /// `respond` and `redirect`: no pool is asked.
    case ownAnswer
    /// A field that goes to a server, which is chosen later, and anew for each try.
    case request
    /// A field that goes to the client.
    case answer

    /// Why the variable has no value here.
    func objection(to variable: Template.Variable) -> String? {
        switch (self, variable) {
        case (.ownAnswer, .pool), (.ownAnswer, .server):
            "{\(variable.name)} is not known in an answer without a pool"
        case (.request, .server): "{server} is not known before the request is sent"
        default: nil
        }
    }
}

/// Names of fields (RFC 9110 §5.1).
enum FieldNames {
    /// Fields that Weir writes itself, by the message's framing and connection.
    static let reserved: Set<String> = [
        "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "te",
        "trailer", "proxy-connection", "date", "x-weir-outcome", "x-request-id",
    ]

    /// Fields of requests that `request-headers` may not touch: Host besides, since the log and
    /// the rules on it go by what the client sent, and Expect, which Weir acts on.
    static let ofRequests = reserved.union(["host", "expect"])

    /// Fields of answers that `response-headers` may not touch.
    static let ofAnswers = reserved.subtracting(["x-request-id"])

    /// Fields that mean something in requests or answers to Weir or to everyone.
    static let taken: Set<String> = [
        "host", "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
        "x-forwarded-port", "x-real-ip", "cookie", "set-cookie", "authorization", "content-type",
        "content-encoding", "content-range", "location", "expect", "range", "retry-after",
        "server", "vary", "www-authenticate", "x-prequal-rif", "x-prequal-latency-us",
    ]

    /// Whether the text is a token (RFC 9110 §5.6.2).
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
