#ifndef CEVICTION_H
#define CEVICTION_H

#include <stddef.h>

/* Takes the cache lines of this memory out of all caches. */
static inline void ceviction_flush(const void *memory, size_t size) {
    const char *line = (const char *)memory;
    const char *end = line + size;
    for (; line < end; line += 64) {
#if defined(__x86_64__)
        __builtin_ia32_clflush(line);
#elif defined(__aarch64__)
        __asm__ volatile("dc civac, %0" : : "r"(line) : "memory");
#else
#error "no instruction known that evicts a cache line here"
#endif
    }
#if defined(__x86_64__)
    __builtin_ia32_mfence();
#elif defined(__aarch64__)
    __asm__ volatile("dsb ish" : : : "memory");
#endif
}

#endif
