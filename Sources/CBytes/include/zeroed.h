// Zeroed memory whose pages the kernel gives only when they are touched.
#pragma once

#include <stddef.h>
#include <stdlib.h>

#pragma clang assume_nonnull begin

/// `count` zero bytes; ends the process if there is no memory, as Swift's own allocations do.
static inline void *cbytes_zeroed(size_t count) {
    void *memory = calloc(count, 1);
    if (memory == NULL) abort();
    return memory;
}

/// Frees what `cbytes_zeroed` gave.
static inline void cbytes_free_zeroed(void *memory) { free(memory); }

#pragma clang assume_nonnull end
