#define _GNU_SOURCE
#include "weir_linux.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

// ---- Readiness

int weir_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int weir_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void weir_eventfd_signal(int fd) {
    uint64_t one = 1;
    // A counter that is full wakes its reader all the same.
    if (write(fd, &one, sizeof one) < 0) return;
}

void weir_eventfd_clear(int fd) {
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0) return;
}

// ---- Data

ssize_t weir_send2(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec parts[2] = {
        {.iov_base = (void *)first, .iov_len = first_count},
        {.iov_base = (void *)second, .iov_len = second_count},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;
    do n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t weir_splice(int from, int to, size_t count) {
    ssize_t n;
    do n = splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int weir_pipe(int *read_end, int *write_end, int capacity) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
    fcntl(ends[1], F_SETPIPE_SZ, capacity);
    int size = fcntl(ends[1], F_GETPIPE_SZ);
    *read_end = ends[0];
    *write_end = ends[1];
    return size < 0 ? 65536 : size;
}

// ---- Sockets

static socklen_t to_sockaddr(const struct weir_address *address, struct sockaddr_storage *storage) {
    memset(storage, 0, sizeof *storage);
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        in->sin_addr.s_addr = htonl((uint32_t)address->low);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    uint64_t parts[2] = {__builtin_bswap64(address->high), __builtin_bswap64(address->low)};
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    parts[0] = address->high;
    parts[1] = address->low;
#endif
    memcpy(&in6->sin6_addr, parts, 16);
    return sizeof *in6;
}

static void from_sockaddr(const struct sockaddr_storage *storage, struct weir_address *address) {
    memset(address, 0, sizeof *address);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        address->family = 4;
        address->port = ntohs(in->sin_port);
        address->low = ntohl(in->sin_addr.s_addr);
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
        uint64_t high = 0, low = 0;
        for (int i = 0; i < 8; i++) high = high << 8 | in6->sin6_addr.s6_addr[i];
        for (int i = 8; i < 16; i++) low = low << 8 | in6->sin6_addr.s6_addr[i];
        address->port = ntohs(in6->sin6_port);
        if (high == 0 && low >> 32 == 0xffff) {
            address->family = 4;
            address->low = low & 0xffffffff;
        } else {
            address->family = 6;
            address->high = high;
            address->low = low;
        }
    }
}

int weir_socket(int family, int is_unix) {
    int domain = is_unix ? AF_UNIX : family == 4 ? AF_INET : AF_INET6;
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int weir_bind(int fd, const struct weir_address *address) {
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(address, &storage);
    if (address->family == 6) {
        int on = 1;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    return bind(fd, (struct sockaddr *)&storage, size) < 0 ? -errno : 0;
}

int weir_bind_any(int fd, uint16_t port) {
    int off = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    return bind(fd, (struct sockaddr *)&in6, sizeof in6) < 0 ? -errno : 0;
}

static int unix_address(const char *path, struct sockaddr_un *un) {
    memset(un, 0, sizeof *un);
    un->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof un->sun_path) return -ENAMETOOLONG;
    strcpy(un->sun_path, path);
    return 0;
}

// Whether a process listens behind this socket file.
static int is_served(const struct sockaddr_un *un) {
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) return 1;
    int refused = connect(probe, (const struct sockaddr *)un, sizeof *un) < 0 && errno == ECONNREFUSED;
    close(probe);
    return !refused;
}

int weir_bind_unix(int fd, const char *path, uint32_t mode) {
    struct sockaddr_un un;
    int failed = unix_address(path, &un);
    if (failed) return failed;
    struct stat info;
    if (stat(path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode) || is_served(&un)) return -EADDRINUSE;
        unlink(path);
    }
    // The rights must hold from the first moment on: nothing may connect before the chmod.
    mode_t before = umask(0177);
    int bound = bind(fd, (struct sockaddr *)&un, sizeof un) < 0 ? -errno : 0;
    umask(before);
    if (bound < 0) return bound;
    return chmod(path, mode) < 0 ? -errno : 0;
}

int weir_listen(int fd, int backlog) {
    return listen(fd, backlog) < 0 ? -errno : 0;
}

int weir_accept(int fd, struct weir_address *peer) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    storage.ss_family = AF_UNIX;
    int accepted;
    do accepted = accept4(fd, (struct sockaddr *)&storage, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0 && errno == EINTR);
    if (accepted < 0) return -errno;
    from_sockaddr(&storage, peer);
    return accepted;
}

int weir_connect(int fd, const struct weir_address *address) {
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(address, &storage);
    return connect(fd, (struct sockaddr *)&storage, size) < 0 ? -errno : 0;
}

int weir_connect_unix(int fd, const char *path) {
    struct sockaddr_un un;
    int failed = unix_address(path, &un);
    if (failed) return failed;
    return connect(fd, (struct sockaddr *)&un, sizeof un) < 0 ? -errno : 0;
}

int weir_local_address(int fd, struct weir_address *address) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) < 0) return -errno;
    from_sockaddr(&storage, address);
    return 0;
}

int weir_local_port(int fd) {
    struct weir_address address;
    int failed = weir_local_address(fd, &address);
    return failed ? failed : address.port;
}

static int set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int weir_is_readable(int fd) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

int weir_set_reuse(int fd, int port_too) {
    int failed = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (failed || !port_too) return failed;
    return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

int weir_set_nodelay(int fd) {
    return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int weir_set_keepalive(int fd) {
    int failed = set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (!failed) failed = set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    if (!failed) failed = set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    if (!failed) failed = set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    return failed;
}

int weir_set_user_timeout(int fd, uint32_t milliseconds) {
    return set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)milliseconds);
}

int weir_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}

int64_t weir_bytes_acknowledged(int fd) {
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -1;
    if (size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return -1;
    return (int64_t)info.tcpi_bytes_acked;
}

int weir_shutdown_write(int fd) {
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

void weir_set_reset_on_close(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void weir_close(int fd) {
    // Linux frees the descriptor whatever close returns, so there is nothing to repeat.
    close(fd);
}

// ---- Sockets of libraries

int weir_library_socket(int domain, int type, int protocol, void *context) {
    (void)context;
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd >= 0 && type == SOCK_STREAM) weir_set_nodelay(fd);
    return fd;
}

int weir_library_close(int fd, void *context) {
    (void)context;
    return close(fd);
}

int weir_library_connect(int fd, const struct sockaddr *address, socklen_t size, void *context) {
    (void)context;
    return connect(fd, address, size);
}

ssize_t weir_library_receive(
    int fd, void *buffer, size_t capacity, int flags, struct sockaddr *from, socklen_t *size, void *context) {
    (void)context;
    return recvfrom(fd, buffer, capacity, flags, from, size);
}

ssize_t weir_library_send(int fd, const struct iovec *parts, int count, void *context) {
    (void)context;
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// ---- Process

int weir_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur;
}

int weir_usable_cpus(void) {
    cpu_set_t *set = CPU_ALLOC(4096);
    if (!set) return 1;
    size_t size = CPU_ALLOC_SIZE(4096);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 1;
    CPU_FREE(set);
    return count > 0 ? count : 1;
}

void weir_random(void *buffer, size_t count) {
    uint8_t *next = buffer;
    while (count > 0) {
        ssize_t n = getrandom(next, count, 0);
        if (n < 0 && errno != EINTR) abort();
        if (n > 0) {
            next += n;
            count -= (size_t)n;
        }
    }
}

static void handled_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR2);
}

void weir_block_signals(void) {
    sigset_t set;
    handled_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void weir_hold_signals(void) {
    sigset_t set;
    handled_signals(&set);
    sigdelset(&set, SIGTERM);
    sigdelset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int weir_signalfd(void) {
    sigset_t set;
    handled_signals(&set);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int weir_signalfd_read(int fd) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    return n < 0 ? -errno : (int)info.ssi_signo;
}

int weir_thread_start(void *(*body)(void *), void *argument, const char *name, pthread_t *thread) {
    int failed = pthread_create(thread, NULL, body, argument);
    if (failed) return -failed;
    pthread_setname_np(*thread, name);
    return 0;
}

void weir_thread_join(pthread_t thread) {
    pthread_join(thread, NULL);
}

void weir_thread_detach(pthread_t thread) {
    pthread_detach(thread);
}

int weir_process_id(void) {
    return (int)getpid();
}

void weir_exit(int status) {
    // What was printed to a pipe waits in stdio's buffer, which _exit would drop.
    fflush(stdout);
    _exit(status);
}

// ---- Files

int weir_open_read(const char *path, int waits) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | (waits ? 0 : O_NONBLOCK));
    if (fd < 0) return -errno;
    if (!waits) fcntl(fd, F_SETFL, 0);
    return fd;
}

int weir_open_append(const char *path) {
    // A pipe that nobody reads is an error, not something to wait for.
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0) return -errno;
    fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

ssize_t weir_read(int fd, void *buffer, size_t capacity) {
    ssize_t n;
    do n = read(fd, buffer, capacity);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t weir_write(int fd, const void *bytes, size_t count) {
    ssize_t n;
    do n = write(fd, bytes, count);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int weir_is_terminal(int fd) { return isatty(fd); }

int weir_open_new(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

int weir_file_kind(const char *path) {
    struct stat info;
    if (stat(path, &info) < 0) return -errno;
    return S_ISREG(info.st_mode) ? 1 : S_ISDIR(info.st_mode) ? 2 : 3;
}

int weir_file_stamp(const char *path, struct weir_file_stamp *stamp) {
    struct stat info;
    if (stat(path, &info) < 0) return -errno;
    stamp->device = info.st_dev;
    stamp->inode = info.st_ino;
    stamp->size = info.st_size;
    stamp->modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    stamp->changed_ns = (int64_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec;
    return 0;
}

int weir_unlink(const char *path) {
    return unlink(path) < 0 ? -errno : 0;
}

void weir_glob(const char *pattern, void *context, void (*found)(void *, const char *)) {
    glob_t matches;
    if (glob(pattern, 0, NULL, &matches) == 0)
        for (size_t i = 0; i < matches.gl_pathc; i++) found(context, matches.gl_pathv[i]);
    globfree(&matches);
}

int weir_working_folder(char *buffer, size_t capacity) {
    return getcwd(buffer, capacity) ? 0 : -errno;
}

const char *weir_error_text(int error) {
    const char *text = strerrordesc_np(error);
    return text ? text : "unknown error";
}

const char *weir_environment(const char *name) {
    return getenv(name);
}

int weir_set_mode(const char *path, uint32_t mode) {
    return chmod(path, mode) ? -errno : 0;
}

int weir_signal_process(int pid, int signal) {
    return kill(pid, signal) ? -errno : 0;
}

int weir_write_pid_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return -errno;
    }
    int written = dprintf(fd, "%d\n", (int)getpid());
    int failed = written < 0 ? -errno : 0;
    close(fd);
    return failed;
}
