// Classifies field names without regard to case, eight bytes at a time.
//
// Setting bit 5 maps letters to lower case; of the other visible ASCII characters none becomes
// a letter, a digit or a hyphen by it. So callers pass names of visible ASCII only, which
// cbytes_find_name_end and cbytes_find_token_end leave them with.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the words below are compared as a little-endian machine loads them"
#endif

#pragma clang assume_nonnull begin

// In the order of FieldName in the Swift target HTTP; a test holds both together.
enum {
    CBYTES_FIELD_OTHER,
    CBYTES_FIELD_HOST,
    CBYTES_FIELD_CONNECTION,
    CBYTES_FIELD_CONTENT_LENGTH,
    CBYTES_FIELD_TRANSFER_ENCODING,
    CBYTES_FIELD_KEEP_ALIVE,
    CBYTES_FIELD_PROXY_CONNECTION,
    CBYTES_FIELD_TE,
    CBYTES_FIELD_TRAILER,
    CBYTES_FIELD_UPGRADE,
    CBYTES_FIELD_HTTP2_SETTINGS,
    CBYTES_FIELD_EXPECT,
    CBYTES_FIELD_VIA,
    CBYTES_FIELD_X_FORWARDED_FOR,
    CBYTES_FIELD_X_FORWARDED_PROTO,
    CBYTES_FIELD_X_FORWARDED_HOST,
    CBYTES_FIELD_FORWARDED,
    CBYTES_FIELD_X_REQUEST_ID,
    CBYTES_FIELD_DATE,
    CBYTES_FIELD_SERVER,
    CBYTES_FIELD_COOKIE,
    CBYTES_FIELD_USER_AGENT,
    CBYTES_FIELD_REFERER,
    CBYTES_FIELD_PROXY_AUTHENTICATE,
    CBYTES_FIELD_PROXY_AUTHORIZATION,
    CBYTES_FIELD_ACCEPT,
    CBYTES_FIELD_ACCEPT_ENCODING,
    CBYTES_FIELD_ACCEPT_LANGUAGE,
    CBYTES_FIELD_AUTHORIZATION,
    CBYTES_FIELD_CACHE_CONTROL,
    CBYTES_FIELD_CONTENT_ENCODING,
    CBYTES_FIELD_CONTENT_RANGE,
    CBYTES_FIELD_CONTENT_TYPE,
    CBYTES_FIELD_IF_MATCH,
    CBYTES_FIELD_IF_NONE_MATCH,
    CBYTES_FIELD_IF_MODIFIED_SINCE,
    CBYTES_FIELD_IF_UNMODIFIED_SINCE,
    CBYTES_FIELD_IF_RANGE,
    CBYTES_FIELD_RANGE,
    CBYTES_FIELD_MAX_FORWARDS,
    CBYTES_FIELD_AGE,
    CBYTES_FIELD_EXPIRES,
    CBYTES_FIELD_ETAG,
    CBYTES_FIELD_LAST_MODIFIED,
    CBYTES_FIELD_LOCATION,
    CBYTES_FIELD_RETRY_AFTER,
    CBYTES_FIELD_VARY,
    CBYTES_FIELD_SET_COOKIE,
    CBYTES_FIELD_WWW_AUTHENTICATE,
    CBYTES_FIELD_ORIGIN,
    CBYTES_FIELD_PRAGMA,
    CBYTES_FIELD_ACCEPT_RANGES,
    CBYTES_FIELD_UPGRADE_INSECURE_REQUESTS,
    CBYTES_FIELD_SEC_FETCH_SITE,
    CBYTES_FIELD_SEC_FETCH_MODE,
    CBYTES_FIELD_SEC_FETCH_DEST,
    CBYTES_FIELD_SEC_FETCH_USER,
    CBYTES_FIELD_SEC_CH_UA,
    CBYTES_FIELD_PRIORITY,
    CBYTES_FIELD_X_REAL_IP,
    CBYTES_FIELD_X_FORWARDED_PORT,
    CBYTES_FIELD_TRACEPARENT,
    CBYTES_FIELD_TRACESTATE,
    CBYTES_FIELD_COUNT,
};

static inline uint64_t cbytes_word(const void *bytes) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

// Up to eight bytes, the missing ones zero. Loads overlap so that none reads past the end.
static inline uint64_t cbytes_short_word(const uint8_t *bytes, size_t count) {
    if (count >= 4) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + count - 4, 4);
        return (uint64_t)low | (uint64_t)high << ((count - 4) * 8);
    }
    if (count == 0) return 0;
    size_t middle = count >> 1;
    return (uint64_t)bytes[0] | (uint64_t)bytes[middle] << (middle * 8)
        | (uint64_t)bytes[count - 1] << ((count - 1) * 8);
}

static inline uint64_t cbytes_literal(const char *text, size_t count) {
    uint64_t word = 0;
    memcpy(&word, text, count);
    return word;
}

#define CBYTES_FOLD 0x2020202020202020ull

// Compares with a literal of the length in question; the macros name the words they compare.
#define CBYTES_IS_8(text) (low == cbytes_literal(text, sizeof(text) - 1))
#define CBYTES_AT(text, offset) cbytes_word(&(text)[offset])
#define CBYTES_IS_16(text) \
    (low == CBYTES_AT(text, 0) && high == CBYTES_AT(text, sizeof(text) - 9))
#define CBYTES_IS_24(text) (CBYTES_IS_16(text) && middle == CBYTES_AT(text, 8))
#define CBYTES_IS_32(text) (CBYTES_IS_24(text) && third == CBYTES_AT(text, 16))

static inline uint8_t cbytes_classify_to_8(const uint8_t *name, size_t count) {
    uint64_t low = cbytes_short_word(name, count) | (CBYTES_FOLD >> (64 - count * 8));
    switch (count) {
    case 2:
        if (CBYTES_IS_8("te")) return CBYTES_FIELD_TE;
        break;
    case 3:
        if (CBYTES_IS_8("via")) return CBYTES_FIELD_VIA;
        if (CBYTES_IS_8("age")) return CBYTES_FIELD_AGE;
        break;
    case 4:
        if (CBYTES_IS_8("host")) return CBYTES_FIELD_HOST;
        if (CBYTES_IS_8("date")) return CBYTES_FIELD_DATE;
        if (CBYTES_IS_8("etag")) return CBYTES_FIELD_ETAG;
        if (CBYTES_IS_8("vary")) return CBYTES_FIELD_VARY;
        break;
    case 5:
        if (CBYTES_IS_8("range")) return CBYTES_FIELD_RANGE;
        break;
    case 6:
        if (CBYTES_IS_8("expect")) return CBYTES_FIELD_EXPECT;
        if (CBYTES_IS_8("server")) return CBYTES_FIELD_SERVER;
        if (CBYTES_IS_8("cookie")) return CBYTES_FIELD_COOKIE;
        if (CBYTES_IS_8("accept")) return CBYTES_FIELD_ACCEPT;
        if (CBYTES_IS_8("origin")) return CBYTES_FIELD_ORIGIN;
        if (CBYTES_IS_8("pragma")) return CBYTES_FIELD_PRAGMA;
        break;
    case 7:
        if (CBYTES_IS_8("trailer")) return CBYTES_FIELD_TRAILER;
        if (CBYTES_IS_8("upgrade")) return CBYTES_FIELD_UPGRADE;
        if (CBYTES_IS_8("referer")) return CBYTES_FIELD_REFERER;
        if (CBYTES_IS_8("expires")) return CBYTES_FIELD_EXPIRES;
        break;
    case 8:
        if (CBYTES_IS_8("if-match")) return CBYTES_FIELD_IF_MATCH;
        if (CBYTES_IS_8("if-range")) return CBYTES_FIELD_IF_RANGE;
        if (CBYTES_IS_8("location")) return CBYTES_FIELD_LOCATION;
        if (CBYTES_IS_8("priority")) return CBYTES_FIELD_PRIORITY;
        break;
    }
    return CBYTES_FIELD_OTHER;
}

static inline uint8_t cbytes_classify_to_16(const uint8_t *name, size_t count) {
    uint64_t low = cbytes_word(name) | CBYTES_FOLD;
    uint64_t high = cbytes_word(name + count - 8) | CBYTES_FOLD;
    switch (count) {
    case 9:
        if (CBYTES_IS_16("forwarded")) return CBYTES_FIELD_FORWARDED;
        if (CBYTES_IS_16("sec-ch-ua")) return CBYTES_FIELD_SEC_CH_UA;
        if (CBYTES_IS_16("x-real-ip")) return CBYTES_FIELD_X_REAL_IP;
        break;
    case 10:
        if (CBYTES_IS_16("connection")) return CBYTES_FIELD_CONNECTION;
        if (CBYTES_IS_16("keep-alive")) return CBYTES_FIELD_KEEP_ALIVE;
        if (CBYTES_IS_16("user-agent")) return CBYTES_FIELD_USER_AGENT;
        if (CBYTES_IS_16("set-cookie")) return CBYTES_FIELD_SET_COOKIE;
        if (CBYTES_IS_16("tracestate")) return CBYTES_FIELD_TRACESTATE;
        break;
    case 11:
        if (CBYTES_IS_16("retry-after")) return CBYTES_FIELD_RETRY_AFTER;
        if (CBYTES_IS_16("traceparent")) return CBYTES_FIELD_TRACEPARENT;
        break;
    case 12:
        if (CBYTES_IS_16("x-request-id")) return CBYTES_FIELD_X_REQUEST_ID;
        if (CBYTES_IS_16("content-type")) return CBYTES_FIELD_CONTENT_TYPE;
        if (CBYTES_IS_16("max-forwards")) return CBYTES_FIELD_MAX_FORWARDS;
        break;
    case 13:
        if (CBYTES_IS_16("authorization")) return CBYTES_FIELD_AUTHORIZATION;
        if (CBYTES_IS_16("cache-control")) return CBYTES_FIELD_CACHE_CONTROL;
        if (CBYTES_IS_16("content-range")) return CBYTES_FIELD_CONTENT_RANGE;
        if (CBYTES_IS_16("if-none-match")) return CBYTES_FIELD_IF_NONE_MATCH;
        if (CBYTES_IS_16("last-modified")) return CBYTES_FIELD_LAST_MODIFIED;
        if (CBYTES_IS_16("accept-ranges")) return CBYTES_FIELD_ACCEPT_RANGES;
        break;
    case 14:
        if (CBYTES_IS_16("content-length")) return CBYTES_FIELD_CONTENT_LENGTH;
        if (CBYTES_IS_16("http2-settings")) return CBYTES_FIELD_HTTP2_SETTINGS;
        if (CBYTES_IS_16("sec-fetch-site")) return CBYTES_FIELD_SEC_FETCH_SITE;
        if (CBYTES_IS_16("sec-fetch-mode")) return CBYTES_FIELD_SEC_FETCH_MODE;
        if (CBYTES_IS_16("sec-fetch-dest")) return CBYTES_FIELD_SEC_FETCH_DEST;
        if (CBYTES_IS_16("sec-fetch-user")) return CBYTES_FIELD_SEC_FETCH_USER;
        break;
    case 15:
        if (CBYTES_IS_16("x-forwarded-for")) return CBYTES_FIELD_X_FORWARDED_FOR;
        if (CBYTES_IS_16("accept-encoding")) return CBYTES_FIELD_ACCEPT_ENCODING;
        if (CBYTES_IS_16("accept-language")) return CBYTES_FIELD_ACCEPT_LANGUAGE;
        break;
    case 16:
        if (CBYTES_IS_16("proxy-connection")) return CBYTES_FIELD_PROXY_CONNECTION;
        if (CBYTES_IS_16("x-forwarded-host")) return CBYTES_FIELD_X_FORWARDED_HOST;
        if (CBYTES_IS_16("content-encoding")) return CBYTES_FIELD_CONTENT_ENCODING;
        if (CBYTES_IS_16("www-authenticate")) return CBYTES_FIELD_WWW_AUTHENTICATE;
        if (CBYTES_IS_16("x-forwarded-port")) return CBYTES_FIELD_X_FORWARDED_PORT;
        break;
    }
    return CBYTES_FIELD_OTHER;
}

static inline uint8_t cbytes_classify_to_32(const uint8_t *name, size_t count) {
    uint64_t low = cbytes_word(name) | CBYTES_FOLD;
    uint64_t middle = cbytes_word(name + 8) | CBYTES_FOLD;
    uint64_t high = cbytes_word(name + count - 8) | CBYTES_FOLD;
    uint64_t third = count > 24 ? cbytes_word(name + 16) | CBYTES_FOLD : 0;
    switch (count) {
    case 17:
        if (CBYTES_IS_24("transfer-encoding")) return CBYTES_FIELD_TRANSFER_ENCODING;
        if (CBYTES_IS_24("x-forwarded-proto")) return CBYTES_FIELD_X_FORWARDED_PROTO;
        if (CBYTES_IS_24("if-modified-since")) return CBYTES_FIELD_IF_MODIFIED_SINCE;
        break;
    case 18:
        if (CBYTES_IS_24("proxy-authenticate")) return CBYTES_FIELD_PROXY_AUTHENTICATE;
        break;
    case 19:
        if (CBYTES_IS_24("proxy-authorization")) return CBYTES_FIELD_PROXY_AUTHORIZATION;
        if (CBYTES_IS_24("if-unmodified-since")) return CBYTES_FIELD_IF_UNMODIFIED_SINCE;
        break;
    case 25:
        if (CBYTES_IS_32("upgrade-insecure-requests"))
            return CBYTES_FIELD_UPGRADE_INSECURE_REQUESTS;
        break;
    }
    return CBYTES_FIELD_OTHER;
}

// Which of the known names it is; CBYTES_FIELD_OTHER if none.
static inline uint8_t cbytes_classify_field(const uint8_t *name, size_t count) {
    if (count == 0 || count > 32) return CBYTES_FIELD_OTHER;
    if (count <= 8) return cbytes_classify_to_8(name, count);
    if (count <= 16) return cbytes_classify_to_16(name, count);
    return cbytes_classify_to_32(name, count);
}

// The connection options that say something to the parser itself (RFC 9110, 7.6.1).
enum {
    CBYTES_OPTION_OTHER,
    CBYTES_OPTION_CLOSE,
    CBYTES_OPTION_KEEP_ALIVE,
    CBYTES_OPTION_UPGRADE,
};

static inline uint8_t cbytes_classify_option(const uint8_t *name, size_t count) {
    if (count == 5 || count == 7) {
        uint64_t low = cbytes_short_word(name, count) | (CBYTES_FOLD >> (64 - count * 8));
        if (CBYTES_IS_8("close")) return CBYTES_OPTION_CLOSE;
        if (CBYTES_IS_8("upgrade")) return CBYTES_OPTION_UPGRADE;
    } else if (count == 10) {
        uint64_t low = cbytes_word(name) | CBYTES_FOLD;
        uint64_t high = cbytes_word(name + 2) | CBYTES_FOLD;
        if (CBYTES_IS_16("keep-alive")) return CBYTES_OPTION_KEEP_ALIVE;
    }
    return CBYTES_OPTION_OTHER;
}

#undef CBYTES_AT
#undef CBYTES_IS_8
#undef CBYTES_IS_16
#undef CBYTES_IS_24
#undef CBYTES_IS_32

#pragma clang assume_nonnull end
