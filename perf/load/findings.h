// What `arrivals` prints about the requests of a phase.

#ifndef PERF_FINDINGS_H
#define PERF_FINDINGS_H

#include "records.h"
#include "stage.h"

#include <math.h>

// Above HTTP's statuses: how else a request can end. Cut: behind a head that said 200. Refused:
// nobody listened.
enum { broken = 1000, unanswered, cut, refused, statuses };
static const char *const endings[] = { "broken", "unanswered", "cut", "refused" };

static inline int ascending(const void *first, const void *second) {
    double a = *(const double *)first, b = *(const double *)second;
    return (a > b) - (a < b);
}

static inline double quantile(const double *sorted, size_t count, double share) {
    if (!count) return 0;
    size_t place = (size_t)ceil(share * (double)count);
    return sorted[place ? place - 1 : 0];
}

// What requests of the phases from `first` to `last` found. Latencies: of answers with 200.
static inline void printPhases(const struct stage *stage, const struct clientRecord *records,
                               size_t recordCount, const char *name, int first, int last,
                               const char *separator) {
    size_t good = 0, all = 0, counts[statuses] = { 0 };
    double *latencies = malloc((recordCount + 1) * sizeof *latencies), sum = 0;
    if (!latencies) fail("malloc");
    for (size_t i = 0; i < recordCount; i++) {
        const struct clientRecord *each = &records[i];
        int phase = stagePhase(stage, each->due);
        if (phase < first || phase > last) continue;
        all += 1;
        counts[each->status < statuses ? each->status : broken] += 1;
        if (each->status != 200) continue;
        latencies[good] = (double)(each->ended - each->due) / 1e3;
        sum += latencies[good++];
    }
    qsort(latencies, good, sizeof *latencies, ascending);
    printf("\"%s\": {\"requests\": %zu, \"good\": %zu, \"failed\": %zu, \"mean\": %.1f, "
           "\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f, "
           "\"statuses\": {", name, all, good, all - good, good ? sum / (double)good : 0,
           quantile(latencies, good, 0.5), quantile(latencies, good, 0.9),
           quantile(latencies, good, 0.99), quantile(latencies, good, 0.999),
           quantile(latencies, good, 1));
    const char *comma = "";
    for (int status = 0; status < statuses; status++) {
        if (!counts[status]) continue;
        if (status < broken) printf("%s\"%d\": %zu", comma, status, counts[status]);
        else printf("%s\"%s\": %zu", comma, endings[status - broken], counts[status]);
        comma = ", ";
    }
    printf("}}%s", separator);
    free(latencies);
}

#endif
