// Counters that one thread writes and any thread reads.
//
// Relaxed loads and stores: on the machines there are, a plain addition in memory, where an atomic
// one would lock the bus.
#pragma once

#include <stdint.h>

#pragma clang assume_nonnull begin

static inline void weir_count(uint64_t *counter, uint64_t by) {
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}
static inline void weir_count_set(uint64_t *counter, uint64_t value) {
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}
static inline uint64_t weir_count_read(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

// The same for an address, behind which the memory is ready.
static inline void weir_count_publish(uint64_t *counter, uint64_t value) {
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}
static inline uint64_t weir_count_published(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

#pragma clang assume_nonnull end
