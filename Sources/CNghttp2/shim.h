#ifndef WEIR_CNGHTTP2_SHIM_H
#define WEIR_CNGHTTP2_SHIM_H

/* nghttp2, and memory for its sessions, which share the room in which frames are put together. */

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

/* What the sessions of one thread share. Each has room of this size for frames, which is in use
   between two calls of nghttp2_session_mem_send only as long as the first one's frame is read. */
struct weir_h2_memory {
    void *frames;
    /* Whether the session that is being made still has to ask for its room. */
    int lends;
};

/* Bytes of the room: a frame of the least size that all peers take, its head, and padding. */
enum { weir_h2_frames = 16384 + 9 + 1 };

static inline void *weir_h2_malloc(size_t size, void *user) {
    (void)user;
    return malloc(size);
}

static inline void *weir_h2_calloc(size_t count, size_t size, void *user) {
    (void)user;
    return calloc(count, size);
}

static inline void weir_h2_free(void *block, void *user) {
    struct weir_h2_memory *memory = (struct weir_h2_memory *)user;
    if (block != memory->frames) free(block);
}

static inline void *weir_h2_realloc(void *block, size_t size, void *user) {
    struct weir_h2_memory *memory = (struct weir_h2_memory *)user;
    if (!block && memory->lends && size == weir_h2_frames) {
        memory->lends = 0;
        if (!memory->frames) memory->frames = malloc(size);
        return memory->frames;
    }
    if (!block || block != memory->frames) return realloc(block, size);
    void *own = malloc(size);
    if (own) memcpy(own, block, size < weir_h2_frames ? size : weir_h2_frames);
    return own;
}

/* Gives back what the sessions shared, which are gone. */
static inline void weir_h2_release(struct weir_h2_memory *memory) {
    free(memory->frames);
    memory->frames = NULL;
}

/* Memory for a session, which copies this; `memory` has to outlive the session. */
static inline nghttp2_mem weir_h2_sharing(struct weir_h2_memory *memory) {
    nghttp2_mem sharing = { memory, weir_h2_malloc, weir_h2_free, weir_h2_calloc, weir_h2_realloc };
    return sharing;
}

#endif
