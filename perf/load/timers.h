// Instants at which something is to be done for a connection, the nearest first: a binary heap.

#ifndef PERF_TIMERS_H
#define PERF_TIMERS_H

#include "shared.h"

struct connection;

struct timer {
    uint64_t due;
    struct connection *connection;
};

static struct timer *timers;
static size_t timerCount, timerRoom;

static void addTimer(struct connection *connection, uint64_t due) {
    if (timerCount == timerRoom) {
        timerRoom = timerRoom ? 2 * timerRoom : 256;
        timers = realloc(timers, timerRoom * sizeof *timers);
        if (!timers) fail("realloc");
    }
    size_t place = timerCount++;
    while (place && timers[(place - 1) / 2].due > due) {
        timers[place] = timers[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    timers[place] = (struct timer){ due, connection };
}

static struct connection *takeTimer(void) {
    struct connection *connection = timers[0].connection;
    struct timer last = timers[--timerCount];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= timerCount) break;
        if (child + 1 < timerCount && timers[child + 1].due < timers[child].due) child += 1;
        if (timers[child].due >= last.due) break;
        timers[place] = timers[child];
        place = child;
    }
    timers[place] = last;
    return connection;
}

#endif
