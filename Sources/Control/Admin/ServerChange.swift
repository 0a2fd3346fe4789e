import Configuration

/// What an operator changes of a server while Weir runs: the body of a PATCH.
struct ServerChange: Equatable {
    /// What can be changed.
    enum Part {
        case state
        case weight
    }

    /// What is to be as the file says again.
    var returns: Set<Part> = []
    /// Whether it takes part; `nil` leaves that as it is.
    var state: ServerState?
    /// Its weight; `nil` leaves that as it is.
    var weight: Int?

    /// Weights that a server can have.
    static let weights = 0...1000

    /// A change of what is given.
    init(state: ServerState?, weight: Int?) {
        self.state = state
        self.weight = weight
    }

    /// Reads `{"state": "ready|drain|down", "weight": n}`, either of which may be missing; `null`
    /// is what the file says.
    ///
    /// - Throws: ``AdminProblem`` for anything else.
    init(json bytes: [UInt8]) throws(AdminProblem) {
        guard case .object(let members) = JSONReader.document(bytes) else {
            throw AdminProblem(
                400,
                "the body is no JSON object",
                "Send an object such as {\"state\": \"drain\", \"weight\": 3}."
            )
        }
        for (name, value) in members {
            switch (name, value) {
            case ("state", .text(let word)):
                guard let state = ServerState(rawValue: word) else {
                    throw Self.unprocessable(
                        "\"\(word)\" is no state: write ready, drain or down."
                    )
                }
                self.state = state
            case ("weight", .decimal(let number)):
                guard let weight = Int(exactly: number), Self.weights.contains(weight) else {
                    throw Self.unprocessable("A weight is a whole number from 0 to 1000.")
                }
                self.weight = weight
            case ("state", .null): returns.insert(.state)
            case ("weight", .null): returns.insert(.weight)
            case ("state", _):
                throw Self.unprocessable(
                    "\"state\" is ready, drain, down, or null for what the file says."
                )
            case ("weight", _):
                throw Self.unprocessable("\"weight\" is a number, or null for the file's.")
            default:
                throw Self.unprocessable("\"\(name)\" cannot be changed: state and weight can.")
            }
        }
        if members.isEmpty { throw Self.unprocessable("Nothing is to be changed.") }
    }

    private static func unprocessable(_ detail: String) -> AdminProblem {
        AdminProblem(422, "the change makes no sense", detail)
    }
}
