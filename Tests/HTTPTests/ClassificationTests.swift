import CBytes
import HTTP
import Testing

/// Which known name a field of this name gets.
private func classify(_ name: [UInt8]) -> FieldName? {
    var parser = RequestParser()
    var fields = FieldTable(capacity: 4)
    let bytes = Array("GET / HTTP/1.0\r\n".utf8) + name + Array(": 1\r\n\r\n".utf8)
    let head = try? parser.parse(bytes.span.bytes, into: &fields, limits: usualLimits)
    guard head != nil else { return nil }
    return fields.count == 1 ? fields[0].id : nil
}

@Suite struct ClassificationTests {
    @Test("CBytes numbers the names as FieldName does")
    func numbering() {
        #expect(FieldName.allCases.count == CBYTES_FIELD_COUNT)
        #expect(FieldName.allCases.count <= 64)
        for (index, name) in FieldName.allCases.enumerated() {
            #expect(Int(name.rawValue) == index)
            let bytes = Array("\(name.name)".utf8)
            #expect(cbytes_classify_field(bytes, bytes.count) == name.rawValue, "\(name)")
        }
    }

    @Test("a known name is known in any case", arguments: FieldName.allCases.dropFirst())
    func anyCase(_ name: FieldName) {
        let lower = "\(name.name)"
        var mixed = Array(lower.utf8)
        for index in stride(from: 0, to: mixed.count, by: 2) where mixed[index] >= 0x61 {
            mixed[index] -= 0x20
        }
        for bytes in [Array(lower.utf8), Array(lower.uppercased().utf8), mixed] {
            #expect(cbytes_classify_field(bytes, bytes.count) == name.rawValue)
        }
    }

    @Test("a name that differs in one byte is not known", arguments: FieldName.allCases.dropFirst())
    func oneByteOff(_ name: FieldName) {
        let known = Set(FieldName.allCases.map { "\($0.name)" })
        let bytes = Array("\(name.name)".utf8)
        for index in bytes.indices {
            for other in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = other
                let text = String(decoding: changed, as: UTF8.self).lowercased()
                let isKnown = cbytes_classify_field(changed, changed.count) != 0
                #expect(isKnown == known.contains(text), "\(text)")
            }
        }
        for changed in [bytes + [0x61], Array(bytes.dropLast()), [0x61] + bytes] {
            let text = String(decoding: changed, as: UTF8.self)
            let isKnown = cbytes_classify_field(changed, changed.count) != 0
            #expect(isKnown == known.contains(text), "\(text)")
        }
    }

    @Test("by HTTP/2 a name is a lower-case token", arguments: FieldName.allCases.dropFirst())
    func lowerCase(_ name: FieldName) {
        let bytes = Array("\(name.name)".utf8)
        #expect(Int(cbytes_classify_lower(bytes, bytes.count)) == Int(name.rawValue))
        for index in bytes.indices {
            for other in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = other
                let isUpper = (0x41...0x5a).contains(other)
                let isToken = cbytes_is_token(other) != 0 && !isUpper
                let known = Int(cbytes_classify_field(changed, changed.count))
                let found = Int(cbytes_classify_lower(changed, changed.count))
                #expect(found == (isToken ? known : CBYTES_FIELD_COUNT), "\(index) \(other)")
            }
        }
        #expect(Int(cbytes_classify_lower(bytes, 0)) == CBYTES_FIELD_COUNT)
    }

    @Test("the parser gives each field its name", arguments: FieldName.allCases.dropFirst())
    func parsed(_ name: FieldName) {
        // Those that the value 1 makes no sense for are refused or framed, never misread.
        let refusing: [FieldName] = [.transferEncoding]
        let id = classify(Array("\(name.name)".utf8))
        #expect(refusing.contains(name) ? id == nil : id == name)
    }

    @Test("names of hundreds of bytes are other names")
    func long() {
        for count in [33, 64, 300] {
            #expect(classify([UInt8](repeating: 0x61, count: count)) == .other)
        }
    }

    @Test("hop-by-hop names are those of RFC 9110 §7.6.1 and of the h2c upgrade")
    func hopByHop() {
        let names = FieldName.allCases.filter(\.isHopByHop)
        #expect(
            names == [
                .connection, .transferEncoding, .keepAlive, .proxyConnection, .te, .upgrade,
                .http2Settings,
            ]
        )
    }

    @Test(
        "methods are known by their exact name",
        arguments: Method.allCases.filter { $0 != .other }
    )
    func methods(_ method: Method) {
        let name = Array("\(method.name)".utf8)
        #expect(Method(name.span.bytes) == method)
        #expect(Method(Array("\(method.name)".lowercased().utf8).span.bytes) == .other)
        #expect(Method((name + [0x58]).span.bytes) == .other)
        #expect(Method(Array(name.dropLast()).span.bytes) == .other)
        var changed = name
        changed[name.count - 1] = 0x58
        #expect(Method(changed.span.bytes) == .other)
    }

    @Test("safe and idempotent methods are those of RFC 9110 §9.2")
    func properties() {
        #expect(Method.allCases.filter(\.isSafe) == [.get, .head, .options, .trace])
        #expect(
            Method.allCases.filter(\.isIdempotent)
                == [.get, .head, .put, .delete, .options, .trace]
        )
    }

    @Test("each error has a sentence of its own")
    func errors() {
        var sentences = Set<String>()
        for error in HeadError.allCases {
            let sentence = "\(error.explanation)"
            #expect(sentence.hasSuffix(".") && sentences.insert(sentence).inserted)
        }
        for error in BodyError.allCases {
            let sentence = "\(error.explanation)"
            #expect(sentence.hasSuffix(".") && sentences.insert(sentence).inserted)
        }
    }

    @Test("statuses are called as in the registry")
    func reasons() {
        #expect("\(StatusCode.reason(200))" == "OK")
        #expect("\(StatusCode.reason(101))" == "Switching Protocols")
        #expect("\(StatusCode.reason(308))" == "Permanent Redirect")
        #expect("\(StatusCode.reason(431))" == "Request Header Fields Too Large")
        #expect("\(StatusCode.reason(502))" == "Bad Gateway")
        for status in [0, 99, 199, 299, 399, 499, 599, 600, -1] {
            #expect("\(StatusCode.reason(status))" == "")
        }
    }

    @Test("a token is one or more token characters")
    func tokens() {
        for (text, isOne) in [
            ("a", true), ("M-x!", true), ("", false), ("a b", false),
            ("a:", false), ("ä", false),
        ] {
            #expect(isToken(Array(text.utf8).span.bytes) == isOne, "\(text)")
        }
    }
}
