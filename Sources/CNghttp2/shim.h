#ifndef WEIR_CNGHTTP2_SHIM_H
#define WEIR_CNGHTTP2_SHIM_H

/* nghttp2, and memory for its sessions that an idle one can do without. */

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

/* The large blocks of a session, each on pages of its own. The first, of 16 KiB and more, is where
   frames are put together: between two of them nothing in it counts. The other is the table of
   streams: without any it is all zero. */
struct weir_h2_pages {
    void *frames;
    size_t frames_size;
    void *table;
};

enum { weir_h2_page = 4096, weir_h2_frames = 16384 };

static inline void *weir_h2_malloc(size_t size, void *user) {
    struct weir_h2_pages *pages = (struct weir_h2_pages *)user;
    if (size < weir_h2_page) return malloc(size);
    size_t whole = (size + weir_h2_page - 1) & ~(size_t)(weir_h2_page - 1);
    void *block = aligned_alloc(weir_h2_page, whole);
    if (block && size >= weir_h2_frames && !pages->frames) {
        pages->frames = block;
        pages->frames_size = whole;
    }
    return block;
}

static inline void *weir_h2_calloc(size_t count, size_t size, void *user) {
    struct weir_h2_pages *pages = (struct weir_h2_pages *)user;
    if (size == 0 || count > SIZE_MAX / size) return NULL;
    if (count * size != weir_h2_page) return calloc(count, size);
    void *block = aligned_alloc(weir_h2_page, weir_h2_page);
    if (block) memset(block, 0, weir_h2_page);
    if (!pages->table) pages->table = block;
    return block;
}

static inline void weir_h2_free(void *block, void *user) {
    struct weir_h2_pages *pages = (struct weir_h2_pages *)user;
    if (block && block == pages->frames) pages->frames = NULL;
    if (block && block == pages->table) pages->table = NULL;
    free(block);
}

static inline void *weir_h2_realloc(void *block, size_t size, void *user) {
    if (!block) return weir_h2_malloc(size, user);
    struct weir_h2_pages *pages = (struct weir_h2_pages *)user;
    if (block == pages->frames) pages->frames = NULL;
    if (block == pages->table) pages->table = NULL;
    return realloc(block, size);
}

/* Memory for a session, which copies this; `pages` has to outlive the session. */
static inline nghttp2_mem weir_h2_memory(struct weir_h2_pages *pages) {
    nghttp2_mem memory = { pages, weir_h2_malloc, weir_h2_free, weir_h2_calloc, weir_h2_realloc };
    return memory;
}

/* Whether the table of streams, if it is known, is all zero. */
static inline int weir_h2_table_is_empty(const struct weir_h2_pages *pages) {
    const unsigned char *bytes = (const unsigned char *)pages->table;
    return bytes && bytes[0] == 0 && memcmp(bytes, bytes + 1, weir_h2_page - 1) == 0;
}

#endif
