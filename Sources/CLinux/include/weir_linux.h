// The one door to the kernel: every system call that Weir makes is a function of this header.
// Wrappers hold no policy. Calls that can fail return the negated errno.
#ifndef WEIR_LINUX_H
#define WEIR_LINUX_H

#include "weir_handover.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <pthread.h>
#include <unistd.h>

#ifndef _GNU_SOURCE
// Declared only for GNU programs.
long syscall(long number, ...);
#endif

#pragma clang assume_nonnull begin

// An address without its sockaddr clothes. `high` and `low` hold the bytes as two numbers, the
// first byte highest; an IPv4 address is the lower half of `low`. IPv4-mapped IPv6 addresses are
// unmapped on the way in.
struct weir_address {
    uint64_t high;
    uint64_t low;
    uint16_t port;
    uint8_t family;  // 4, 6, or 0 for a unix socket
};

// ---- Readiness

static inline int weir_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static inline int weir_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
    int n = epoll_wait(epoll, events, capacity, timeout_ms);
    return n < 0 ? -errno : n;
}

static inline uint32_t weir_event_bits(const struct epoll_event *events, int index) {
    return events[index].events;
}

static inline uint64_t weir_event_token(const struct epoll_event *events, int index) {
    return events[index].data.u64;
}

int weir_epoll_create(void);
int weir_eventfd(void);
void weir_eventfd_signal(int fd);
void weir_eventfd_clear(int fd);

// ---- Data
//
// By number, since glibc's recv and send are points at which a thread may be cancelled: in a
// process with threads each call pays two locked instructions for that. Weir cancels no thread.

static inline ssize_t weir_recv(int fd, void *buffer, size_t capacity) {
    ssize_t n;
    do n = syscall(SYS_recvfrom, fd, buffer, capacity, 0, NULL, NULL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// As weir_recv, but what is received stays there to be received again.
static inline ssize_t weir_peek(int fd, void *buffer, size_t capacity) {
    ssize_t n;
    do n = syscall(SYS_recvfrom, fd, buffer, capacity, MSG_PEEK, NULL, NULL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static inline ssize_t weir_send(int fd, const void *bytes, size_t count) {
    ssize_t n;
    do n = syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// As weir_send, for the last bytes before a close or shutdown: they leave with the FIN.
static inline ssize_t weir_send_last(int fd, const void *bytes, size_t count) {
    ssize_t n;
    do n = syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL | MSG_MORE, NULL, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// Two stretches of memory in one send.
ssize_t weir_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count);
// Moves at most `count` bytes between a socket and a pipe without copying.
ssize_t weir_splice(int from, int to, size_t count);
// A pipe of at least `capacity` bytes, if the system allows; returns its capacity.
int weir_pipe(int *read_end, int *write_end, int capacity);

// ---- Sockets

int weir_socket(int family, int is_unix);
int weir_bind(int fd, const struct weir_address *address);
int weir_bind_any(int fd, uint16_t port);
int weir_bind_unix(int fd, const char *path, uint32_t mode);
int weir_listen(int fd, int backlog);
// 1 if reading or accepting would not wait, 0 if it would.
int weir_is_readable(int fd);
int weir_accept(int fd, struct weir_address *peer);
int weir_connect(int fd, const struct weir_address *address);
int weir_connect_unix(int fd, const char *path);
int weir_local_address(int fd, struct weir_address *address);
int weir_local_port(int fd);
int weir_set_reuse(int fd, int port_too);
int weir_set_nodelay(int fd);
int weir_set_keepalive(int fd);
int weir_set_user_timeout(int fd, uint32_t milliseconds);
// The pending error of a socket as a negated errno, 0 for none.
int weir_socket_error(int fd);
// Bytes that the peer's kernel has acknowledged since the connection began; -1 where unknown.
int64_t weir_bytes_acknowledged(int fd);
int weir_shutdown_write(int fd);
// Makes the close that follows a reset.
void weir_set_reset_on_close(int fd);
void weir_close(int fd);

// ---- Sockets of libraries
//
// By the conventions of the C library, which c-ares wants of the functions that it is given: -1 and
// errno where a call fails. Sockets do not block; `context` is not looked at.

int weir_library_socket(int domain, int type, int protocol, void *_Nullable context);
int weir_library_close(int fd, void *_Nullable context);
int weir_library_connect(
    int fd, const struct sockaddr *_Nullable address, socklen_t size, void *_Nullable context);
ssize_t weir_library_receive(
    int fd, void *_Nullable buffer, size_t capacity, int flags, struct sockaddr *_Nullable from,
    socklen_t *_Nullable size, void *_Nullable context);
ssize_t weir_library_send(
    int fd, const struct iovec *_Nullable parts, int count, void *_Nullable context);

// ---- Time

static inline int64_t weir_monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t weir_realtime_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---- Process

// Raises the descriptor limit to its hard limit and returns it, at most `INT32_MAX`.
int weir_raise_descriptor_limit(void);
// CPUs that this process may run on.
int weir_usable_cpus(void);
// Fills the buffer with random bytes from the kernel.
void weir_random(void *buffer, size_t count);
// Blocks the signals that `weir_signalfd` reads, ignores SIGPIPE; call before the first thread.
void weir_block_signals(void);
// Blocks those of them that do not ask for the end, until they are read.
void weir_hold_signals(void);
int weir_signalfd(void);
// The next signal's number, or a negated errno.
int weir_signalfd_read(int fd);
int weir_thread_start(void *_Nullable (*_Nonnull body)(void *_Nullable), void *argument, const char *name, pthread_t *thread);
void weir_thread_join(pthread_t thread);
void weir_thread_detach(pthread_t thread);
int weir_process_id(void);
struct weir_process_usage {
    uint64_t resident_bytes;
    uint64_t descriptors;
    uint64_t cpu_ns;
};
// What the process uses now; what cannot be found out is 0.
void weir_read_process_usage(struct weir_process_usage *usage);
// Ends the process at once.
void weir_exit(int status) __attribute__((noreturn));

// ---- Files

// `waits`: whether opening a named pipe waits for who writes to it; else such a pipe is empty.
int weir_open_read(const char *path, int waits);
int weir_open_append(const char *path);
// An empty file, whatever was there.
int weir_open_new(const char *path);
ssize_t weir_read(int fd, void *buffer, size_t capacity);
ssize_t weir_write(int fd, const void *bytes, size_t count);
// 1 if the descriptor is a terminal.
int weir_is_terminal(int fd);
// 1 a plain file, 2 a folder, 3 anything else, or a negated errno.
int weir_file_kind(const char *path);
// What tells one state of a file from another.
struct weir_file_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
};

// The stamp of the file behind the path, links followed; 0 or a negated errno.
int weir_file_stamp(const char *path, struct weir_file_stamp *stamp);
int weir_unlink(const char *path);
/* Gives the file at a path these rights; 0 or a negated errno. */
int weir_set_mode(const char *path, uint32_t mode);
/* Sends a signal to a process; 0 or a negated errno. */
int weir_signal_process(int pid, int signal);
/* Writes this process's number into a file that it makes or empties; 0 or a negated errno. */
int weir_write_pid_file(const char *path);
// Calls `found` for each path that the pattern matches, sorted.
void weir_glob(const char *pattern, void *context, void (*found)(void *context, const char *path));
// The working folder's path into `buffer`; 0 or a negated errno.
int weir_working_folder(char *buffer, size_t capacity);
const char *weir_error_text(int error);
const char *_Nullable weir_environment(const char *name);

#pragma clang assume_nonnull end
#endif
