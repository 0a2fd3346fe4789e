/// What the admin API can be asked, path by path.
struct AdminRouter {
    /// One operation.
    struct Operation {
        /// As in the description of the API: `/pools/{pool}`.
        var path: String
        var method: String
        /// Does it; gets the values of the path's variables in their order.
        var run: (AdminRequest, [String]) throws(AdminProblem) -> AdminResponse
    }

    let operations: [Operation]

    /// The answer to a request that may be asked.
    ///
    /// - Throws: ``AdminProblem`` for an unknown path or method, or what the operation throws.
    func answer(_ request: AdminRequest) throws(AdminProblem) -> AdminResponse {
        guard let segments = request.segments else {
            throw AdminProblem(400, "the path is not valid", "Its percent-encoding is no UTF-8.")
        }
        var methods: [String] = []
        for operation in operations {
            guard let values = Self.match(operation.path, request.path, segments) else { continue }
            let isHead = request.method == "HEAD" && operation.method == "GET"
            if operation.method == request.method || isHead {
                return try operation.run(request, values)
            }
            methods.append(operation.method)
            if operation.method == "GET" { methods.append("HEAD") }
        }
        if methods.isEmpty {
            throw AdminProblem(404, "there is no such path", "Nothing is at \(request.path).")
        }
        methods.append("OPTIONS")
        let allowed = methods.joined(separator: ", ")
        if request.method == "OPTIONS" {
            var response = AdminResponse(204, type: "text/plain", "")
            response.fields = [("allow", allowed)]
            return response
        }
        throw AdminProblem(
            405,
            "the method is not allowed",
            "\(request.path) takes \(allowed).",
            fields: ["allow": allowed]
        )
    }

    /// The values of a pattern's variables, if the path is one of it.
    private static func match(
        _ pattern: String,
        _ path: String,
        _ segments: [String]
    ) -> [String]? {
        let parts = pattern.split(separator: "/")
        guard parts.contains(where: { $0.hasPrefix("{") }) else {
            return pattern == path ? [] : nil
        }
        guard parts.count == segments.count, !path.hasSuffix("/") else { return nil }
        var values: [String] = []
        for (part, segment) in zip(parts, segments) {
            if part.hasPrefix("{") {
                values.append(segment)
            } else if part != segment {
                return nil
            }
        }
        return values
    }
}
