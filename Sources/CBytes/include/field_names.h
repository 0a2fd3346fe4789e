// Classifies field names without regard to case.
//
// A name can only be the known one that its ends and its length lead to, and one comparison says
// whether it is. Bit 5, which tells the case, is set where the known name has a letter, so that
// nothing passes for it but its own bytes in either case.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "byte_blocks.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the words below are compared as a little-endian machine loads them"
#endif

#pragma clang assume_nonnull begin

// In the order of FieldName in the Swift target HTTP; a test holds both together. A name has at
// least two bytes and at most CBYTES_LONGEST_NAME. Where two would share a slot the compiler warns:
// another multiplier keeps them apart.
#define CBYTES_KNOWN_FIELDS(X) \
    X(HOST, "host") \
    X(CONNECTION, "connection") \
    X(CONTENT_LENGTH, "content-length") \
    X(TRANSFER_ENCODING, "transfer-encoding") \
    X(KEEP_ALIVE, "keep-alive") \
    X(PROXY_CONNECTION, "proxy-connection") \
    X(TE, "te") \
    X(TRAILER, "trailer") \
    X(UPGRADE, "upgrade") \
    X(HTTP2_SETTINGS, "http2-settings") \
    X(EXPECT, "expect") \
    X(VIA, "via") \
    X(X_FORWARDED_FOR, "x-forwarded-for") \
    X(X_FORWARDED_PROTO, "x-forwarded-proto") \
    X(X_FORWARDED_HOST, "x-forwarded-host") \
    X(FORWARDED, "forwarded") \
    X(X_REQUEST_ID, "x-request-id") \
    X(DATE, "date") \
    X(SERVER, "server") \
    X(COOKIE, "cookie") \
    X(USER_AGENT, "user-agent") \
    X(REFERER, "referer") \
    X(PROXY_AUTHENTICATE, "proxy-authenticate") \
    X(PROXY_AUTHORIZATION, "proxy-authorization") \
    X(ACCEPT, "accept") \
    X(ACCEPT_ENCODING, "accept-encoding") \
    X(ACCEPT_LANGUAGE, "accept-language") \
    X(AUTHORIZATION, "authorization") \
    X(CACHE_CONTROL, "cache-control") \
    X(CONTENT_ENCODING, "content-encoding") \
    X(CONTENT_RANGE, "content-range") \
    X(CONTENT_TYPE, "content-type") \
    X(IF_MATCH, "if-match") \
    X(IF_NONE_MATCH, "if-none-match") \
    X(IF_MODIFIED_SINCE, "if-modified-since") \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since") \
    X(IF_RANGE, "if-range") \
    X(RANGE, "range") \
    X(MAX_FORWARDS, "max-forwards") \
    X(AGE, "age") \
    X(EXPIRES, "expires") \
    X(ETAG, "etag") \
    X(LAST_MODIFIED, "last-modified") \
    X(LOCATION, "location") \
    X(RETRY_AFTER, "retry-after") \
    X(VARY, "vary") \
    X(SET_COOKIE, "set-cookie") \
    X(WWW_AUTHENTICATE, "www-authenticate") \
    X(ORIGIN, "origin") \
    X(PRAGMA, "pragma") \
    X(ACCEPT_RANGES, "accept-ranges") \
    X(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests") \
    X(SEC_FETCH_SITE, "sec-fetch-site") \
    X(SEC_FETCH_MODE, "sec-fetch-mode") \
    X(SEC_FETCH_DEST, "sec-fetch-dest") \
    X(SEC_FETCH_USER, "sec-fetch-user") \
    X(SEC_CH_UA, "sec-ch-ua") \
    X(PRIORITY, "priority") \
    X(X_REAL_IP, "x-real-ip") \
    X(X_FORWARDED_PORT, "x-forwarded-port") \
    X(TRACEPARENT, "traceparent") \
    X(TRACESTATE, "tracestate")

#define CBYTES_ENTRY(name, text) CBYTES_FIELD_##name,
enum {
    CBYTES_FIELD_OTHER,
    CBYTES_KNOWN_FIELDS(CBYTES_ENTRY)
    CBYTES_FIELD_COUNT,
};
#undef CBYTES_ENTRY

enum { CBYTES_LONGEST_NAME = 31 };

// The texts, by number, with zeros behind them.
#define CBYTES_ENTRY(name, text) [CBYTES_FIELD_##name] = text,
static const char cbytes_field_texts[CBYTES_FIELD_COUNT][CBYTES_LONGEST_NAME + 1] = {
    CBYTES_KNOWN_FIELDS(CBYTES_ENTRY)
};
#undef CBYTES_ENTRY

// The slot of a name by its first two bytes, its last two and its length.
#define CBYTES_SLOT(ends, count) (((ends) ^ (uint32_t)(count) << 13) * 0xb087eecbu >> 24)
#define CBYTES_ENDS(text) \
    ((uint32_t)(text)[0] | (uint32_t)(text)[1] << 8 \
     | (uint32_t)(text)[sizeof(text) - 3] << 16 | (uint32_t)(text)[sizeof(text) - 2] << 24)
#define CBYTES_ENTRY(name, text) \
    [CBYTES_SLOT(CBYTES_ENDS(text), sizeof(text) - 1)] = CBYTES_FIELD_##name,
static const uint8_t cbytes_field_slots[256] = { CBYTES_KNOWN_FIELDS(CBYTES_ENTRY) };
#undef CBYTES_ENTRY
#undef CBYTES_ENDS

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

// The only known name that it can be; CBYTES_FIELD_OTHER if none. `count` is at least 2.
static inline uint8_t cbytes_field_candidate(const uint8_t *name, size_t count) {
    uint16_t first, last;
    memcpy(&first, name, 2);
    memcpy(&last, name + count - 2, 2);
    uint32_t ends = ((uint32_t)first | (uint32_t)last << 16) | (uint32_t)CBYTES_FOLD;
    return cbytes_field_slots[CBYTES_SLOT(ends, count)];
}

// Where eight bytes differ from a known name's, beside the case of letters.
static inline uint64_t cbytes_name_difference(uint64_t word, uint64_t known) {
    return (word | (known & CBYTES_FOLD << 1) >> 1) ^ known;
}

// Which of the known names it is; CBYTES_FIELD_OTHER if none.
static inline uint8_t cbytes_classify_field(const uint8_t *name, size_t count) {
    if (count < 2 || count > CBYTES_LONGEST_NAME) return CBYTES_FIELD_OTHER;
    uint8_t candidate = cbytes_field_candidate(name, count);
    const uint8_t *text = (const uint8_t *)cbytes_field_texts[candidate];
    if (text[count] != 0 || text[count - 1] == 0) return CBYTES_FIELD_OTHER;
    uint64_t differs;
    if (count < 8) {
        differs = cbytes_name_difference(cbytes_short_word(name, count), cbytes_word(text));
    } else {
        size_t end = count - 8;
        differs = cbytes_name_difference(cbytes_word(name + end), cbytes_word(text + end));
        for (size_t i = 0; i < end; i += 8) {
            differs |= cbytes_name_difference(cbytes_word(name + i), cbytes_word(text + i));
        }
    }
    return differs == 0 ? candidate : CBYTES_FIELD_OTHER;
}

#if defined(CBYTES_HAS_BLOCKS)
// From 16 - n on: bytes that keep the first n of 16 that they are applied to.
static const uint8_t cbytes_window[32] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

// As cbytes_classify_field, for names shorter than the block that begins with them.
static inline uint8_t cbytes_classify_in_block(
    cbytes_block block, const uint8_t *name, size_t count
) {
    if (count < 2) return CBYTES_FIELD_OTHER;
    uint8_t candidate = cbytes_field_candidate(name, count);
    cbytes_block kept = cbytes_load_block(cbytes_window + 16 - count);
    cbytes_block text = cbytes_load_block((const uint8_t *)cbytes_field_texts[candidate]);
    return cbytes_is_name(block, kept, text) ? candidate : CBYTES_FIELD_OTHER;
}
#endif

// The connection options that say something to the parser itself (RFC 9110, 7.6.1).
enum {
    CBYTES_OPTION_OTHER,
    CBYTES_OPTION_CLOSE,
    CBYTES_OPTION_KEEP_ALIVE,
    CBYTES_OPTION_UPGRADE,
};

// Which of them it is, whatever its case.
static inline uint8_t cbytes_classify_option(const uint8_t *name, size_t count) {
    if (count == 5 || count == 7) {
        uint64_t low = cbytes_short_word(name, count);
        if (cbytes_name_difference(low, cbytes_literal("close", 5)) == 0) {
            return CBYTES_OPTION_CLOSE;
        }
        if (cbytes_name_difference(low, cbytes_literal("upgrade", 7)) == 0) {
            return CBYTES_OPTION_UPGRADE;
        }
    } else if (count == 10) {
        uint64_t low = cbytes_name_difference(cbytes_word(name), cbytes_word("keep-alive"));
        uint64_t high = cbytes_name_difference(cbytes_word(name + 2), cbytes_word("ep-alive"));
        if ((low | high) == 0) return CBYTES_OPTION_KEEP_ALIVE;
    }
    return CBYTES_OPTION_OTHER;
}

#undef CBYTES_SLOT

#pragma clang assume_nonnull end
