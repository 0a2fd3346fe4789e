// Every scan takes the start of a buffer and two offsets into it, `from <= to`, and touches no
// byte outside `bytes[0 ..< to]`. It returns the offset of the first byte it stops at, or `to`.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "byte_classes.h"
#include "byte_blocks.h"

#pragma clang assume_nonnull begin

// Scans sixteen bytes at a time. The last block overlaps the one before it, so that a tail
// shorter than a block costs one more step and no loop.
#if defined(CBYTES_HAS_BLOCKS)
#define CBYTES_SCAN(function, stops, is_stop)                                              \
    static inline size_t function(const uint8_t *bytes, size_t from, size_t to) {          \
        while (to - from >= 16) {                                                          \
            cbytes_mask mask = stops(cbytes_load_block(bytes + from));                     \
            if (mask != 0) return from + cbytes_first_in_mask(mask);                       \
            from += 16;                                                                    \
        }                                                                                  \
        if (from == to) return to;                                                         \
        if (to >= 16) {                                                                    \
            cbytes_mask mask = stops(cbytes_load_block(bytes + to - 16));                  \
            mask = cbytes_drop_from_mask(mask, 16 - (to - from));                          \
            return mask != 0 ? from + cbytes_first_in_mask(mask) : to;                     \
        }                                                                                  \
        while (from < to && !is_stop(bytes[from])) from += 1;                              \
        return from;                                                                       \
    }
#else
#define CBYTES_SCAN(function, stops, is_stop)                                              \
    static inline size_t function(const uint8_t *bytes, size_t from, size_t to) {          \
        while (from < to && !is_stop(bytes[from])) from += 1;                              \
        return from;                                                                       \
    }
#endif

// The first control byte except HTAB: where a field value, or a reason phrase, ends.
CBYTES_SCAN(cbytes_find_short_value_end, cbytes_value_stops, cbytes_stops_value)
static inline size_t cbytes_find_value_end(const uint8_t *bytes, size_t from, size_t to) {
#if defined(CBYTES_HAS_BLOCKS)
    while (to - from >= 16) {
        cbytes_mask mask = cbytes_value_suspects(cbytes_load_block(bytes + from));
        if (mask != 0) {
            size_t first = from + cbytes_first_in_mask(mask);
            if (bytes[first] == '\r') return first;
            mask = cbytes_value_stops(cbytes_load_block(bytes + from));
            if (mask != 0) return from + cbytes_first_in_mask(mask);
        }
        from += 16;
    }
#endif
    return cbytes_find_short_value_end(bytes, from, to);
}

// The first colon or byte that is no visible ASCII character: where a field name ends.
CBYTES_SCAN(cbytes_find_name_end, cbytes_name_stops, cbytes_stops_name)

// The first byte that no request target holds: control, space, "#", DEL or not ASCII.
CBYTES_SCAN(cbytes_find_target_end, cbytes_target_stops, cbytes_stops_target)

// The first byte that JSON text cannot hold as it is: control, quote, backslash, DEL or not ASCII.
CBYTES_SCAN(cbytes_find_escaped, cbytes_escape_stops, cbytes_stops_escape)

#undef CBYTES_SCAN

// The first `wanted`.
static inline size_t cbytes_find_byte(
    const uint8_t *bytes, size_t from, size_t to, uint8_t wanted
) {
    if (from == to) return to;
    const void *found = memchr(bytes + from, wanted, to - from);
    return found ? (size_t)((const uint8_t *)found - bytes) : to;
}

// The first byte that no token (RFC 9110, 5.6.2) holds.
static inline size_t cbytes_find_token_end(const uint8_t *bytes, size_t from, size_t to) {
    while (from < to && cbytes_is_token(bytes[from])) from += 1;
    return from;
}

// The first byte that no host name or IPv4 address, with or without a port, may hold.
static inline size_t cbytes_find_host_end(const uint8_t *bytes, size_t from, size_t to) {
#if defined(CBYTES_HAS_BLOCKS)
    // One block has room for nearly all; it ends where the name does.
    if (from < to && to - from <= 16 && to >= 16) {
        cbytes_mask mask = cbytes_host_suspects(cbytes_load_block(bytes + to - 16));
        mask = cbytes_drop_from_mask(mask, 16 - (to - from));
        if (mask == 0) return to;
        from += cbytes_first_in_mask(mask);
    }
#endif
    while (from < to && cbytes_is_host(bytes[from])) from += 1;
    return from;
}

// Whether both hold the same bytes.
static inline int cbytes_equal(const uint8_t *left, const uint8_t *right, size_t count) {
    return memcmp(left, right, count) == 0;
}

// Whether both have the same letters, whatever their case.
static inline int cbytes_equal_ignoring_case(
    const uint8_t *left, const uint8_t *right, size_t count
) {
    for (size_t i = 0; i < count; i += 1) {
        if (cbytes_lower(left[i]) != cbytes_lower(right[i])) return 0;
    }
    return 1;
}

#pragma clang assume_nonnull end
