extension FieldNameSet {
    /// Fields that concern one connection only, whatever Connection says (RFC 9110 §7.6.1).
    ///
    /// HTTP2-Settings belongs to the h2c upgrade, which Weir never passes on.
    static let hopByHopBits =
        FieldName.connection.bit | FieldName.keepAlive.bit | FieldName.proxyConnection.bit
        | FieldName.te.bit | FieldName.transferEncoding.bit | FieldName.upgrade.bit
        | FieldName.http2Settings.bit

    /// Fields that Connection must not name: without them a message is another message.
    static let framingBits =
        FieldName.host.bit | FieldName.contentLength.bit | FieldName.transferEncoding.bit

    /// Fields that have no business in a trailer section (RFC 9110 §6.5.1): framing, routing,
    /// request modifiers, authentication, response control data, content format, and those that
    /// a proxy vouches for.
    static let notInTrailersBits =
        hopByHopBits | framingBits | modifierBits | controlBits
        | FieldName.trailer.bit | FieldName.via.bit | FieldName.forwarded.bit
        | FieldName.xForwardedFor.bit | FieldName.xForwardedProto.bit
        | FieldName.xForwardedHost.bit | FieldName.xForwardedPort.bit | FieldName.xRealIP.bit
        | FieldName.xRequestID.bit | FieldName.traceParent.bit | FieldName.traceState.bit

    private static let modifierBits =
        FieldName.expect.bit | FieldName.cacheControl.bit | FieldName.maxForwards.bit
        | FieldName.pragma.bit | FieldName.range.bit | FieldName.ifMatch.bit
        | FieldName.ifNoneMatch.bit | FieldName.ifModifiedSince.bit
        | FieldName.ifUnmodifiedSince.bit | FieldName.ifRange.bit | FieldName.authorization.bit
        | FieldName.proxyAuthorization.bit | FieldName.proxyAuthenticate.bit
        | FieldName.wwwAuthenticate.bit | FieldName.cookie.bit | FieldName.setCookie.bit

    private static let controlBits =
        FieldName.age.bit | FieldName.expires.bit | FieldName.date.bit | FieldName.location.bit
        | FieldName.retryAfter.bit | FieldName.vary.bit | FieldName.contentEncoding.bit
        | FieldName.contentType.bit | FieldName.contentRange.bit
}

extension FieldName {
    /// Whether the field concerns one connection only and is never passed on.
    public var isHopByHop: Bool { bit & FieldNameSet.hopByHopBits != 0 }

    /// Whether the field must not be passed on as a trailer (RFC 9110 §6.5.1).
    public var forbiddenInTrailers: Bool { bit & FieldNameSet.notInTrailersBits != 0 }
}
