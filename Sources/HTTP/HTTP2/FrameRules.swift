/// What is to be done before a frame goes to nghttp2.
enum FrameVerdict: Equatable {
    /// Nothing.
    case pass
    /// What came before it has to be done, and then ``HTTP2State/verdictOnKnown()`` asked.
    case settle
    /// The connection is to be ended with this code.
    case fail(UInt32)
}

extension HTTP2State {
    /// Bytes of a frame's payload at most, as the settings say nothing else.
    static let largestFrame = 16_384

    /// A frame begins: its price, and the rules that nghttp2 leaves out.
    mutating func frameBegan() -> FrameVerdict {
        let calm = FrameVerdict.fail(HTTP2Code.enhanceYourCalm)
        switch scanner.type {
        case FrameType.data:
            if scanner.flags & FrameFlag.padded != 0 { scanner.capture(1) }
            if scanner.length == 0, scanner.flags & FrameFlag.endStream == 0, !budget.spend() {
                return calm
            }
            return isServer && scanner.stream & 1 == 1 && scanner.stream <= closed.last
                ? .settle : .pass
        case FrameType.headers:
            guard isServer, scanner.stream & 1 == 1 else { return .pass }
            if scanner.stream <= closed.last { return .settle }
            closed.open(scanner.stream)
            budget.streamOpened()
            if isClosing { closed.drop(scanner.stream) }
            return .pass
        case FrameType.priority:
            // nghttp2 does not look into it, as the settings say that priorities are not used.
            if scanner.stream == 0 { return .fail(HTTP2Code.protocolError) }
            if scanner.length == 5 { scanner.capture(4) }
            return budget.spend() ? .pass : calm
        case FrameType.settings: return budget.spend() ? .settle : calm
        case FrameType.windowUpdate: return budget.spendUpdate() ? .pass : calm
        case FrameType.pushPromise: return .pass
        case FrameType.reset:
            closed.endByPeer(scanner.stream)
            return budget.spend() ? .pass : calm
        case FrameType.continuation where scanner.length > Self.largestFrame:
            // nghttp2 holds all others to this (RFC 9113 §4.2).
            return .fail(HTTP2Code.frameSizeError)
        default:
            // PING, GOAWAY, CONTINUATION, and types that are not known.
            return budget.spend() ? .pass : calm
        }
    }

    /// The first bytes of a frame's payload are there.
    mutating func payloadBegan() -> FrameVerdict {
        if scanner.type == FrameType.priority {
            let parent = Int32(truncatingIfNeeded: scanner.captured & 0x7fff_ffff)
            return parent == scanner.stream ? .fail(HTTP2Code.protocolError) : .pass
        }
        // nghttp2 passes over frames of streams that it does not know (RFC 9113 §6.1).
        if Int(scanner.captured) >= scanner.length { return .fail(HTTP2Code.protocolError) }
        // A DATA frame of nothing but padding is an empty one.
        let isEmpty = Int(scanner.captured) &+ 1 >= scanner.length
        if isEmpty, scanner.flags & FrameFlag.endStream == 0, !budget.spend() {
            return .fail(HTTP2Code.enhanceYourCalm)
        }
        return .pass
    }

    /// What is to be done with HEADERS or DATA for a number that the client has used or passed
    /// over, now that everything before them is done (RFC 9113 §5.1, §5.1.1).
    func verdictOnKnown() -> FrameVerdict {
        if scanner.type == FrameType.settings { return .pass }
        if streams.slot(scanner.stream) != nil { return .pass }
        switch closed.fate(scanner.stream) {
        case .dropped: return .pass
        case .ended: return .fail(HTTP2Code.streamClosed)
        case .neverOpened: return .fail(HTTP2Code.protocolError)
        }
    }
}
