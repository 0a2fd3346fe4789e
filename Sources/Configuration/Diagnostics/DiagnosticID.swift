/// Every kind of mistake, by the word in brackets at the end of its first line.
public enum DiagnosticID: String, Sendable, CaseIterable {
    case address
    case adminToken = "admin-token"
    case answerBody = "answer-body"
    case certificate
    case collectorURL = "collector-url"
    case conflict
    case cookieName = "cookie-name"
    case duplicateListener = "duplicate-listener"
    case duplicateName = "duplicate-name"
    case duplicateServer = "duplicate-server"
    case encoding
    case environment
    case fallback
    case fieldName = "field-name"
    case file
    case hostName = "host-name"
    case include
    case includeEmpty = "include-empty"
    case keyChoice = "key-choice"
    case limitOrder = "limit-order"
    case method
    case missingKey = "missing-key"
    case missingPort = "missing-port"
    case name
    case network
    case noAction = "no-action"
    case noEffect = "no-effect"
    case noListener = "no-listener"
    case noRoute = "no-route"
    case noWeight = "no-weight"
    case overlappingListener = "overlapping-listener"
    case ownListener = "own-listener"
    case pattern
    case plainSecret = "plain-secret"
    case probePath = "probe-path"
    case range
    case redirectTarget = "redirect-target"
    case repeatedKey = "repeated-key"
    case rights
    case sameSite = "same-site"
    case secret
    case serverName = "server-name"
    case serverURL = "server-url"
    case strategyKey = "strategy-key"
    case suite
    case tableSize = "table-size"
    case template
    case timeoutOrder = "timeout-order"
    case tooLarge = "too-large"
    case twoActions = "two-actions"
    case type
    case unit
    case unknownKey = "unknown-key"
    case unknownNetwork = "unknown-network"
    case unknownPool = "unknown-pool"
    case unreachableRoute = "unreachable-route"
    case unusedPool = "unused-pool"
    case value
    case yamlAlias = "yaml-alias"
    case yamlBrace = "yaml-brace"
    case yamlBracket = "yaml-bracket"
    case yamlColon = "yaml-colon"
    case yamlMerge = "yaml-merge"
    case yamlStar = "yaml-star"
    case yamlSyntax = "yaml-syntax"
    case yamlTab = "yaml-tab"
}

extension DiagnosticID {
    /// What the reference page says of it.
    public var meaning: String {
        switch self {
        case .address: "An address that is none, or a port out of range."
        case .adminToken: "An admin API that other machines reach without a token."
        case .answerBody: "A body in an answer that can have none, or two bodies."
        case .certificate:
            "A file of `tls` that does not serve: not of a pair, ended, …; warning: ends soon."
        case .collectorURL: "A collector of spans that is no URL by http or https."
        case .conflict:
            "Two keys of which there can be one, as a short form beside its long form, or that "
                + "contradict each other."
        case .cookieName: "A cookie's name that is none."
        case .duplicateListener: "Two listeners at one address."
        case .duplicateName: "Two pools, routes, listeners, servers or networks of one name."
        case .duplicateServer: "A server twice in one pool."
        case .encoding: "Bytes that are no UTF-8, or control characters."
        case .environment: "`${NAME}` that is not set, or is not written well."
        case .fallback: "A fallback that leads back to its own pool."
        case .fieldName: "A field that Weir writes itself, or whose name is none."
        case .file: "A file that cannot be read."
        case .hostName: "A host name that is none, or that stands where an IP address is needed."
        case .include: "A cycle of includes, a file that is included twice, or misplaced routes."
        case .includeEmpty: "Warning: a pattern of `include` that no file matches."
        case .keyChoice: "A key for hashing that is none, two at once, or one of too many."
        case .limitOrder: "A limit larger than the one around it."
        case .method: "A method that is no name."
        case .missingKey: "A required key that is not there."
        case .missingPort: "An address without its port."
        case .name: "A name that is empty, too long, or holds control characters."
        case .network: "Text that is neither address nor CIDR nor a name of `networks`."
        case .noAction: "A route that does nothing."
        case .noEffect: "A key that does nothing where it stands."
        case .noListener: "A file in which nothing listens."
        case .noRoute: "A file that does not say where requests go."
        case .noWeight: "Warning: a pool none of whose servers gets new requests."
        case .overlappingListener: "Warning: a listener that takes a part of another's traffic."
        case .ownListener: "Warning: a server that is a listener of the same file."
        case .pattern: "A host or path pattern that can never match."
        case .plainSecret: "Warning: a secret that stands in the file, for all who read it."
        case .probePath: "A path of a probe that is no path."
        case .range: "A number, size or duration out of its range."
        case .redirectTarget: "A redirect that leads to no URL and no path."
        case .repeatedKey: "A key twice in one map."
        case .rights:
            "A log, a unix socket or a port that the user who serves may not open, or could not "
                + "open again; said by `weir check --user`, and by `weir run` of its `user`. "
                + "Warning: its folder is not there."
        case .sameSite: "Warning: a cookie that browsers refuse without https."
        case .secret: "A secret that is too short or too long."
        case .serverName: "A server without a name that its certificate could be held against."
        case .serverURL: "A URL where a server's address belongs."
        case .strategyKey: "A parameter of another strategy than the pool has."
        case .suite: "A cipher suite or group that is weak, unknown, or of no version."
        case .tableSize: "A table's size that is no prime, or too small for its servers."
        case .template: "A template with an unknown variable or an open brace."
        case .timeoutOrder: "A time-out longer than the one around it."
        case .tooLarge: "A file with more bytes, nodes or levels than are read."
        case .twoActions: "A route with more than one action."
        case .type: "A value of another kind than the key takes."
        case .unit: "A duration or size without a unit, or with an unknown one."
        case .unknownKey: "A key that does not exist where it stands."
        case .unknownNetwork: "A name that `networks` does not have."
        case .unknownPool: "A name that `pools` does not have."
        case .unreachableRoute: "Warning: a route that earlier ones leave nothing for."
        case .unusedPool: "Warning: a pool that no route names."
        case .value: "A word that the key does not know."
        case .yamlAlias: "An alias without its anchor, or a YAML tag."
        case .yamlBrace: "Braces without quotes, which YAML takes for a map."
        case .yamlBracket: "Brackets without quotes, which YAML takes for a list."
        case .yamlColon: "A value that begins with a colon inside braces or brackets."
        case .yamlMerge: "YAML's merge key `<<`."
        case .yamlStar:
            "A value that begins with `*` without quotes, which YAML takes for an alias."
        case .yamlSyntax: "Text that is no YAML."
        case .yamlTab: "A tab in the indentation."
        }
    }
}
