import Configuration
import HTTP

/// A piece of a field's value.
struct EditPiece: BitwiseCopyable {
    /// What a piece stands for.
    enum Kind: UInt8 {
        case text
        case clientAddress
        case requestID
        case method
        case scheme
        case host
        case path
        case query
        case uri
        case route
        case pool
        case server
        case tlsSubject
        case tlsNames
        case tlsFingerprint
        case header
        case cookie

        /// Whether the value comes from the client's certificate.
        var isOfCertificate: Bool {
            self == .tlsSubject || self == .tlsNames || self == .tlsFingerprint
        }
    }

    var kind: Kind
    /// The text itself, or the name of a header or cookie.
    var text: UnsafeRawBufferPointer
}

/// One change of a head.
struct FieldEdit: BitwiseCopyable {
    /// What happens to a field.
    enum Kind: UInt8 {
        /// Those that came go away.
        case remove
        /// It takes the place of those that came.
        case set
        /// It joins those that came.
        case add
    }

    var kind: Kind
    /// Whether it concerns answers to https only.
    var isForHTTPS = false
    /// Whether its value has variables; without a value for any the field is left out.
    var hasVariables = false
    var name: UnsafeRawBufferPointer
    /// Where its pieces lie in ``HeadEdits/pieces``.
    var firstPiece = 0
    var pieceCount = 0
}

/// Changes of a head in flat memory, in the order in which they are made.
///
/// The snapshot owns the memory.
struct HeadEdits: BitwiseCopyable {
    private(set) var edits: UnsafeMutableBufferPointer<FieldEdit>
    private(set) var pieces: UnsafeMutableBufferPointer<EditPiece>
    /// Whether a value comes from the client's certificate.
    private(set) var readsCertificate = false

    /// Whether nothing is changed.
    var isEmpty: Bool { edits.isEmpty }

    /// Compiles what the file has; `keep` gives a text a place that lasts.
    init(_ config: HeaderEdits, hsts: Duration?, keep: (String) -> UnsafeRawBufferPointer) {
        var edits: [FieldEdit] = []
        var pieces: [EditPiece] = []
        for name in config.remove { edits.append(FieldEdit(kind: .remove, name: keep(name))) }
        for (kind, headers) in [(FieldEdit.Kind.set, config.set), (.add, config.add)] {
            for header in headers {
                var edit = FieldEdit(kind: kind, name: keep(header.name))
                edit.firstPiece = pieces.count
                pieces += header.value.segments.map { EditPiece($0, keep: keep) }
                edit.pieceCount = pieces.count - edit.firstPiece
                edit.hasVariables = pieces[edit.firstPiece...].contains { $0.kind != .text }
                edits.append(edit)
            }
        }
        if let hsts {
            var edit = FieldEdit(kind: .set, name: keep("Strict-Transport-Security"))
            edit.isForHTTPS = true
            edit.firstPiece = pieces.count
            edit.pieceCount = 1
            let age = hsts.components.seconds
            pieces.append(EditPiece(kind: .text, text: keep("max-age=\(age)")))
            edits.append(edit)
        }
        readsCertificate = pieces.contains { $0.kind.isOfCertificate }
        self.edits = .allocate(capacity: edits.count)
        _ = self.edits.initialize(from: edits)
        self.pieces = .allocate(capacity: pieces.count)
        _ = self.pieces.initialize(from: pieces)
    }

    /// Gives the memory back.
    func deallocate() {
        edits.deallocate()
        pieces.deallocate()
    }
}

/// What a route changes of heads.
struct RouteEdits: BitwiseCopyable {
    var request: HeadEdits
    var answer: HeadEdits

    init(_ route: RouteConfig, keep: (String) -> UnsafeRawBufferPointer) {
        request = HeadEdits(route.requestHeaders, hsts: nil, keep: keep)
        answer = HeadEdits(route.responseHeaders, hsts: route.hsts, keep: keep)
    }

    /// What an exchange has to know of them.
    var marks: Exchange.Flags {
        var marks: Exchange.Flags = []
        if !request.isEmpty { marks.insert(.editsRequest) }
        if !answer.isEmpty { marks.insert(.editsAnswer) }
        return marks
    }

    /// Gives the memory back.
    func deallocate() {
        request.deallocate()
        answer.deallocate()
    }
}

extension EditPiece {
    init(_ segment: Template.Segment, keep: (String) -> UnsafeRawBufferPointer) {
        switch segment {
        case .literal(let literal): self.init(kind: .text, text: keep(literal))
        case .variable(let variable):
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            switch variable {
            case .clientAddress: self.init(kind: .clientAddress, text: nothing)
            case .requestID: self.init(kind: .requestID, text: nothing)
            case .method: self.init(kind: .method, text: nothing)
            case .scheme: self.init(kind: .scheme, text: nothing)
            case .host: self.init(kind: .host, text: nothing)
            case .path: self.init(kind: .path, text: nothing)
            case .query: self.init(kind: .query, text: nothing)
            case .uri: self.init(kind: .uri, text: nothing)
            case .route: self.init(kind: .route, text: nothing)
            case .pool: self.init(kind: .pool, text: nothing)
            case .server: self.init(kind: .server, text: nothing)
            case .tlsSubject: self.init(kind: .tlsSubject, text: nothing)
            case .tlsNames: self.init(kind: .tlsNames, text: nothing)
            case .tlsFingerprint: self.init(kind: .tlsFingerprint, text: nothing)
            case .header(let name): self.init(kind: .header, text: keep(name))
            case .cookie(let name): self.init(kind: .cookie, text: keep(name))
            }
        }
    }
}
