extension Checker {
    /// The changes of heads that a route makes.
    func headerEdits(_ key: Key, of route: RawMap) -> HeaderEdits {
        guard let map = route.map(key) else { return HeaderEdits() }
        let isRequest = key.name == RouteKeys.requestHeaders.name
        let place: TemplatePlace = isRequest ? .request : .answer
        let taken = isRequest ? FieldNames.ofRequests : FieldNames.ofAnswers
        var edits = HeaderEdits()
        var names: [String: Place] = [:]
        for item in map.items(HeaderEditKeys.remove) {
            guard let name = item.text, isFieldName(name.text, item.place, taken: taken) else {
                continue
            }
            reportDuplicate(
                ScalarText(name.text.lowercased()),
                item.place,
                in: &names,
                "field"
            )
            edits.remove.append(name.text)
        }
        edits.set = fixedHeaders(map.names(HeaderEditKeys.set), at: place, taken: taken)
        edits.add = fixedHeaders(map.names(HeaderEditKeys.add), at: place, taken: taken)
        return edits
    }

    /// Fields with their values; each name stands there once.
    func fixedHeaders(
        _ given: [RawName],
        at place: TemplatePlace,
        taken: Set<String>
    ) -> [FixedHeader] {
        var headers: [FixedHeader] = []
        var names: [String: Place] = [:]
        for name in given {
            guard isFieldName(name.name, name.place, taken: taken) else { continue }
            reportDuplicate(ScalarText(name.name.lowercased()), name.place, in: &names, "field")
            guard let value = template(name.item, at: place) else { continue }
            let isLine = value.segments.allSatisfy { segment in
                guard case .literal(let text) = segment else { return true }
                return text.unicodeScalars.allSatisfy {
                    ($0.value >= 32 && $0.value != 127) || $0 == "\t"
                }
            }
            if !isLine {
                reporter.error(
                    .fieldName,
                    name.item.place,
                    "the value of \(name.name.shown) holds a control character",
                    remedy: "a field's value is one line of text"
                )
            }
            reportPlainSecret(name)
            headers.append(FixedHeader(name: name.name, value: value))
        }
        return headers
    }

    /// Warns of a secret that whoever reads the file can read.
    func reportPlainSecret(_ name: RawName) {
        guard SecretFields.isCredential(name.name), let text = name.item.text,
            SecretFields.mustHide(name.name, text.written)
        else { return }
        reporter.warning(
            .plainSecret,
            name.place,
            "the value of \(name.name.shown) stands in the file itself",
            remedy: "put it into a file of its own or the environment: "
                + "\"${file:/run/secrets/NAME}\" or \"${NAME}\""
        )
    }

    private func isFieldName(_ name: String, _ place: Place, taken: Set<String>) -> Bool {
        if name.contains("*") {
            reporter.error(
                .fieldName,
                place,
                "\(name.shown) stands for no other names: there are no wildcards here",
                remedy: "name each field by itself"
            )
            return false
        }
        guard FieldNames.isToken(name) else {
            reporter.error(
                .fieldName,
                place,
                "\(name.shown) is no field's name",
                remedy: "letters, digits and - make a name, for example cache-control"
            )
            return false
        }
        guard taken.contains(name.lowercased()) else { return true }
        reporter.error(
            .fieldName,
            place,
            "Weir writes \(name.shown) itself",
            remedy: "remove it"
        )
        return false
    }
}
