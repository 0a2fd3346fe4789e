// Which of the eight groups of a line of latencies say something (Balancing's LatencyByLoad).
#pragma once

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#pragma clang assume_nonnull begin

/// What eight medians and the eight times behind them say: a bit for each group, the first one's
/// lowest. Bits 0 to 7: it has samples, the last one at most `freshness` before `now`; bits 8 to
/// 15: it has samples at all, its median is not all ones. Times wrap around.
static inline uint32_t cbytes_groups(const uint32_t *line, uint32_t now, uint32_t freshness) {
#if defined(__SSE2__)
    const __m128i *words = (const __m128i *)line;
    __m128i ones = _mm_set1_epi32(-1);
    // SSE2 compares with a sign only: turning the highest bit keeps the order.
    __m128i sign = _mm_set1_epi32(INT32_MIN);
    __m128i most = _mm_set1_epi32((int32_t)(freshness ^ 0x80000000u));
    __m128i from = _mm_set1_epi32((int32_t)now);
    __m128i empty[2], old[2];
    for (int half = 0; half < 2; half += 1) {
        __m128i age = _mm_sub_epi32(from, _mm_loadu_si128(words + 2 + half));
        empty[half] = _mm_cmpeq_epi32(_mm_loadu_si128(words + half), ones);
        old[half] = _mm_or_si128(_mm_cmpgt_epi32(_mm_xor_si128(age, sign), most), empty[half]);
    }
    __m128i silent = _mm_packs_epi16(
        _mm_packs_epi32(old[0], old[1]), _mm_packs_epi32(empty[0], empty[1]));
    return (uint32_t)_mm_movemask_epi8(silent) ^ 0xffff;
#else
    uint32_t groups = 0;
    for (uint32_t group = 0; group < 8; group += 1) {
        uint32_t is_known = line[group] != UINT32_MAX;
        uint32_t is_fresh = is_known & (now - line[8 + group] <= freshness);
        groups |= is_fresh << group | is_known << (8 + group);
    }
    return groups;
#endif
}

#pragma clang assume_nonnull end
