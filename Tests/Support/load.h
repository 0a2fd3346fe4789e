// What the load's client and its backend agree on.
//
// A request asks for /SIZE and carries its number in X-Id. Body bytes, of requests and answers,
// are the pattern 0, 1 … 255, 0 … begun at the number's lowest byte, so that bytes which belong
// to another request are seen.

#ifndef LOAD_H
#define LOAD_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { largestBody = 80000, headRoom = 4096 };

static char pattern[largestBody + 256];

static inline void fillPattern(void) {
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)i;
}

static inline const char *bodyOf(uint64_t id) { return pattern + (id & 255); }

static inline void fail(const char *what) {
    perror(what);
    exit(2);
}

// xorshift64*, so that a seed gives the same choices everywhere.
static inline uint64_t draw(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u >> 16;
}

// The value of a field in a head that ends at `end`, or null. `name` ends with the colon.
static inline const char *fieldOf(const char *head, const char *end, const char *name) {
    size_t size = strlen(name);
    const char *line = memchr(head, '\n', (size_t)(end - head));
    while (line && ++line < end) {
        if ((size_t)(end - line) > size && strncasecmp(line, name, size) == 0) {
            line += size;
            while (*line == ' ') line++;
            return line;
        }
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

static inline uint64_t numberOf(const char *head, const char *end, const char *name) {
    const char *value = fieldOf(head, end, name);
    return value ? strtoull(value, NULL, 10) : UINT64_MAX;
}

#endif
