import Configuration
import Routing

/// A route to a pool, matching this host.
func route(_ name: String, host: String? = nil, _ action: RouteAction) -> RouteConfig {
    var spec = RouteSpec()
    if let host { spec.hosts = [.exact(host)] }
    return RouteConfig(name: name, matches: [spec], action: action)
}

/// A server at 127.0.0.1 with this port.
func server(_ name: String, port: UInt16) -> ServerConfig {
    ServerConfig(name: name, address: .ip(.v4(0x7f00_0001), port: port))
}
