/// Parses the heads of one connection's requests (RFC 9112 §2 to §6), strictly wherever leniency
/// would let two readers see different messages.
///
/// Holds only how far the last attempt came; the bytes stay with the caller.
public struct RequestParser: BitwiseCopyable, Sendable {
    private var progress = HeadProgress()

    /// The most empty lines that are skipped before a request line.
    public static let mostEmptyLines = 4

    /// A parser at the beginning of a request.
    public init() {}

    /// Parses the head that `input` begins with; nil if it is not complete.
    ///
    /// `input` begins at the same byte in each call until a head or an error came, and grows in
    /// between. `fields` holds the head's fields afterwards; without a head its content means
    /// nothing. An error is found when the line that has it is complete, or when a limit is passed.
    ///
    /// - Throws: why the request is refused; the connection cannot be used any further.
    public mutating func parse(
        _ input: RawSpan,
        into fields: inout FieldTable,
        limits: HeadLimits
    ) throws(HeadError) -> RequestHead? {
        var head = RequestHead()
        return try parse(input, into: &fields, head: &head, limits: limits) ? head : nil
    }

    /// As the other, with the head written to where it is needed; false if it is not complete.
    ///
    /// `head` means something if the result is true only.
    public mutating func parse(
        _ input: RawSpan,
        into fields: inout FieldTable,
        head: inout RequestHead,
        limits: HeadLimits
    ) throws(HeadError) -> Bool {
        guard progress.isWorthParsing(input) else { return false }
        let end = min(input.byteCount, limits.headSize)
        var attempt = RequestAttempt(limits: limits)
        do throws(HeadError) {
            if try attempt.run(input, to: end, into: &fields, head: &head) {
                progress = HeadProgress()
                return true
            }
            if input.byteCount >= limits.headSize { throw .headTooLarge }
        } catch {
            let mustWait = HeadProgress.mustWait(
                input,
                lineStart: attempt.lineStart,
                to: end,
                due: attempt.due
            )
            if !mustWait {
                progress = HeadProgress()
                throw error
            }
        }
        progress.wait(at: input.byteCount, due: attempt.due)
        return false
    }
}

/// One run over the bytes that are there.
private struct RequestAttempt {
    let limits: HeadLimits
    /// Where the line that is being read begins.
    var lineStart = 0
    /// From so many bytes on, an error in this line comes without its end.
    var due: Int

    init(limits: HeadLimits) {
        self.limits = limits
        due = limits.headSize
    }

    mutating func run(
        _ input: RawSpan,
        to end: Int,
        into fields: inout FieldTable,
        head: inout RequestHead
    ) throws(HeadError) -> Bool {
        fields.removeAll()
        guard let start = try skipEmptyLines(input, to: end),
            let lineEnd = try requestLine(input, from: start, to: end, &head)
        else { return false }
        due = limits.headSize
        if head.method == .connect { throw .connectRefused }
        try Target(input, head.target, method: head.method).note(in: &head)
        lineStart = lineEnd
        var section = FieldSection(position: lineEnd, isRequest: true)
        let isComplete: Bool
        do throws(HeadError) {
            isComplete = try section.readLines(
                input,
                to: end,
                into: &fields,
                limit: limits.fields
            )
        } catch {
            lineStart = section.position
            throw error
        }
        guard isComplete else { return false }
        try conclude(section, input, &fields, &head)
        return true
    }

    private mutating func skipEmptyLines(
        _ input: RawSpan,
        to end: Int
    ) throws(HeadError) -> Int? {
        var skipped = 0
        while lineStart < end, input.byte(at: lineStart) == Byte.carriageReturn {
            guard try endsLine(input, at: lineStart, to: end) else { return nil }
            skipped &+= 1
            if skipped > RequestParser.mostEmptyLines { throw .tooManyEmptyLines }
            lineStart &+= 2
        }
        return lineStart
    }

    /// Reads the request line into `head`; past its CRLF, nil if it is cut off.
    private mutating func requestLine(
        _ input: RawSpan,
        from start: Int,
        to end: Int,
        _ head: inout RequestHead
    ) throws(HeadError) -> Int? {
        due = min(limits.headSize, start &+ Method.longestName &+ 1)
        let methodEnd = input.tokenEnd(from: start, to: end)
        if methodEnd &- start > Method.longestName { throw .methodTooLong }
        guard methodEnd < end else { return nil }
        guard methodEnd > start, input.byte(at: methodEnd) == Byte.space else {
            throw input.byte(at: methodEnd) == Byte.lineFeed ? .bareLineFeed : .invalidMethod
        }
        let targetStart = methodEnd &+ 1
        due = min(limits.headSize, targetStart &+ limits.targetSize &+ 1)
        let targetEnd = input.targetEnd(from: targetStart, to: end)
        if targetEnd &- targetStart > limits.targetSize { throw .targetTooLong }
        guard targetEnd < end else { return nil }
        guard targetEnd > targetStart, input.byte(at: targetEnd) == Byte.space else {
            throw .invalidTarget
        }
        due = limits.headSize
        guard let minorVersion = try version(input, at: targetEnd &+ 1, to: end) else {
            return nil
        }
        head.start = start
        head.method = Method(input.extracting(start..<methodEnd))
        head.methodName = ByteRange(from: start, to: methodEnd)
        head.target = ByteRange(from: targetStart, to: targetEnd)
        head.minorVersion = minorVersion
        return targetEnd &+ 11
    }

    /// The minor version that ends a request line, with its CRLF.
    private func version(
        _ input: RawSpan,
        at start: Int,
        to end: Int
    ) throws(HeadError) -> UInt8? {
        if start &+ 10 <= end, input.holds("HTTP/1.1\r\n", at: start) { return 1 }
        guard let version = try parseVersion(input, at: start, to: end) else { return nil }
        guard try endsLine(input, at: start &+ 8, to: end, else: .invalidVersion) else {
            return nil
        }
        if version.major != 1 { throw .unsupportedVersion }
        return min(version.minor, 1)
    }

    /// What the field lines say of the whole request.
    private func conclude(
        _ section: FieldSection,
        _ input: RawSpan,
        _ fields: inout FieldTable,
        _ head: inout RequestHead
    ) throws(HeadError) {
        let isCurrent = head.minorVersion == 1
        if section.isChunked {
            if !isCurrent { throw .transferEncodingInOldVersion }
            if section.contentLength != nil { throw .bothFramings }
        }
        if isCurrent, !section.hasHost { throw .missingHost }
        let framing: BodyFraming =
            if section.isChunked {
                .chunked
            } else if let length = section.contentLength {
                .length(length)
            } else {
                .none
            }
        section.options.mark(input, in: &fields)
        let hasBody = framing != .none && framing != .length(0)
        let options = section.options
        head.upgrade = .none
        if fields.contains(.upgrade) {
            let isWebSocket =
                isCurrent && head.method == .get && !hasBody && options.upgrade
                && asksForWebSocket(input, fields)
            head.upgrade = isWebSocket ? .websocket : .other
        }
        if head.form != .absolute { head.authority = section.host }
        head.headSize = section.position
        head.framing = framing
        head.keepAlive = !options.close && (isCurrent || options.keepAlive)
        head.expectsContinue = isCurrent && hasBody && expectsContinue(input, fields)
    }
}
