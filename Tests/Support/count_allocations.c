// Counts what a process allocates: preloaded, it adds one to a counter for each call of malloc,
// calloc, realloc, posix_memalign and aligned_alloc, in all threads but the first one. That is the
// control thread, which allocates by the clock and never for a request.
//
// The counter is the first eight bytes of the file that COUNT_ALLOCATIONS names, so that a test
// reads it while the process runs. The calls go on to the C library's own allocator.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t beforeOpening;
static _Atomic uint64_t *counter = &beforeOpening;

__attribute__((constructor)) static void openCounter(void) {
    const char *path = getenv("COUNT_ALLOCATIONS");
    if (!path) return;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return;
    if (ftruncate(descriptor, sizeof *counter) == 0) {
        void *memory = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED,
                            descriptor, 0);
        if (memory != MAP_FAILED) {
            atomic_fetch_add((_Atomic uint64_t *)memory, beforeOpening);
            counter = memory;
        }
    }
    close(descriptor);
}

// 1 in the first thread, 2 in others, 0 where nobody has looked yet. The model needs no memory of
// its own, for which malloc would be called.
static _Thread_local int kind __attribute__((tls_model("initial-exec")));

static void count(void) {
    if (kind == 0) kind = gettid() == getpid() ? 1 : 2;
    if (kind == 1) return;
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}
