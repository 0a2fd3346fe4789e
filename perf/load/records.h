// What the programs of `perf/faults` write down about each request: records of fixed size, read by
// harness/records.py. Times are of CLOCK_MONOTONIC, in nanoseconds, so that files can be compared.

#ifndef PERF_RECORDS_H
#define PERF_RECORDS_H

#include "shared.h"

// One request of the client, written once it has ended.
struct clientRecord {
    uint64_t due, ended;
    uint32_t number;           // the same in the request's query, `?id=N`; from 1
    uint16_t status, flags;    // status as in findings.h
};

// Flags of a request: it is a post; its connection had brought an answer before.
enum { recordPost = 1, recordReused = 2 };

// What an endpoint met, in the order it did.
enum endpointEvent { eventListening, eventGet, eventPost, eventReset };

struct endpointRecord {
    uint64_t time;
    uint32_t number;           // of the request; 0 if it carried none
    uint16_t event, reserved;
};

_Static_assert(sizeof(struct clientRecord) == 24 && sizeof(struct endpointRecord) == 16,
               "harness/records.py knows these sizes");

#endif
