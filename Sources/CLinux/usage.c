#include "weir_linux.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t resident_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) return 0;
    int found = fscanf(file, "%lu %lu", &total, &resident);
    fclose(file);
    return found == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return 0;
    uint64_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') count += 1;
    }
    closedir(folder);
    // The folder itself was one of them.
    return count > 0 ? count - 1 : 0;
}

void weir_read_process_usage(struct weir_process_usage *usage) {
    usage->resident_bytes = resident_bytes();
    usage->descriptors = descriptors();
    usage->cpu_ns = 0;
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0) {
        uint64_t seconds = (uint64_t)used.ru_utime.tv_sec + (uint64_t)used.ru_stime.tv_sec;
        uint64_t micros = (uint64_t)used.ru_utime.tv_usec + (uint64_t)used.ru_stime.tv_usec;
        usage->cpu_ns = seconds * 1000000000u + micros * 1000u;
    }
}
