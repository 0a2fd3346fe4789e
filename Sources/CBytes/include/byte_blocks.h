// Sixteen bytes at a time: SSE2, NEON, or not at all.
//
// A mask has a fixed number of bits per byte, the first byte lowest; bits are set where a scan
// has to stop.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#pragma clang assume_nonnull begin

#if defined(__SSE2__)

#define CBYTES_HAS_BLOCKS 1
typedef uint32_t cbytes_mask;
typedef __m128i cbytes_block;

static inline cbytes_block cbytes_load_block(const uint8_t *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}
static inline size_t cbytes_first_in_mask(cbytes_mask mask) {
    return (size_t)__builtin_ctz(mask);
}
static inline cbytes_mask cbytes_drop_from_mask(cbytes_mask mask, size_t bytes) {
    return mask >> bytes;
}

// Where the colons are.
static inline cbytes_mask cbytes_colons(__m128i block) {
    return (cbytes_mask)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(':')));
}

// Whether the bytes that are kept, with zeros for the others, are a known name's, but for the case
// of letters.
static inline int cbytes_is_name(__m128i block, __m128i kept, __m128i known) {
    __m128i letters = _mm_and_si128(known, _mm_set1_epi8(0x40));
    __m128i folded = _mm_or_si128(_mm_and_si128(block, kept), _mm_srli_epi16(letters, 1));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(folded, known)) == 0xffff;
}

static inline cbytes_mask cbytes_value_stops(__m128i block) {
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    __m128i delete = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    __m128i stops = _mm_or_si128(_mm_andnot_si128(tab, control), delete);
    return (cbytes_mask)_mm_movemask_epi8(stops);
}

// Where a value may stop: also at tabs and at bytes from 0x80 on, which are rare. One comparison
// after adding 1, by which DEL goes below zero too.
static inline cbytes_mask cbytes_value_suspects(__m128i block) {
    __m128i raised = _mm_add_epi8(block, _mm_set1_epi8(1));
    return (cbytes_mask)_mm_movemask_epi8(_mm_cmplt_epi8(raised, _mm_set1_epi8(0x21)));
}

// Signed comparison: bytes from 0x80 on are below zero, so one comparison finds them together
// with controls and the space.
static inline __m128i cbytes_not_visible(__m128i block) {
    __m128i below = _mm_cmplt_epi8(block, _mm_set1_epi8(0x21));
    __m128i delete = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    return _mm_or_si128(below, delete);
}
static inline cbytes_mask cbytes_name_stops(__m128i block) {
    __m128i colon = _mm_cmpeq_epi8(block, _mm_set1_epi8(':'));
    return (cbytes_mask)_mm_movemask_epi8(_mm_or_si128(cbytes_not_visible(block), colon));
}
static inline cbytes_mask cbytes_target_stops(__m128i block) {
    __m128i fragment = _mm_cmpeq_epi8(block, _mm_set1_epi8('#'));
    return (cbytes_mask)_mm_movemask_epi8(_mm_or_si128(cbytes_not_visible(block), fragment));
}
// Where a host name may stop: at all but letters, digits, dots and hyphens.
static inline cbytes_mask cbytes_host_suspects(__m128i block) {
    __m128i letter = _mm_sub_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
    // From the hyphen to the nine there is the slash besides.
    __m128i other = _mm_sub_epi8(block, _mm_set1_epi8('-'));
    __m128i is_other = _mm_cmpeq_epi8(_mm_min_epu8(other, _mm_set1_epi8('9' - '-')), other);
    is_other = _mm_andnot_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('/')), is_other);
    return (cbytes_mask)_mm_movemask_epi8(_mm_or_si128(is_letter, is_other)) ^ 0xffff;
}
static inline cbytes_mask cbytes_escape_stops(__m128i block) {
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i delete = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    __m128i below = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    __m128i stops = _mm_or_si128(_mm_or_si128(quote, backslash), _mm_or_si128(delete, below));
    return (cbytes_mask)_mm_movemask_epi8(stops);
}

#elif defined(__aarch64__) && defined(__ARM_NEON)

#define CBYTES_HAS_BLOCKS 1
typedef uint64_t cbytes_mask;
typedef uint8x16_t cbytes_block;

static inline cbytes_block cbytes_load_block(const uint8_t *bytes) { return vld1q_u8(bytes); }
static inline size_t cbytes_first_in_mask(cbytes_mask mask) {
    return (size_t)__builtin_ctzll(mask) >> 2;
}
static inline cbytes_mask cbytes_drop_from_mask(cbytes_mask mask, size_t bytes) {
    return mask >> (bytes * 4);
}

// Four bits per byte: NEON has no movemask, a narrowing shift comes nearest.
static inline cbytes_mask cbytes_to_mask(uint8x16_t stops) {
    uint8x8_t narrowed = vshrn_n_u16(vreinterpretq_u16_u8(stops), 4);
    return vget_lane_u64(vreinterpret_u64_u8(narrowed), 0);
}
static inline cbytes_mask cbytes_colons(uint8x16_t block) {
    return cbytes_to_mask(vceqq_u8(block, vdupq_n_u8(':')));
}
static inline int cbytes_is_name(uint8x16_t block, uint8x16_t kept, uint8x16_t known) {
    uint8x16_t letters = vandq_u8(known, vdupq_n_u8(0x40));
    uint8x16_t folded = vorrq_u8(vandq_u8(block, kept), vshrq_n_u8(letters, 1));
    return vminvq_u8(vceqq_u8(folded, known)) == 0xff;
}
static inline cbytes_mask cbytes_value_stops(uint8x16_t block) {
    uint8x16_t control = vcltq_u8(block, vdupq_n_u8(0x20));
    uint8x16_t tab = vceqq_u8(block, vdupq_n_u8('\t'));
    uint8x16_t delete = vceqq_u8(block, vdupq_n_u8(0x7f));
    return cbytes_to_mask(vorrq_u8(vbicq_u8(control, tab), delete));
}
static inline cbytes_mask cbytes_value_suspects(uint8x16_t block) {
    return cbytes_value_stops(block);
}
static inline uint8x16_t cbytes_not_visible(uint8x16_t block) {
    return vorrq_u8(vcltq_u8(block, vdupq_n_u8(0x21)), vcgtq_u8(block, vdupq_n_u8(0x7e)));
}
static inline cbytes_mask cbytes_name_stops(uint8x16_t block) {
    return cbytes_to_mask(vorrq_u8(cbytes_not_visible(block), vceqq_u8(block, vdupq_n_u8(':'))));
}
static inline cbytes_mask cbytes_target_stops(uint8x16_t block) {
    return cbytes_to_mask(vorrq_u8(cbytes_not_visible(block), vceqq_u8(block, vdupq_n_u8('#'))));
}
static inline cbytes_mask cbytes_host_suspects(uint8x16_t block) {
    uint8x16_t letter = vsubq_u8(vorrq_u8(block, vdupq_n_u8(0x20)), vdupq_n_u8('a'));
    uint8x16_t other = vsubq_u8(block, vdupq_n_u8('-'));
    uint8x16_t neither = vandq_u8(
        vcgtq_u8(letter, vdupq_n_u8(25)), vcgtq_u8(other, vdupq_n_u8('9' - '-')));
    return cbytes_to_mask(vorrq_u8(neither, vceqq_u8(block, vdupq_n_u8('/'))));
}
static inline cbytes_mask cbytes_escape_stops(uint8x16_t block) {
    uint8x16_t quote = vceqq_u8(block, vdupq_n_u8('"'));
    uint8x16_t backslash = vceqq_u8(block, vdupq_n_u8('\\'));
    uint8x16_t outside =
        vorrq_u8(vcltq_u8(block, vdupq_n_u8(0x20)), vcgtq_u8(block, vdupq_n_u8(0x7e)));
    return cbytes_to_mask(vorrq_u8(outside, vorrq_u8(quote, backslash)));
}

#endif

#pragma clang assume_nonnull end
