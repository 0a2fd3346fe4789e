import CBytes
import CLinux

extension ByteWriter {
    /// One line of JSON, as docs/reference/access-log.md describes it.
    mutating func appendJSON(_ line: LogLine, _ dates: DateText, masked: Bool) {
        append("{\"time\":\"")
        dates.appendTimestamp(to: &self)
        append("\",\"request-id\":\"")
        appendID(line)
        if let trace = line.trace {
            append("\",\"trace-id\":\"")
            append(trace)
            append("\",\"client\":\"")
        } else {
            append("\",\"trace-id\":null,\"client\":\"")
        }
        appendClient(line.client, masked: masked)
        append("\",\"method\":")
        appendJSONText(line.method)
        append(",\"host\":")
        appendJSONText(line.host)
        append(",\"path\":")
        appendJSONText(line.target)
        append(",\"route\":")
        appendJSONText(line.route)
        append(",\"status\":")
        append(decimal: UInt64(max(0, line.status)))
        append(",\"bytes-in\":")
        append(decimal: line.bytesIn)
        append(",\"bytes-out\":")
        append(decimal: line.bytesOut)
        append(",\"duration\":")
        append(seconds: line.duration)
        append(",\"first-byte\":")
        if let firstByte = line.firstByte { append(seconds: firstByte) } else { append("null") }
        append(",\"endpoint\":")
        appendJSONText(line.endpoint)
        append(",\"tries\":")
        append(decimal: UInt64(line.tries))
        append(",\"outcome\":\"")
        append(line.outcome.word)
        append("\"")
        if let status = line.callStatus {
            append(",\"grpc-status\":")
            append(decimal: UInt64(status.rawValue))
        }
        if let reason = line.reason {
            append(",\"reason\":")
            appendJSONText(reason)
        }
        append("}\n")
    }

    private func version(_ line: LogLine) -> StaticString {
        if line.isHTTP2 { return " HTTP/2.0" }
        return line.minorVersion == 0 ? " HTTP/1.0" : " HTTP/1.1"
    }

    /// One line of the combined format that Apache and nginx write.
    mutating func appendCombined(_ line: LogLine, _ dates: DateText, masked: Bool) {
        appendClient(line.client, masked: masked)
        append(" - - [")
        dates.appendCommonLogDate(to: &self)
        append("] \"")
        if line.method != nil {
            appendEscaped(line.method)
            append(" ")
            appendEscaped(line.target)
            append(version(line))
        } else {
            append("-")
        }
        append("\" ")
        append(decimal: UInt64(max(0, line.status)))
        append(" ")
        append(decimal: line.bytesOut)
        append(" \"")
        appendOrDash(line.referer)
        append("\" \"")
        appendOrDash(line.userAgent)
        append("\"\n")
    }

    private mutating func appendOrDash(_ bytes: UnsafeRawBufferPointer?) {
        if let bytes, bytes.count > 0 { appendEscaped(bytes) } else { append("-") }
    }

    private mutating func appendID(_ line: LogLine) {
        if let foreign = line.foreignID { appendEscaped(foreign) } else { append(line.id) }
    }

    /// An address; masked to its /24 or /48.
    mutating func appendClient(_ address: weir_address, masked: Bool) {
        guard address.isInternet else {
            append("unix")
            return
        }
        var shown = address
        if masked {
            if shown.family == 4 {
                shown.low &= 0xffff_ff00
            } else {
                shown.high &= 0xffff_ffff_ffff_0000
                shown.low = 0
            }
        }
        append(address: shown)
    }

    /// Nanoseconds as seconds with six decimals.
    private mutating func append(seconds nanoseconds: Int64) {
        let micros = UInt64(max(0, nanoseconds)) / 1000
        append(decimal: micros / 1_000_000)
        append(byte: 0x2e)
        append(decimal: Int(micros % 1_000_000), width: 6)
    }

    private mutating func appendJSONText(_ bytes: UnsafeRawBufferPointer?) {
        guard let bytes else {
            append("null")
            return
        }
        let start = count &+ 1
        append(quoted: bytes)
        // Nearly all text needs no escape, and written text can be looked through in whole blocks.
        let end = firstEscaped(from: start, to: count &- 1)
        guard end < count &- 1 else { return }
        shorten(to: end)
        appendEscaped(bytes, from: end &- start)
        append(byte: 0x22)
    }

    /// Bytes as the inside of a JSON string; what is not ASCII is written as `\u00XX`.
    mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer?) {
        guard let bytes, let base = bytes.baseAddress else { return }
        let start = count
        append(base, bytes.count)
        let end = firstEscaped(from: start, to: count)
        guard end < count else { return }
        shorten(to: end)
        appendEscaped(bytes, from: end &- start)
    }

    private mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer, from first: Int) {
        for index in first..<bytes.count {
            let byte = bytes[index]
            if cbytes_stops_escape(byte) == 0 {
                append(byte: byte)
            } else {
                append("\\u00")
                append(hex: UInt64(byte), digits: 2)
            }
        }
    }
}
