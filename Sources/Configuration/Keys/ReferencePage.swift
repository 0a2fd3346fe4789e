import Balancing

/// The reference of the file in Markdown, made from the description of the keys.
///
/// Ends with a newline.
public func referencePage() -> String {
    var sets: [(String, KeySet)] = []
    collect(TopLevelKeys.set, into: &sets)
    var page = ReferenceText.opening
    for (_, set) in sets where !isOfSimulation(set) { page += section(of: set) }
    page += strategies()
    page += ReferenceText.closing
    page += diagnostics()
    return page
}

/// Whether the map is described on the page of `simulate`.
private func isOfSimulation(_ set: KeySet) -> Bool {
    set.title.hasPrefix(SimulateKeys.set.title)
}

/// The Markdown section of one kind of map: a table of its keys.
func section(of set: KeySet) -> String {
    let title = set.title == TopLevelKeys.set.title ? set.title : "`\(set.title)`"
    var text = "\n## \(title)\n\n\(set.meaning)\n\n"
    text += "| Key | Type | Default | Effect | Example |\n|---|---|---|---|---|\n"
    for key in set.keys {
        let cells = [
            "`\(key.name)`", type(of: key), standard(of: key), key.meaning,
            "`\(key.name): \(key.example)`",
        ]
        text += "| " + cells.map(cell).joined(separator: " | ") + " |\n"
    }
    return text
}

/// A cell's text with what would end the cell escaped.
private func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

private func standard(of key: Key) -> String {
    if key.isRequired { return "required" }
    if let standard = key.standard { return "`\(standard)`" }
    return key.standardNote ?? "–"
}

private func type(of key: Key) -> String {
    let words = key.words.map { "`\($0)`" }
    return ([phrase(key.type)] + words).joined(separator: " or ")
}

private func phrase(_ type: ValueType) -> String {
    switch type {
    case .text: "text"
    case .bool: "bool"
    case .count(let range): "count, \(range.lowerBound) to \(range.upperBound)"
    case .size(let range):
        "size, \(Quantity.text(size: range.lowerBound)) to \(Quantity.text(size: range.upperBound))"
    case .duration(let range):
        "duration, \(Quantity.text(duration: range.lowerBound)) to "
            + Quantity.text(duration: range.upperBound)
    case .share: "share"
    case .rate: "rate, 1/h to 1000000/s"
    case .factor(let range):
        "number, \(Quantity.text(factor: range.lowerBound)) to "
            + Quantity.text(factor: range.upperBound)
    case .octal: "octal, 0000 to 0777"
    case .word(let words): words.map { "`\($0)`" }.joined(separator: ", ")
    case .status: "status"
    case .answerStatus: "status, or name of a status of gRPC"
    case .window: "text such as `3 of 5`, 1 to 64"
    case .listenAddress, .serverAddress: "address"
    case .nameServer: "`ip` or `ip:port`"
    case .network: "net"
    case .file: "file"
    case .logTarget: "`stdout`, `stderr` or file"
    case .template: "template"
    case .host: "host"
    case .path: "path"
    case .method: "method"
    case .pool: "name of a pool"
    case .suite, .group: "name"
    case .several(let inner): phrase(inner) + ", one or a list"
    case .either(let words, let set):
        words.map { "`\($0)`" }.joined(separator: ", ") + " or map, see [`\(set.title)`]"
            + "(#\(anchor(set.title)))"
    case .map(let set): "map, see [`\(set.title)`](\(target(set)))"
    case .named(let inner): "name → " + phrase(inner)
    }
}

/// What a link to a map's section leads to.
private func target(_ set: KeySet) -> String {
    (isOfSimulation(set) ? "simulate.md#" : "#") + anchor(set.title)
}

/// The anchor that Markdown viewers give a heading.
private func anchor(_ title: String) -> String {
    String(title.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
}

private func strategies() -> String {
    var text =
        "\n## Strategies\n\nWhat `balance` may name.\n\n"
        + "| Name | What it does | Source |\n|---|---|---|\n"
    for entry in StrategyRegistry.entries {
        text += "| `\(entry.name)` | \(cell(entry.summary)) | \(cell(entry.source)) |\n"
    }
    return text
}

private func diagnostics() -> String {
    var text = "\n| Id | What is wrong |\n|---|---|\n"
    for id in DiagnosticID.allCases { text += "| `\(id.rawValue)` | \(cell(id.meaning)) |\n" }
    return text
}

/// The parts of the reference that stand around the tables.
private enum ReferenceText {
    static let opening = """
        # The configuration file

        <!-- Made from Sources/Configuration/Keys. To write it anew:
             WEIR_UPDATE_GOLDEN=1 swift test --filter ConfigurationTests -->

        Weir reads one YAML file. Written order is run order, and nothing applies that is not
        written there or listed here as a default. `weir check FILE` says what is wrong with a file,
        `weir check --effective FILE` prints it with every short form expanded and every default
        filled in, `weir schema` prints the [JSON Schema](weir.schema.json) for editors.

        The smallest file:

        ```yaml
        listen: ":8080"
        servers: ["127.0.0.1:9001", "127.0.0.1:9002"]
        ```

        ## Values

        Text is read as written: `no`, `on` and `1.20` stay text where a key takes text, and each
        key knows its type.

        | Type | Written as |
        |---|---|
        | text | any text |
        | bool | `true`, `false` |
        | count | a whole number |
        | duration | number and unit: `250ms`, `1.5s`, `5m`, `1h`, `7d` |
        | size | number and unit: `512B`, `64KiB`, `10MiB`, `2GiB` |
        | share | `50%`, `0.1%` |
        | rate | number and unit: `2000/s`, `30/m`, `5/h` |
        | number | `3`, `1.25` |
        | address | `:port`, `ip:port`, `[v6]:port`, `localhost:port` or `unix:/path`; a \
        server's names its machine, by `name:port` too, which is [resolved](#names-of-servers) |
        | status | a code, `503`, or a class of codes, `5xx` |
        | net | an address, a CIDR block (`10.0.0.0/8`), or a name from `networks`; built in \
        are `any`, `loopback` and `private` (RFC 1918, link-local and unique local addresses) |
        | file | a name relative to the folder of the file that names it |
        | template | text with variables, see [Templates](#templates) |
        | one or a list | `a` or `[a, b]` |

        `none` lifts a bound, `off` turns a feature away, `auto` leaves the choice to Weir.

        Quote what begins with `*`, `[`, `{`, `@`, `%`, `&` or `!`, and, inside braces and brackets,
        what begins with a colon or holds a brace: YAML takes these for itself.

        """

    static let closing = """

        ## Short forms

        | Short | Means |
        |---|---|
        | `listen: ":80"` | `listeners: [{address: ":80"}]` |
        | `servers: [10.0.0.1:80]` at the top | `pools: {main: {servers: [10.0.0.1:80]}}` |
        | a pool that is a list | `{servers: …}` |
        | a server that is text | `{address: …}` |
        | a listener that is text | `{address: …}` |
        | `tls: {certificate: c, key: k}` of a listener | `{certificates: [{certificate: c, \
        key: k}]}` |
        | `proxy-protocol: [10.1.0.0/16]` of a listener | `{from: [10.1.0.0/16]}` |
        | `https-redirect: true` | `https-redirect: 443` |
        | `match: api.example.com/v1/` | `{host: api.example.com, path: /v1/}` |
        | `match: /v1/`, `match: =/robots.txt` | `{path: …}` |
        | `redirect: URL` | `{to: URL}` |
        | `respond: 404` | `{status: 404}` |
        | `tls: true` of a pool | `{verify: true}` |
        | `balance: round-robin` | `{strategy: round-robin}` |
        | `probe: /load` | `{path: /load}` |
        | `sticky: true` | `{cookie: weir}` |
        | `health: /healthz` | `{path: /healthz}` |
        | `health: tcp` | `{kind: tcp}` |
        | `retries: 2` | `{attempts: 2}` |
        | `budget: 10%` | `{share: 10%}` |
        | `fallback: spare` | `{pool: spare}` |
        | `log: {access: stdout}` | `{access: {to: stdout}}` |

        ## Matching

        Hosts are compared without case, port and a dot at the end. Paths are compared with
        unreserved characters decoded, `.` and `..` resolved and doubled slashes merged, and \
        are sent
        on as they came. Routes are tried in written order. `weir check` warns of a route that
        earlier ones leave nothing for.

        ## Templates

        `{name}` stands in `respond.body`, `respond.headers`, `redirect.to` and the values of
        `request-headers` and `response-headers`:

        | Variable | Value |
        |---|---|
        | `{client.address}` | the client's address, behind trusted proxies too |
        | `{request.id}` | the request's id |
        | `{method}` | the method |
        | `{scheme}` | `http` or `https`, as a trusted proxy says |
        | `{host}` | the host that was asked for |
        | `{path}`, `{query}` | the path as received; the query without `?` |
        | `{uri}` | path and query as received |
        | `{route}` | the route's name |
        | `{pool}` | the pool; in `request-headers` and `response-headers` |
        | `{server}` | the server that answered; in `response-headers` |
        | `{tls.subject}` | the subject of the client's certificate, `CN=shop,O=Example` |
        | `{tls.san}` | its alternative names, `shop.example, spiffe://example/shop` |
        | `{tls.fingerprint}` | its SHA-256, 64 digits in lower case |
        | `{header.NAME}` | the first field of this name in the request |
        | `{cookie.NAME}` | the first cookie of this name |

        Values lose control characters and are never read as a template again. `{{` is a brace. A
        brace before a quote, a blank, another bracket or the end is itself, so that JSON needs no
        care.

        The `{tls.…}` variables are of a client that has shown a certificate to a listener with
        `client-authority`, also where an earlier session goes on. A subject is written as RFC 4514
        has it, last part first, with a backslash and two digits for each byte beyond ASCII and for
        control characters. Alternative names with a comma, or that could pass for one of
        another kind, are left out. A subject or list of names beyond 4 KiB counts as missing.

        ## Changed heads

        `request-headers` and `response-headers` first `remove`, then `set`, then `add`. Names are
        compared without case; `x_client` and `x-client` are two names, which some servers take for
        one, so remove the other one too where it matters. `set` and `remove` reach the fields that
        Weir writes, such as `via`, and trailers. A field whose value has variables that are all
        empty is left out, so `set: {x-client: "{tls.subject}"}` takes away what a client without a
        certificate has sent under that name.

        Fields that frame the message or belong to one connection cannot be changed, nor `host` and
        `expect` of requests. A request is sent again with the head that it had at first. In
        `response-headers` the variables tell of the request as it went to the server. They and
        `hsts` are for every answer to a request of the route, Weir's own included, but not for
        interim ones and 101; `hsts` is laid over them, and Weir's own cookie for `sticky` stays. A
        head that grows beyond 64 KiB is answered with 431, or 502 where it is the server's.

        ## Names of servers

        A server `name:port` stands for a server at each address that the name has, `srv: NAME` for
        the servers that the name's SRV records list. `state` and `max-connections` hold for each of
        them. Names are asked for again when what is known is as old as the records allow, within
        `resolver.min-ttl` and `resolver.max-ttl`. An answer without addresses, or none at all,
        leaves the servers as they were; a name that is unknown at the start has none until it is
        known.

        ## Files of servers

        `servers-file` names a file with one list, each entry as under `servers`:

        ```yaml
        - 10.0.0.1:8080
        - {address: 10.0.0.2:8080, weight: 3, name: blue}
        ```

        JSON is YAML, so it may be a JSON array too. The servers join those of `servers`; none may
        stand in both. The file is read again whenever it changes, and `weir check` reads it too. A
        file with a mistake, or without a server, changes nothing. Replace it in one step: write
        another beside it and rename that. It may use the environment, and holds at most 1024
        servers.

        ## Fallbacks

        A pool's `fallback` serves when none of its servers is healthy, in place of the panic that
        `panic-threshold` tells of. It may have a fallback itself; one that leads back is an error.
        A pool that `pool-defaults` names as the fallback has none by that. A route's `fallback`
        goes before its pool's.

        ## Certificates

        A client asks for a name; the certificate whose names cover it is taken, an exact name \
        before a
        wildcard, and the first of `certificates` where none does. An RSA and an ECDSA certificate \
        may
        stand side by side for one name. A `folder` stands for all its pairs `x.pem` and `x.key`, \
        sorted
        by name. A file of certificates begins with the server's own; those of the authorities \
        between
        follow, each signed by the next one.

        `weir check` reads all files that `tls` names and looks into them: a certificate that has \
        ended is
        an error, one that ends within 14 days a warning.

        `suites` are those of TLS 1.2 and 1.3 in one list, in the order of preference. These are \
        taken:

        \(TLSNames.suites.map { "`\($0)`" }.joined(separator: ",\n"))

        `groups` may be \(TLSNames.groups.map { "`\($0)`" }.joined(separator: ", ")). Names that \
        are weak
        are refused.

        A file of `ticket-keys` holds 1 to \(TLSKeys.ticketKeyCountMax) keys of \
        \(TLSKeys.ticketKeySize) bytes. The first one makes tickets, all of
        them read tickets. To change keys put the new one first on all machines, and remove the \
        last one
        once tickets made with it have ended. \
        `head -c \(TLSKeys.ticketKeySize) /dev/urandom` makes one.

        ## Environment

        `${NAME}`, `${NAME:-default}` and `${file:/run/secrets/x}` stand in values, never in keys. A
        name that is not set and has no default is an error; the default counts for an empty value
        too. A file's last newline is left out. Contents are never shown: diagnostics and
        `weir check --effective` print what is written in the file. `$${` is a literal `${`.

        Values of `authorization`, `proxy-authorization`, `cookie`, `set-cookie`, `x-api-key` and \
        the like that stand
        in the file itself are printed as `[hidden]`, by `weir check --effective`, `/config` and \
        reloads alike;
        of those that are nothing but secrets `weir check` warns.

        ## Includes

        The top-level `include` brings more of everything but routes: lists grow, maps join, \
        and what
        two files both say is an error. A route that is an `include` stands for the routes of those
        files; their other keys join. Patterns take `*`, `?` and `[ ]` and are sorted by name. \
        A file
        is included once. `pool-defaults` and `trusted-proxies` hold for all files, whichever has
        them.

        ## Bounds on the file

        4 MiB a file, 32 levels, 1,000,000 values a file, 1,000 included files, 8 files inside one
        another with the first one, 64 KiB a `${file:…}`. At most 200 mistakes are told.

        ## Examples

        | File | Shows |
        |---|---|
        | [smallest.yaml](../../examples/smallest.yaml) | a listener and two servers |
        | [tour.yaml](../../examples/tour.yaml) | routes of each kind, pools, the access log |
        | [company-site.yaml](../../examples/company-site.yaml) | several hosts, redirects of \
        old ones |
        | [balancing.yaml](../../examples/balancing.yaml) | strategies with their parameters, \
        stickiness, servers in reserve |
        | [health.yaml](../../examples/health.yaml) | checks, ejection, retries with a budget, \
        bounds |
        | [failover.yaml](../../examples/failover.yaml) | servers in reserve, another pool, an \
        answer when all fail, from [sorry.html](../../examples/failover/sorry.html) |
        | [discovery.yaml](../../examples/discovery.yaml) | servers by host name, by SRV records, \
        from a [file](../../examples/discovery/jobs.yaml) |
        | [several-files.yaml](../../examples/several-files.yaml) | includes: \
        [admin.yaml](../../examples/several-files/pools.d/admin.yaml), \
        [rpc.yaml](../../examples/several-files/pools.d/rpc.yaml), \
        [blog.yaml](../../examples/several-files/sites/blog.yaml), \
        [shop.yaml](../../examples/several-files/sites/shop.yaml) and an answer from a file, \
        [sorry.html](../../examples/several-files/sorry.html) |
        | [answers.yaml](../../examples/answers.yaml) | answers and redirects without a pool, \
        templates |
        | [https.yaml](../../examples/https.yaml) | TLS, certificates of clients, HSTS, plain http \
        led to https |
        | [streams.yaml](../../examples/streams.yaml) | websockets and server-sent events |
        | [unix-sockets.yaml](../../examples/unix-sockets.yaml) | unix sockets on both sides |
        | [behind-a-proxy.yaml](../../examples/behind-a-proxy.yaml) | trusted proxies, \
        forwarding fields |
        | [strict-limits.yaml](../../examples/strict-limits.yaml) | limits and time-outs for \
        the open internet |

        ## Diagnostics

        Each begins with `FILE:LINE:COLUMN: error` or `warning`, ends its first line with its id in
        brackets, and shows the line, a caret under the fault, and what to write instead. All are
        told at once. `weir check --strict` fails on warnings too.

        """
}
