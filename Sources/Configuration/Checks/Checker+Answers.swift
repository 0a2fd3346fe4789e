extension Checker {
    /// Bytes of a file that `respond` answers with.
    static var answerFileSizeMax: Int { 4 << 20 }

    /// A redirect, or a report.
    func redirect(_ map: RawMap) -> RouteAction? {
        reportMissing(RedirectKeys.target, in: map, of: RedirectKeys.set)
        let status = map.over(RedirectKeys.set.standards).text(RedirectKeys.status)
        guard let item = map.item(RedirectKeys.target), let target = template(item) else {
            return nil
        }
        let start: String
        if case .literal(let text) = target.segments.first { start = text } else { start = "" }
        let isURL = ["http://", "https://"].contains { start.lowercased().hasPrefix($0) }
        let hasScheme = target.segments.first == .variable(.scheme)
        guard isURL || hasScheme || start.hasPrefix("/") || Self.isPath(target.segments.first)
        else {
            reporter.error(
                .redirectTarget,
                item.place,
                "\((item.text?.written ?? "").shown) is no URL and no path",
                remedy: "write \"https://\(item.text?.written ?? "")\" or a path that begins with /"
            )
            return nil
        }
        guard target.segments.allSatisfy(\.isURLText) else {
            reporter.error(
                .redirectTarget,
                item.place,
                "\((item.text?.written ?? "").shown) holds a blank or a control character",
                remedy: "write it as %xx"
            )
            return nil
        }
        return .redirect(
            to: target,
            status: status.flatMap { Int($0) } ?? 302,
            keepsPathAndQuery: (isURL || hasScheme) && !Self.hasPath(target)
        )
    }

    private static func isPath(_ segment: Template.Segment?) -> Bool {
        segment == .variable(.path) || segment == .variable(.uri)
    }

    /// Whether a URL says more than scheme and host.
    private static func hasPath(_ target: Template) -> Bool {
        var text = ""
        for segment in target.segments {
            switch segment {
            case .literal(let literal): text += literal
            case .variable(.path), .variable(.uri), .variable(.query): return true
            case .variable: text += "x"
            }
        }
        guard let start = text.firstRange(of: "://") else { return true }
        return text[start.upperBound...].contains { "/?#".contains($0) }
    }

    /// The answer that `respond` describes.
    func answer(_ map: RawMap) -> FixedAnswer {
        var answer = FixedAnswer()
        answer.status = map.over(RespondKeys.set.standards).count(RespondKeys.status) ?? 200
        let body = map.item(RespondKeys.body)
        let file = map.item(RespondKeys.file)
        if let body, let file {
            let later = body.place.line > file.place.line ? body : file
            reporter.error(
                .answerBody,
                later.keyPlace ?? later.place,
                "an answer has a body or a file, not both",
                remedy: "remove one of the two"
            )
        }
        if let item = body ?? file, answer.status == 204 || answer.status == 304 {
            reporter.error(
                .answerBody,
                item.keyPlace ?? item.place,
                "an answer with status \(answer.status) has no body",
                remedy: "remove it, or choose another status"
            )
        }
        if let body, let template = template(body) { answer.body = .template(template) }
        if let file, let text = file.text {
            answer.body = contents(of: file) ?? answer.body
            let path = absolute(text.text, at: file.place)
            written.remember(path, text)
            answer.bodyPath = path
        }
        answer.headers = headers(map)
        return answer
    }

    private func contents(of item: RawItem) -> FixedBody? {
        guard let text = item.text else { return nil }
        let path = FilePath.resolve(text.text, from: reporter.files[item.place.file].path)
        let type = Self.contentType(of: path)
        switch files.read(path) {
        case .failure(let problem):
            reporter.reportFile(text.shown(path), problem.reason, at: item.place, options: options)
            return .bytes([], contentType: type)
        case .success(let bytes):
            guard bytes.count <= Self.answerFileSizeMax else {
                reporter.error(
                    .tooLarge,
                    item.place,
                    "\(text.shown(path)) has \(bytes.count) bytes",
                    remedy: "an answer's file has at most "
                        + Quantity.text(size: Self.answerFileSizeMax)
                )
                return nil
            }
            return .bytes(bytes, contentType: type)
        }
    }

    /// The media type by the file's ending.
    static func contentType(of path: String) -> String {
        switch path.split(separator: ".").last.map({ $0.lowercased() }) {
        case "html", "htm": "text/html; charset=utf-8"
        case "txt": "text/plain; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "xml": "application/xml"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "gif": "image/gif"
        case "webp": "image/webp"
        case "ico": "image/x-icon"
        case "pdf": "application/pdf"
        default: "application/octet-stream"
        }
    }

    private func headers(_ map: RawMap) -> [FixedHeader] {
        fixedHeaders(map.names(RespondKeys.headers), at: .ownAnswer, taken: FieldNames.reserved)
    }

    /// Text with `{name}` in it, or a report.
    func template(_ item: RawItem, at place: TemplatePlace = .ownAnswer) -> Template? {
        guard let text = item.text else { return nil }
        do {
            let template = try Template.parse(text.pieces)
            written.remember(template, text)
            for case .variable(let variable) in template.segments {
                guard let objection = place.objection(to: variable) else { continue }
                reporter.error(
                    .template,
                    item.place,
                    objection,
                    remedy: "write it in response-headers of a route with a pool"
                )
            }
            return template
        } catch {
            reporter.error(.template, item.place, error.message, remedy: error.remedy)
            return nil
        }
    }
}

extension Template.Segment {
    /// Whether the text may stand in a field that holds a URL.
    fileprivate var isURLText: Bool {
        guard case .literal(let text) = self else { return true }
        return text.utf8.allSatisfy { $0 > 32 && $0 != 127 }
    }
}
