// Numbers as hexadecimal digits.
#pragma once

#include <stdint.h>
#include <string.h>

#include "byte_blocks.h"

#pragma clang assume_nonnull begin

// Sixteen digits as they stand in memory, in two words.
typedef struct {
    uint64_t first;
    uint64_t last;
} cbytes_hex;

// The eight digits of the lower half of a number, the first digit in the lowest byte.
static inline uint64_t cbytes_half_hex(uint64_t value) {
    // Spread to a nibble a byte, then ten and above get the distance from ':' to 'a' on top.
    uint64_t spread = value & 0xffffffff;
    spread = (spread | spread << 16) & 0x0000ffff0000ffff;
    spread = (spread | spread << 8) & 0x00ff00ff00ff00ff;
    spread = (spread | spread << 4) & 0x0f0f0f0f0f0f0f0f;
    uint64_t letters = (spread + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return __builtin_bswap64(spread + 0x3030303030303030 + letters * 0x27);
}

// All digits of a number, in lower case.
static inline cbytes_hex cbytes_hex_digits(uint64_t value) {
    cbytes_hex digits;
#if defined(__SSE2__)
    __m128i bytes = _mm_cvtsi64_si128((int64_t)__builtin_bswap64(value));
    __m128i nibble = _mm_set1_epi8(0x0f);
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
    __m128i spread = _mm_unpacklo_epi8(high, _mm_and_si128(bytes, nibble));
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(spread, _mm_set1_epi8(9)), _mm_set1_epi8(0x27));
    __m128i text = _mm_add_epi8(_mm_add_epi8(spread, _mm_set1_epi8('0')), letters);
    memcpy(&digits, &text, 16);
#else
    digits.first = cbytes_half_hex(value >> 32);
    digits.last = cbytes_half_hex(value);
#endif
    return digits;
}

#pragma clang assume_nonnull end
