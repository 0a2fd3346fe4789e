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
        "route", "header.NAME",
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
        default:
            if name.hasPrefix("header.") {
                let field = name.dropFirst("header.".count)
                if FieldNames.isToken(String(field)) {
                    self = .header(field.lowercased())
                    return
                }
            }
            let near = nearestName(to: name, among: Self.names)
            let list = "variables: " + Self.names.joined(separator: ", ") + "; {{ is a brace"
            throw TemplateFault(
                message: "no variable is called \(name.shown)",
                remedy: near.map { "did you mean {\($0)}? " + list } ?? list
            )
        }
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
        case .header(let field): "header.\(field)"
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
