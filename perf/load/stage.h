// What the parts of `perf/balance` and `perf/faults` share: when phases begin, what ails each
// endpoint, and what it did.
//
// The harness writes the times once the proxy is ready, and faults when they are due; endpoints and
// arrivals read them from the same page, so that all change at the same instant without a message.

#ifndef PERF_STAGE_H
#define PERF_STAGE_H

#include "shared.h"

// Phase 0 is the warm-up, which is not measured.
enum { stagePhases = 3, stageEndpoints = 16, stageBytes = 4096 };

// What may ail an endpoint. A request is served by what holds when it has come.
enum fault {
    well,
    hangs,    // it accepts and reads, and never answers, checks neither
    fails,    // it answers 500 after --fail-us, but checks well
    slow,     // all takes ten times as long
    resets,   // it serves one request per connection, and resets every tenth connection
};

struct stage {
    uint64_t changes[stagePhases];  // ends of the phases, by CLOCK_MONOTONIC; 0: not known yet
    uint64_t reserved[5];
    struct {
        uint64_t taken[stagePhases];  // requests received, by the phase they came in
        uint64_t most[stagePhases];   // most requests inside at once, waiting ones included
        uint64_t fault;               // an `enum fault`
        uint64_t checks;              // answered
    } endpoints[stageEndpoints];
};

static inline struct stage *mapStage(const char *path) {
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0 || ftruncate(file, stageBytes) < 0) fail("the stage file");
    void *memory = mmap(NULL, stageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) fail("mmap");
    close(file);
    return memory;
}

// The last phase goes on after its end.
static inline int stagePhase(const struct stage *stage, uint64_t now) {
    const volatile uint64_t *changes = stage->changes;
    for (int phase = 0; phase < stagePhases - 1; phase++)
        if (!changes[phase] || now < changes[phase]) return phase;
    return stagePhases - 1;
}

#endif
