import Configuration

/// What the hot path needs of one listener.
struct ListenerEntry: BitwiseCopyable {
    /// The port of https to which every request is sent; 0 for none.
    var httpsPort: UInt16
    /// Whether HTTP/2 is spoken without TLS too.
    var speaksHTTP2InClear: Bool
    /// Whether only names that a certificate covers are served.
    var servesCoveredOnly: Bool
    /// Handshakes under way at once in each worker.
    var maxHandshakes: Int
    /// Whether the file has it no longer: its connections end when nothing runs on them.
    var isClosing: Bool

    /// The path that is answered by whether new traffic is wanted; empty for none.
    var readyPath: UnsafeRawBufferPointer
    /// Whether some requests are answered whatever the routes say.
    var answersItself: Bool

    init(_ listener: ListenerConfig, isClosing: Bool, _ texts: TextStore) {
        self.isClosing = isClosing
        readyPath = texts.keep(listener.readyPath ?? "")
        answersItself = listener.readyPath != nil || listener.httpsRedirect != nil
        httpsPort = listener.httpsRedirect ?? 0
        speaksHTTP2InClear = listener.http2 == .cleartext
        servesCoveredOnly =
            listener.tls.map { $0.clients != nil || $0.unknownName == .refuse } ?? false
        maxHandshakes = listener.tls?.maxHandshakes ?? Int.max
    }
}
