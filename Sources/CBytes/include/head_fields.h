// Names and lines of heads that travel by HTTP/2, whose names are in lower case.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "byte_blocks.h"
#include "byte_classes.h"
#include "field_names.h"

#pragma clang assume_nonnull begin

// Whether all bytes may stand in a name there (RFC 9113, 8.2.1).
static inline int cbytes_is_lower_token(const uint8_t *bytes, size_t count) {
    uint8_t common = CBYTES_LOWER_TOKEN;
    for (size_t i = 0; i < count; i += 1) common &= cbytes_class[bytes[i]];
    return common;
}

// Whether bit 5 is set in all bytes.
static inline int cbytes_is_folded(const uint8_t *bytes, size_t count) {
    uint64_t common = CBYTES_FOLD, word;
    if (count < 8) {
        uint8_t all = 0x20;
        for (size_t i = 0; i < count; i += 1) all &= bytes[i];
        return all != 0;
    }
    for (size_t i = 0; i + 8 < count; i += 8) {
        memcpy(&word, bytes + i, 8);
        common &= word;
    }
    memcpy(&word, bytes + count - 8, 8);
    return (common & word) == CBYTES_FOLD;
}

// Which of the known names it is, CBYTES_FIELD_OTHER if another; CBYTES_FIELD_COUNT if it is none
// that may stand there.
static inline uint8_t cbytes_classify_lower(const uint8_t *name, size_t count) {
    uint8_t known = cbytes_classify_field(name, count);
    // All bytes of the known names have bit 5; whatever else passes for one of them lacks it.
    if (known != CBYTES_FIELD_OTHER && cbytes_is_folded(name, count)) return known;
    if (count == 0 || !cbytes_is_lower_token(name, count)) return CBYTES_FIELD_COUNT;
    return CBYTES_FIELD_OTHER;
}

// Whether a field may have the value there (RFC 9113, 8.2.1): no control byte but HTAB, and no
// white space around it.
static inline int cbytes_is_lean_value(const uint8_t *value, size_t count) {
    if (count == 0) return 1;
    uint8_t first = value[0], last = value[count - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t') return 0;
#if defined(CBYTES_HAS_BLOCKS)
    if (count >= 16) {
        cbytes_mask suspects = cbytes_value_suspects(cbytes_load_block(value + count - 16));
        for (size_t i = 0; i + 16 < count; i += 16) {
            suspects |= cbytes_value_suspects(cbytes_load_block(value + i));
        }
        if (suspects == 0) return 1;
    }
#endif
    for (size_t i = 0; i < count; i += 1) {
        if (cbytes_stops_value(value[i])) return 0;
    }
    return 1;
}

// Which of eight ASCII bytes are upper-case letters: their highest bits.
static inline uint64_t cbytes_upper_bits(uint64_t word) {
    uint64_t from_a = word + 0x3f3f3f3f3f3f3f3full, past_z = word + 0x2525252525252525ull;
    return from_a & ~past_z & 0x8080808080808080ull;
}

// Whether there is an upper-case letter in a name, which is ASCII.
static inline int cbytes_has_upper(const uint8_t *name, size_t count) {
    uint64_t word = 0;
    if (count < 8) {
        for (size_t i = 0; i < count; i += 1) word = word << 8 | name[i];
        return cbytes_upper_bits(word) != 0;
    }
    uint64_t found = 0;
    for (size_t i = 0; i + 8 < count; i += 8) {
        memcpy(&word, name + i, 8);
        found |= cbytes_upper_bits(word);
    }
    memcpy(&word, name + count - 8, 8);
    return (found | cbytes_upper_bits(word)) != 0;
}

// Where the head that begins there ends, its blank line included; 0 if its end is not there.
static inline size_t cbytes_find_head_end(const uint8_t *bytes, size_t count) {
    size_t at = 0;
#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi8('\r');
    for (; at + 18 <= count; at += 16) {
        __m128i first = _mm_cmpeq_epi8(cbytes_load_block(bytes + at), wanted);
        __m128i third = _mm_cmpeq_epi8(cbytes_load_block(bytes + at + 2), wanted);
        cbytes_mask mask = (cbytes_mask)_mm_movemask_epi8(_mm_and_si128(first, third));
        for (; mask != 0; mask &= mask - 1) {
            size_t place = at + cbytes_first_in_mask(mask);
            if (place + 4 <= count && memcmp(bytes + place, "\r\n\r\n", 4) == 0) return place + 4;
        }
    }
#endif
    for (; at + 4 <= count; at += 1) {
        if (memcmp(bytes + at, "\r\n\r\n", 4) == 0) return at + 4;
    }
    return 0;
}

// Copies a few bytes, as most names are, without a call.
static inline void cbytes_copy_name(uint8_t *out, const uint8_t *name, size_t count) {
    uint64_t first, last;
    if (count >= 8 && count <= 16) {
        memcpy(&first, name, 8);
        memcpy(&last, name + count - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + count - 8, &last, 8);
    } else if (count >= 4 && count < 8) {
        uint32_t begin, end;
        memcpy(&begin, name, 4);
        memcpy(&end, name + count - 4, 4);
        memcpy(out, &begin, 4);
        memcpy(out + count - 4, &end, 4);
    } else {
        memcpy(out, name, count);
    }
}

// Writes `name: value` and a line end, four bytes more than both; returns how many bytes.
static inline size_t cbytes_write_line(
    uint8_t *out, const uint8_t *name, size_t name_count, const uint8_t *value, size_t value_count
) {
    cbytes_copy_name(out, name, name_count);
    memcpy(out + name_count, ": ", 2);
    memcpy(out + name_count + 2, value, value_count);
    memcpy(out + name_count + 2 + value_count, "\r\n", 2);
    return name_count + value_count + 4;
}

#pragma clang assume_nonnull end
