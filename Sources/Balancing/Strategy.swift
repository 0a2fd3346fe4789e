/// An endpoint's place in its pool's list.
public typealias EndpointIndex = Int
