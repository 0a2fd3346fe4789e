// What the client and the backend share: counters that the harness reads while they run,
// pinning, and errors.
//
// The counters live in a file mapped by both sides, so that the harness takes requests, CPU
// time and latencies at the same instant without a word to the measured processes.

#ifndef PERF_SHARED_H
#define PERF_SHARED_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Latencies are counted in buckets of 1/128 of a power of two: under 0.8 % error.
enum { histogramBuckets = 4480, histogramSubBuckets = 128 };

struct counters {
    uint64_t requests;     // answered completely and correctly (client), received (backend)
    uint64_t errors;       // anything that should not have happened
    uint64_t opened;       // connections opened (client) or accepted (backend), in all
    uint64_t open;         // connections open now
    uint64_t bytes;        // body bytes received
    uint64_t settled;      // client with --idle: 1 once every connection did its request
    uint64_t reserved[2];
    uint64_t histogram[histogramBuckets];
};

static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline void refuse(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(2);
}

static inline uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void histogramRecord(uint64_t *histogram, uint64_t value) {
    size_t index = value;
    if (value >= histogramSubBuckets) {
        unsigned shift = 63u - 7u - (unsigned)__builtin_clzll(value);
        index = (shift + 1) * histogramSubBuckets + ((value >> shift) & 127);
    }
    histogram[index < histogramBuckets ? index : histogramBuckets - 1] += 1;
}

// The lower end of a bucket's range.
static inline uint64_t histogramValue(size_t index) {
    if (index < histogramSubBuckets) return index;
    unsigned shift = (unsigned)(index / histogramSubBuckets - 1);
    return (uint64_t)(histogramSubBuckets + index % histogramSubBuckets) << shift;
}

static inline double histogramQuantile(const uint64_t *histogram, double quantile) {
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < histogramBuckets; i++) total += histogram[i];
    for (size_t i = 0; i < histogramBuckets; i++) {
        seen += histogram[i];
        if (total && (double)seen >= quantile * (double)total) return (double)histogramValue(i);
    }
    return 0;
}

// Without a path the counters are memory of our own.
static inline struct counters *mapCounters(const char *path) {
    int file = -1, flags = MAP_SHARED | MAP_ANONYMOUS;
    if (path) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || ftruncate(file, sizeof(struct counters)) < 0) fail(path);
        flags = MAP_SHARED;
    }
    void *memory = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, flags, file, 0);
    if (memory == MAP_FAILED) fail("mmap");
    if (file >= 0) close(file);
    memset(memory, 0, sizeof(struct counters));
    return memory;
}

static inline void pinTo(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) fail("sched_setaffinity");
}

static inline void raiseDescriptorLimit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
