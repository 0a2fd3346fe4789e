import Testing

@testable import Control

@Suite("JSON that is read")
struct JSONReaderTests {
    @Test(
        "documents come out as they went in",
        arguments: [
            "{}", "[]", #"{"a":"b","c":1}"#, #"[true,false,null,-1.5,"x\\y\""]"#,
            #"{"a":{"b":[{"c":[]}]}}"#, #""grün 🙂""#,
        ]
    )
    func documents(text: String) {
        #expect(JSONReader.document(Array(text.utf8))?.compact == text)
    }

    @Test("escapes are undone")
    func escapes() {
        let text = #" [ "\u0061\ud83d\ude42\n\/" , 1e3 ] "#
        let found = JSONReader.document(Array(text.utf8))
        #expect(found?.items.first?.string == "a🙂\n/")
        #expect(found?.items.last?.double == 1000)
    }

    @Test(
        "what is no JSON",
        arguments: [
            "", " ", "{", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1}}"#, #"{"a":"\x"}"#,
            "{\"a\":\"\n\"}", #"{"a":"\ud800"}"#, #"{"a":01x}"#, "nul", #"{"a":"b"#,
            #"{"a":1 "b":2}"#, #"{"a":1,"a":2}"#, "[1,]", "1.", "+1", "[1 2]", "\u{feff}1",
            #"["\u00zz"]"#, #"["\u+123"]"#,
        ]
    )
    func broken(text: String) {
        #expect(JSONReader.document(Array(text.utf8)) == nil)
    }

    @Test("depth has a bound")
    func depth() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(JSONReader.document(Array(deep.utf8)) == nil)
        let fine = String(repeating: "[", count: 30) + String(repeating: "]", count: 30)
        #expect(JSONReader.document(Array(fine.utf8)) != nil)
    }

    @Test("bytes that are no text")
    func bytes() {
        #expect(JSONReader.document([0x22, 0xFF, 0x22]) == nil)
    }
}
