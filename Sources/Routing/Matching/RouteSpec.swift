import HTTP

/// What a request must be like to take a route.
///
/// All of the lists must hold, and of each list one entry suffices. An empty list holds for
/// everything.
public struct RouteSpec: Sendable, Equatable {
    /// `match.host`.
    public var hosts: [HostPattern] = []
    /// `match.path`.
    public var paths: [PathPattern] = []
    /// `match.method`; `GET` takes `HEAD` along (whoever fills this in adds it).
    public var methods: [String] = []

    /// A spec that everything matches.
    public init() {}
}

/// A pattern of `match.host`, in lower case, without port and trailing dot.
public enum HostPattern: Sendable, Equatable, Hashable {
    /// `a.b`.
    case exact(String)
    /// `*.a.b`: one or more labels before `.a.b`; holds `a.b`.
    case subdomains(of: String)
    /// `.a.b`: `a.b` itself and all below it.
    case domain(String)
}

/// A pattern of `match.path`, in normalised form.
public enum PathPattern: Sendable, Equatable, Hashable {
    /// `=/p`: this path and no other.
    case exact(String)
    /// `/p/` and `/p`: `/p` and all below `/p/`, whole segments. Holds `/p` without the slash at
    /// its end; `/` is the empty string and holds for every path.
    case prefix(String)
}
