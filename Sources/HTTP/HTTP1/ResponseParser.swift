/// Parses the heads of the answers on one upstream connection, as strictly as requests.
///
/// Holds only how far the last attempt came; the bytes stay with the caller.
public struct ResponseParser: BitwiseCopyable, Sendable {
    private var progress = HeadProgress()

    /// A parser at the beginning of an answer.
    public init() {}

    /// Parses the head that `input` begins with; nil if it is not complete.
    ///
    /// As `RequestParser.parse`; `limits.targetSize` means nothing here.
    ///
    /// - Throws: why the answer is refused; the connection cannot be used any further.
    public mutating func parse(
        _ input: RawSpan,
        into fields: inout FieldTable,
        limits: HeadLimits
    ) throws(HeadError) -> ResponseHead? {
        guard progress.isWorthParsing(input) else { return nil }
        let end = min(input.byteCount, limits.headSize)
        var attempt = ResponseAttempt(limits: limits)
        do throws(HeadError) {
            if let head = try attempt.run(input, to: end, into: &fields) {
                progress = HeadProgress()
                return head
            }
            if input.byteCount >= limits.headSize { throw .headTooLarge }
        } catch {
            let mustWait = HeadProgress.mustWait(
                input,
                lineStart: attempt.lineStart,
                to: end,
                due: limits.headSize
            )
            if !mustWait {
                progress = HeadProgress()
                throw error
            }
        }
        progress.wait(at: input.byteCount, due: limits.headSize)
        return nil
    }
}

/// One run over the bytes that are there.
private struct ResponseAttempt {
    let limits: HeadLimits
    /// Where the line that is being read begins.
    var lineStart = 0

    init(limits: HeadLimits) { self.limits = limits }

    mutating func run(
        _ input: RawSpan,
        to end: Int,
        into fields: inout FieldTable
    ) throws(HeadError) -> ResponseHead? {
        fields.removeAll()
        guard let line = try statusLine(input, to: end) else { return nil }
        var section = FieldSection(position: line.end, isRequest: false)
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
        guard isComplete else { return nil }
        return try conclude(line, section, input, &fields)
    }

    private struct StatusLine {
        var minorVersion: UInt8
        var status: UInt16
        var reason: ByteRange
        /// Past its CRLF.
        var end: Int
    }

    /// The first line.
    ///
    /// The space behind the status may be missing if there is no reason: servers
    /// in use leave it out, and nobody reads such a line differently.
    private func statusLine(
        _ input: RawSpan,
        to end: Int
    ) throws(HeadError) -> StatusLine? {
        let version: (major: UInt8, minor: UInt8)
        do throws(HeadError) {
            guard let parsed = try parseVersion(input, at: 0, to: end) else { return nil }
            version = parsed
        } catch {
            throw .invalidStatusLine
        }
        if version.major != 1 { throw .unsupportedVersion }
        guard end > 8 else { return nil }
        guard input.byte(at: 8) == Byte.space else { throw .invalidStatusLine }
        var status: UInt16 = 0
        for index in 9..<12 {
            guard index < end else { return nil }
            let digit = input.byte(at: index) &- Byte.zero
            if digit > 9 { throw .invalidStatusLine }
            status = status &* 10 &+ UInt16(digit)
        }
        if status < 100 || status > 599 { throw .invalidStatusLine }
        guard end > 12 else { return nil }
        if input.byte(at: 12) != Byte.space {
            guard try endsLine(input, at: 12, to: end, else: .invalidStatusLine) else {
                return nil
            }
            return StatusLine(
                minorVersion: min(version.minor, 1),
                status: status,
                reason: ByteRange(from: 12, to: 12),
                end: 14
            )
        }
        let reasonEnd = input.valueEnd(from: 13, to: end)
        guard try endsLine(input, at: reasonEnd, to: end) else { return nil }
        return StatusLine(
            minorVersion: min(version.minor, 1),
            status: status,
            reason: ByteRange(from: 13, to: reasonEnd),
            end: reasonEnd &+ 2
        )
    }

    private func conclude(
        _ line: StatusLine,
        _ section: FieldSection,
        _ input: RawSpan,
        _ fields: inout FieldTable
    ) throws(HeadError) -> ResponseHead {
        let isCurrent = line.minorVersion == 1
        if section.isChunked {
            if !isCurrent { throw .transferEncodingInOldVersion }
            if section.contentLength != nil { throw .bothFramings }
            if line.status < 200 || line.status == 204 { throw .transferEncodingWithoutBody }
        }
        section.options.mark(input, in: &fields)
        // A server must not send a length there, nor anybody pass it on (RFC 9110 §8.6).
        if line.status < 200 || line.status == 204, let index = fields.first(.contentLength) {
            fields.markHopByHop(index)
        }
        var timeout: UInt32?
        if let index = fields.first(.keepAlive) {
            timeout = parseKeepAliveTimeout(input, fields[index].value)
        }
        let options = section.options
        return ResponseHead(
            status: line.status,
            reason: line.reason,
            minorVersion: line.minorVersion,
            headSize: section.position,
            contentLength: section.contentLength,
            isChunked: section.isChunked,
            keepAlive: !options.close && (isCurrent || options.keepAlive),
            keepAliveTimeout: timeout,
            upgradesToWebSocket: line.status == 101 && options.upgrade
                && asksForWebSocket(input, fields)
        )
    }
}
