// What the clients with a closed loop have in common: how they begin, end and report.

#ifndef PERF_CLOSED_LOOP_H
#define PERF_CLOSED_LOOP_H

#include "connections.h"

#include <signal.h>

// With --idle each connection of the first ones makes the next be opened.
enum { openingAtOnce = 64 };
static const uint64_t answerTimeout = 5000000000u;

static struct counters *counters;
static volatile sig_atomic_t stopping;

static void stop(int number) { (void)number; stopping = 1; }

static inline void prepareLoop(const char *counterFile) {
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    raiseDescriptorLimit();
    counters = mapCounters(counterFile);
    openPoller();
}

// A connection to the proxy, about to be.
static inline int openCounted(int port) {
    int descriptor = openSocket(SOCK_NONBLOCK);
    if (!connectTo(descriptor, port)) fail("connect");
    counters->opened += 1;
    counters->open += 1;
    return descriptor;
}

static inline void printSummary(uint64_t started) {
    printf("{\"requests\": %llu, \"errors\": %llu, \"opened\": %llu, \"bytes\": %llu, "
           "\"seconds\": %.3f, \"p50us\": %.1f, \"p99us\": %.1f}\n",
           (unsigned long long)counters->requests, (unsigned long long)counters->errors,
           (unsigned long long)counters->opened, (unsigned long long)counters->bytes,
           (double)(nanoseconds() - started) / 1e9,
           histogramQuantile(counters->histogram, 0.5) / 1e3,
           histogramQuantile(counters->histogram, 0.99) / 1e3);
}

#endif
