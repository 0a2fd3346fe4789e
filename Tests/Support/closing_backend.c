// A backend that closes its kept connections at random: after a number of answers, or after some
// idle milliseconds, mostly without a word. What it has read of a request it always answers; a
// request that is on its way while it closes meets a closed connection.
//
// usage: closing_backend SEED COUNTS POSTS. It prints its port; COUNTS gets one byte per POST,
// which says how often its head arrived. On SIGTERM it prints its own counts as JSON.

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

enum { mostConnections = 4096, requestRoom = headRoom + 32768, idleTable = 4 };

struct connection {
    int descriptor;
    uint64_t answersLeft;
    uint64_t idleUntil;     // milliseconds; 0: while a request is half there, or no limit
    size_t count;
    int counted;            // this request's head has been counted
    char bytes[requestRoom];
};

static struct connection *connections[mostConnections];
static size_t connectionCount;
static uint64_t seed, postCount, opened, closedIdle, closedAnswered, announced, answers, wrong;
static uint8_t *posts;
static int poller;
static volatile sig_atomic_t stopping;

static void stop(int number) { (void)number; stopping = 1; }

static uint64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void end(size_t index) {
    close(connections[index]->descriptor);
    free(connections[index]);
    connections[index] = connections[--connectionCount];
}

static void sendAll(int descriptor, const char *bytes, size_t count, int flags) {
    while (count) {
        ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL | flags);
        if (sent <= 0) return;
        bytes += sent;
        count -= (size_t)sent;
    }
}

static void count(struct connection *connection, uint64_t id) {
    if (connection->counted) return;
    connection->counted = 1;
    if (id >= postCount) wrong += 1;
    else if (posts[id] < 255) posts[id] += 1;
}

// Answers the request that is there whole. True if the connection is to be closed behind it.
static int answer(struct connection *connection, uint64_t size, uint64_t id) {
    int last = --connection->answersLeft == 0;
    int tells = last && draw(&seed) % 4 == 0;
    char head[256];
    if (size > largestBody) size = 0, wrong += 1;
    int written = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\nX-Id: %llu\r\n%sContent-Length: %llu\r\n\r\n", (unsigned long long)id,
        tells ? "Connection: close\r\n" : "", (unsigned long long)size);
    sendAll(connection->descriptor, head, (size_t)written, size ? MSG_MORE : 0);
    sendAll(connection->descriptor, bodyOf(id), size, 0);
    answers += 1;
    announced += (uint64_t)tells;
    closedAnswered += (uint64_t)last;
    connection->idleUntil = draw(&seed) % idleTable ? 0 : milliseconds() + 1 + draw(&seed) % 20;
    return last;
}

// Uses what was read. True if the connection is to be closed.
static int consume(struct connection *connection) {
    for (;;) {
        char *head = connection->bytes;
        char *blank = memmem(head, connection->count, "\r\n\r\n", 4);
        if (!blank) return 0;
        char *close = blank + 2;
        uint64_t id = numberOf(head, close, "x-id:"), length = numberOf(head, close, "content-length:");
        int isPost = strncmp(head, "POST ", 5) == 0;
        if (isPost) count(connection, id);
        if (length == UINT64_MAX) length = 0;
        size_t whole = (size_t)(blank + 4 - head) + length;
        if (whole > requestRoom) return wrong += 1, 1;
        if (connection->count < whole) return 0;
        if (memcmp(blank + 4, bodyOf(id), length) != 0) wrong += 1;
        char *path = strchr(head, '/');
        int last = answer(connection, path ? strtoull(path + 1, NULL, 10) : UINT64_MAX, id);
        connection->count -= whole;
        connection->counted = 0;
        memmove(head, head + whole, connection->count);
        if (last) return 1;
    }
}

static int readable(struct connection *connection) {
    connection->idleUntil = 0;
    ssize_t got = recv(connection->descriptor, connection->bytes + connection->count,
                       requestRoom - connection->count, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return 1;
    connection->count += (size_t)got;
    return consume(connection);
}

static void acceptAll(int listener) {
    int descriptor;
    while (connectionCount < mostConnections
           && (descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection->descriptor = descriptor;
        connection->answersLeft = 1 + draw(&seed) % 200;
        connections[connectionCount++] = connection;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
        if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
        opened += 1;
    }
}

static size_t indexOf(struct connection *connection) {
    for (size_t i = 0; i < connectionCount; i++)
        if (connections[i] == connection) return i;
    abort();
}

static void endIdleOnes(void) {
    uint64_t now = milliseconds();
    for (size_t i = connectionCount; i-- > 0;) {
        if (!connections[i]->idleUntil || connections[i]->idleUntil > now) continue;
        closedIdle += 1;
        end(i);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: closing_backend SEED COUNTS POSTS\n"), 2;
    seed = strtoull(argv[1], NULL, 10) | 1;
    postCount = strtoull(argv[3], NULL, 10);
    fillPattern();
    signal(SIGTERM, stop);
    int file = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, (off_t)postCount + 1) < 0) fail(argv[2]);
    posts = mmap(NULL, postCount + 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (posts == MAP_FAILED) fail("mmap");
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) < 0) fail("bind");
    if (listen(listener, 4096) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], event = { .events = EPOLLIN };
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    while (!stopping) {
        int ready = epoll_wait(poller, events, 256, 1);
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) acceptAll(listener);
            else if (readable(connection)) end(indexOf(connection));
        }
        endIdleOnes();
    }
    printf("{\"answers\": %llu, \"opened\": %llu, \"closedIdle\": %llu, \"closedAnswered\": %llu, "
           "\"announced\": %llu, \"wrong\": %llu}\n",
           (unsigned long long)answers, (unsigned long long)opened, (unsigned long long)closedIdle,
           (unsigned long long)closedAnswered, (unsigned long long)announced,
           (unsigned long long)wrong);
    return 0;
}
