/// What of a request serves as its key: for consistent hashing, for a stable split.
public enum KeyChoice: Sendable, Hashable {
    /// The client's address, after `trusted-proxies`.
    case client
    /// The host, in lower case, without a port.
    case host
    /// The path in the form in which routes match it, without the query.
    case path
    /// The value of the first field of this name (in lower case).
    case header(String)
    /// The value of the cookie of this name.
    case cookie(String)
    /// The value of the query parameter of this name.
    case query(String)
}
