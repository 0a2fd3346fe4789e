// Memory that is needed soon.
#pragma once

#pragma clang assume_nonnull begin

/// Asks for a cache line and does not wait for it; harmless at any address.
static inline void cbytes_prefetch(const void *memory) {
    __builtin_prefetch(memory);
}

#pragma clang assume_nonnull end
