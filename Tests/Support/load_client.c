// A closed loop of GETs and POSTs over kept connections; every byte of every answer is checked.
//
// usage: load_client PORT CONNECTIONS GETS POSTS PAUSE SEED RESULTS. After PAUSE GETs, and once
// all is done, it prints a line and waits for one on its standard input, so that the proxy can be
// looked at. RESULTS gets one byte per POST, 1 if it was answered with 200. At the end it prints
// its counts as JSON: failures by method, status and the outcome that the proxy names.

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { answerRoom = headRoom + largestBody, mostFailures = 64, patience = 30000 };

struct connection {
    int descriptor;
    int isPost, busy;
    uint64_t id, expected;
    size_t count;
    char bytes[answerRoom];
};

struct failure {
    char name[96];
    uint64_t count;
};

static struct connection *connections;
static uint64_t getsLeft, postsLeft, getsDone, running, nextGet, nextPost, pauseAt, seed;
static uint64_t opened, closedUnasked;
static uint8_t *results;
static struct failure failures[mostFailures];
static size_t failureCount;
static int poller, port;

static void note(const char *method, const char *what) {
    char name[96];
    snprintf(name, sizeof name, "%s %s", method, what);
    size_t i = 0;
    while (i < failureCount && strcmp(failures[i].name, name) != 0) i++;
    if (i == mostFailures) i--;
    else if (i == failureCount) memcpy(failures[failureCount++].name, name, sizeof name);
    failures[i].count += 1;
}

static void openConnection(struct connection *connection) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
    connection->descriptor = descriptor;
    opened += 1;
}

static uint64_t size(void) {
    static const uint64_t sizes[] = { 0, 1, 100, 100, 100, 1000, 1000, 10000 };
    uint64_t drawn = draw(&seed);
    return drawn % 200 == 0 ? 70000 : sizes[drawn % 8];
}

static void startRequest(struct connection *connection) {
    if (!getsLeft && !postsLeft) return;
    char request[headRoom + 20000];
    connection->isPost = draw(&seed) % (getsLeft + postsLeft) < postsLeft;
    connection->id = connection->isPost ? nextPost++ : nextGet++;
    connection->expected = size();
    connection->count = 0;
    connection->busy = 1;
    *(connection->isPost ? &postsLeft : &getsLeft) -= 1;
    running += 1;
    uint64_t body = connection->isPost ? size() % 20000 : 0;
    char length[48] = "";
    if (connection->isPost)
        snprintf(length, sizeof length, "Content-Length: %llu\r\n", (unsigned long long)body);
    int head = snprintf(request, sizeof request,
        "%s /%llu HTTP/1.1\r\nHost: load.test\r\nX-Id: %llu\r\n%s\r\n",
        connection->isPost ? "POST" : "GET", (unsigned long long)connection->expected,
        (unsigned long long)connection->id, length);
    memcpy(request + head, bodyOf(connection->id), body);
    // A failed send shows in what is received.
    (void)!send(connection->descriptor, request, (size_t)head + body, MSG_NOSIGNAL);
}

static void waitForReader(const char *what) {
    printf("%s\n", what);
    fflush(stdout);
    char line[16];
    if (!fgets(line, sizeof line, stdin)) exit(3);
}

static void finished(struct connection *connection, const char *problem) {
    connection->busy = 0;
    running -= 1;
    if (problem) note(connection->isPost ? "POST" : "GET", problem);
    else if (connection->isPost) results[connection->id] = 1;
    if (!connection->isPost && ++getsDone == pauseAt) waitForReader("paused");
}

static void reopen(struct connection *connection) {
    close(connection->descriptor);
    openConnection(connection);
}

// Checks an answer that is there whole; `text` has room for a failure's name.
static const char *check(struct connection *connection, char *blank, uint64_t length, char *text) {
    char *end = blank + 2;
    if (strncmp(connection->bytes, "HTTP/1.1 200 ", 13) != 0) {
        const char *outcome = fieldOf(connection->bytes, end, "x-weir-outcome:");
        int size = outcome ? (int)strcspn(outcome, "\r") : 0;
        snprintf(text, 64, "%.3s %.*s", connection->bytes + 9, size, outcome ? outcome : "");
        return text;
    }
    if (numberOf(connection->bytes, end, "x-id:") != connection->id) return "another's answer";
    if (length != connection->expected) return "another length";
    return memcmp(blank + 4, bodyOf(connection->id), length) ? "wrong bytes" : NULL;
}

static void readable(struct connection *connection) {
    ssize_t got = recv(connection->descriptor, connection->bytes + connection->count,
                       answerRoom - connection->count, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        if (connection->busy) finished(connection, "closed without an answer");
        else closedUnasked += 1;
        reopen(connection);
        return startRequest(connection);
    }
    if (!connection->busy) {
        note("no request", "bytes that nobody asked for");
        return reopen(connection);
    }
    connection->count += (size_t)got;
    char *blank = memmem(connection->bytes, connection->count, "\r\n\r\n", 4);
    if (!blank) return;
    char text[64];
    uint64_t length = numberOf(connection->bytes, blank + 2, "content-length:");
    size_t whole = (size_t)(blank + 4 - connection->bytes) + length;
    if (length > largestBody || connection->count > whole) {
        finished(connection, "bad framing");
        reopen(connection);
    } else if (connection->count < whole) {
        return;
    } else {
        const char *close = fieldOf(connection->bytes, blank + 2, "connection:");
        int closes = close && strncasecmp(close, "close", 5) == 0;
        finished(connection, check(connection, blank, length, text));
        if (closes) reopen(connection);
    }
    startRequest(connection);
}

static void report(const char *file, uint64_t posts) {
    FILE *out = fopen(file, "wb");
    if (!out || fwrite(results, 1, posts, out) != posts || fclose(out)) fail(file);
    printf("{\"gets\": %llu, \"opened\": %llu, \"closedUnasked\": %llu, \"failures\": {",
           (unsigned long long)getsDone, (unsigned long long)opened,
           (unsigned long long)closedUnasked);
    for (size_t i = 0; i < failureCount; i++)
        printf("%s\"%s\": %llu", i ? ", " : "", failures[i].name,
               (unsigned long long)failures[i].count);
    printf("}}\n");
}

int main(int argc, char **argv) {
    if (argc != 8) return fprintf(stderr, "usage: see the source\n"), 2;
    port = atoi(argv[1]);
    size_t count = strtoul(argv[2], NULL, 10);
    uint64_t posts = strtoull(argv[4], NULL, 10);
    getsLeft = strtoull(argv[3], NULL, 10);
    postsLeft = posts;
    nextGet = posts;
    pauseAt = strtoull(argv[5], NULL, 10);
    seed = strtoull(argv[6], NULL, 10) | 1;
    fillPattern();
    results = calloc(1, posts + 1);
    connections = calloc(count, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!results || !connections || poller < 0) fail("start");
    for (size_t i = 0; i < count; i++) {
        openConnection(&connections[i]);
        startRequest(&connections[i]);
    }
    struct epoll_event events[256];
    while (running) {
        int ready = epoll_wait(poller, events, 256, patience);
        if (!ready) return fprintf(stderr, "no answer for %d ms\n", patience), 1;
        for (int i = 0; i < ready; i++) readable(events[i].data.ptr);
    }
    waitForReader("done");
    report(argv[7], posts);
    return 0;
}
