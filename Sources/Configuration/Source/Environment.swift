/// Fills `${NAME}`, `${NAME:-default}` and `${file:path}` into the values of a tree.
///
/// What comes from outside is marked as literal, so that it is never read as a template, and
/// never shown: diagnostics quote what is written in the file.
struct EnvironmentFiller<Files: FileAccess> {
    let path: String
    let files: Files
    let environment: (String) -> String?
    let options: LoadOptions
    let reporter: Reporter

    /// Bytes of a `${file:…}`.
    static var fileSizeMax: Int { 64 << 10 }

    /// Fills in all scalars of the tree that are values.
    func fill(_ node: inout Node) {
        switch node.content {
        case .scalar(var text):
            guard text.written.contains("${") else { return }
            fill(&text, at: node.place)
            node.content = .scalar(text)
        case .list(var items):
            for index in items.indices { fill(&items[index]) }
            node.content = .list(items)
        case .map(var entries):
            for index in entries.indices { fill(&entries[index].value) }
            node.content = .map(entries)
        }
    }

    private func fill(_ text: inout ScalarText, at place: Place) {
        var pieces: [ScalarText.Piece] = []
        // By code points: an accent behind a brace would make another character of it.
        var rest = text.written.unicodeScalars[...]
        while let dollar = rest.firstIndex(of: "$") {
            pieces.append(.init(text: String(rest[..<dollar]), isLiteral: false))
            rest = rest[dollar...]
            if rest.starts(with: "$${".unicodeScalars) {
                pieces.append(.init(text: "${", isLiteral: true))
                rest = rest.dropFirst(3)
            } else if rest.starts(with: "${".unicodeScalars) {
                guard let end = rest.firstIndex(of: "}") else {
                    report(place, "\(text.written.shown) opens ${ and never closes it")
                    text.isUnknown = true
                    return
                }
                let reference = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
                if let value = value(of: String(reference), at: place) {
                    pieces.append(.init(text: value, isLiteral: true))
                } else {
                    text.isUnknown = true
                }
                rest = rest[rest.index(after: end)...]
            } else {
                pieces.append(.init(text: "$", isLiteral: false))
                rest = rest.dropFirst()
            }
        }
        pieces.append(.init(text: String(rest), isLiteral: false))
        text.pieces = pieces.filter { !$0.text.isEmpty }
        if text.pieces.isEmpty { text.pieces = [.init(text: "", isLiteral: true)] }
    }

    private func report(_ place: Place, _ message: String) {
        reporter.error(
            .environment,
            place,
            message,
            remedy: "write ${NAME}, ${NAME:-default} or ${file:path}; $${ is a literal ${"
        )
    }

    private func value(of reference: String, at place: Place) -> String? {
        if reference.hasPrefix("file:") {
            return contents(of: String(reference.dropFirst(5)), at: place)
        }
        let name: Substring
        var standard: String?
        if let mark = reference.firstRange(of: ":-") {
            name = reference[..<mark.lowerBound]
            standard = String(reference[mark.upperBound...])
            if standard?.contains("${") == true {
                report(place, "the default of ${\(name)} holds another ${")
                return nil
            }
        } else {
            name = reference[...]
        }
        guard Self.isName(name) else {
            report(place, "${\(reference)} names no variable")
            return nil
        }
        if let value = environment(String(name)), !(value.isEmpty && standard != nil) {
            return value
        }
        if let standard { return standard }
        reporter.error(
            .environment,
            place,
            "the environment has no \(name)",
            remedy: "set it, or give a default: ${\(name):-default}"
        )
        return nil
    }

    private func contents(of name: String, at place: Place) -> String? {
        let path = FilePath.resolve(name, from: path)
        switch files.read(path) {
        case .failure(let problem):
            reportFile(path, problem.reason, place)
            return nil
        case .success(let bytes):
            guard bytes.count <= Self.fileSizeMax else {
                reportFile(path, "it has more than \(Self.fileSizeMax) bytes", place)
                return nil
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                reportFile(path, "it is no UTF-8 text", place)
                return nil
            }
            // Editors end a file with a newline, which is no part of the secret.
            return text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
    }

    private func reportFile(_ path: String, _ reason: String, _ place: Place) {
        reporter.reportFile(path, reason, at: place, options: options)
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}

extension String {
    /// In quotes, on one line, and cut where it is long: how a diagnostic quotes the file.
    var shown: String {
        var text = ""
        for scalar in unicodeScalars.prefix(60) {
            let isControl = scalar.value < 32 || (scalar.value >= 127 && scalar.value < 160)
            text.unicodeScalars.append(isControl ? " " : scalar)
        }
        return "\"" + text + (unicodeScalars.count > 60 ? "…" : "") + "\""
    }
}

extension Reporter {
    /// Whether the text could name a file; reports control characters, which end names early or
    /// spoil logs.
    func isPath(_ text: ScalarText, at place: Place) -> Bool {
        if text.text.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }), !text.text.isEmpty { return true }
        error(
            .value,
            place,
            text.text.isEmpty
                ? "\(text.written.shown) is empty"
                : "\(text.written.shown) holds a control character",
            remedy: text.text.isEmpty ? "write a value" : "write it without"
        )
        return false
    }

    /// Reports a file that cannot be read: a warning where files need not be there.
    func reportFile(_ path: String, _ reason: String, at place: Place, options: LoadOptions) {
        if let identity = options.identity, reason == FileProblem.denied {
            error(
                .file,
                place,
                "user \(identity.user) cannot read \(options.absolute(path)): \(reason)",
                remedy: "give it to the group: chgrp \(identity.group) FILE && chmod g+r FILE; "
                    + "its folders need g+x"
            )
            return
        }
        let main = files[place.file].path
        let folder = FilePath.folder(of: main)
        var start = folder.isEmpty ? options.workingDirectory : options.absolute(folder)
        if start.isEmpty { start = "the working directory" }
        let message = "cannot read \(options.absolute(path)): \(reason)"
        let remedy = "relative files start at the folder of \(FilePath.last(main)), \(start)"
        if options.requiresFiles {
            error(.file, place, message, remedy: remedy)
        } else {
            warning(.file, place, message, remedy: remedy)
        }
    }
}
