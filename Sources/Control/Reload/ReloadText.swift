import Configuration

/// What `POST /reload` answers, in words for a terminal.
public enum ReloadText {
    /// The words, and whether the file was taken; `nil` for what is no such answer.
    public static func render(_ body: String) -> (text: String, isGood: Bool)? {
        guard let document = JSONReader.document(Array(body.utf8)) else { return nil }
        if document["state"]?.string == "reloaded" { return (taken(document), true) }
        guard let title = document["title"]?.string else { return nil }
        var text = ""
        for diagnostic in document["diagnostics"]?.items ?? [] {
            text += diagnostic["text"]?.string ?? ""
        }
        text += "not reloaded: \(title): \(document["detail"]?.string ?? "")\n"
        return (text, false)
    }

    private static func taken(_ document: JSONValue) -> String {
        var text = ""
        for warning in document["warnings"]?.items ?? [] { text += warning["text"]?.string ?? "" }
        let changes = document["changes"]?.items ?? []
        for change in changes {
            let key = change["key"]?.string ?? ""
            switch (change["before"]?.string, change["after"]?.string) {
            case (let before?, let after?): text += "~ \(key): \(before) -> \(after)\n"
            case (nil, let after?): text += after.isEmpty ? "+ \(key)\n" : "+ \(key): \(after)\n"
            case (_, nil): text += "- \(key)\n"
            }
        }
        for words in document["postponed"]?.items ?? [] { text += "! \(words.string ?? "")\n" }
        text += changes.isEmpty ? "reloaded: nothing has changed\n" : "reloaded\n"
        return text
    }
}
